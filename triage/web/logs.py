"""The log of a server: one JSON object a line, in which no record, name or typed address stands.

What an error says is left out, since a database may say in it what it was given; where it happened
is told instead.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import sys
import traceback
from types import TracebackType
from typing import Any, Final

LOG: Final = logging.getLogger("triage.web")
"""What is logged here is JSON already."""
_MOST_PLACES: Final = 12


class Lines(logging.Formatter):
    """Each record as one line of JSON, whichever library it comes from."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as it is written."""
        at = dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds")
        told: dict[str, Any] = {"at": at, "level": record.levelname.lower()}
        if record.name == LOG.name:
            return json.dumps(told | json.loads(record.getMessage()))
        told |= {"logger": record.name, "said": record.getMessage()}
        if record.exc_info and record.exc_info[1] is not None:
            told |= failure(record.exc_info[1])
        return json.dumps(told)


def begin() -> None:
    """Send the log to standard error from now on."""
    written = logging.StreamHandler(sys.stderr)
    written.setFormatter(Lines())
    logging.basicConfig(level=logging.WARNING, handlers=[written], force=True)
    LOG.setLevel(logging.INFO)


def say(**told: Any) -> None:
    """Log something of the server itself."""
    LOG.info(json.dumps(told))


def failure(error: BaseException) -> dict[str, Any]:
    """Return what is logged of an error that nobody foresaw: its kind, and where it happened."""
    return {"failure": type(error).__name__, "where": _places(error.__traceback__)}


def _places(found: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(found)[-_MOST_PLACES:]
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
