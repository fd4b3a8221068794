"""Re-referral triage: points at the cases a manager should look at again."""

__version__ = "0.1.0"
