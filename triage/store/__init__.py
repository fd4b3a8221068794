"""The store: the only package that knows the database."""

from triage.store.connection import DEFAULT_URL, run_lock
from triage.store.nightly import store_run
from triage.store.queue import Changes, QueueChange
from triage.store.reading import (
    Case,
    StoredFlag,
    TimelineReferral,
    cases,
    due_items,
    last_as_of,
    latest_as_of,
    one_case,
    rejections,
    runs,
    standing_flags,
)

__all__ = [
    "DEFAULT_URL",
    "Case",
    "Changes",
    "QueueChange",
    "StoredFlag",
    "TimelineReferral",
    "cases",
    "due_items",
    "last_as_of",
    "latest_as_of",
    "one_case",
    "rejections",
    "run_lock",
    "runs",
    "standing_flags",
    "store_run",
]
