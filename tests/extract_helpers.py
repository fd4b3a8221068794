"""Tables beside the referrals, and what the command finds in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from conftest import Triage


def table(path: Path, text: str) -> Path:
    path.write_text(text.replace(" ", "\n") + "\n", "utf-8")
    return path


def checked(triage: Triage, *names: str | Path, more: tuple[str, ...] = ()) -> dict[str, Any]:
    code, out, err = triage(
        "check", *names, "--as-of", "2026-09-30", "--window", "all", "--format", "json", *more
    )
    assert code == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


def flagged(found: dict[str, Any], rule: str) -> set[tuple[str, str]]:
    return {(f["child_id"], f["referral_date"]) for f in found["flags"] if f["rule"] == rule}
