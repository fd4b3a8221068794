"""The number of a case in an address, as the store can hold it."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Path

LARGEST: Final = 2**31 - 1
"""The largest number that any store gives."""
CaseNumber = Annotated[int, Path(ge=1, le=LARGEST)]
"""What is none is an address that is not there."""
