"""Parts of the product whose packages are installed only where they are wanted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from triage.errors import CallError


@contextmanager
def needed(extra: str) -> Iterator[None]:
    """Import what an extra brings, or say how to install it.

    Raises:
        CallError: when a package of it is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.partition(".")[0] == "triage":
            raise
        raise CallError(
            f"this needs the package {error.name}, which comes with the extra '{extra}': "
            f"pip install 'rereferral-triage[{extra}]'"
        ) from None
