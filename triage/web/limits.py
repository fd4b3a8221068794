"""How often somebody may ask: by address, in a window that moves; counted by each server alone."""

from __future__ import annotations

from typing import Final

from fastapi import Request
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

MOST: Final[dict[str, RateLimitItem]] = {
    "sign-in": parse("20/minute"),
    "proxy": parse("20/minute"),
    "program": parse("1200/minute"),
    "state": parse("1/20 minutes"),
}
"""The most that is taken, by what is asked: from one address, or of somebody or something else."""


def limiter() -> MovingWindowRateLimiter:
    """Return a counter of a server of its own."""
    return MovingWindowRateLimiter(MemoryStorage())


def is_too_often(request: Request, what: str, of: str = "") -> bool:
    """Count that something is asked; return whether it is asked too often.

    It is counted by the address that asks, unless ``of`` says by what else.
    """
    host = request.client.host if request.client is not None else ""
    counted: MovingWindowRateLimiter = request.app.state.limiter
    return not counted.hit(MOST[what], what, of or host)
