"""How uncertain a share is."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=100_000)
def wilson(part: int, whole: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share of ``part`` in ``whole``, from 0 to 1.

    By SciPy. Unlike the usual one it holds for few, and for none: Newcombe, Statistics in Medicine
    17 (1998), 857-872.

    Raises:
        ValueError: where there is no whole, or the part is none of it.
    """
    from scipy.stats import binomtest

    if whole < 1:
        raise ValueError("a share of nobody has no interval")
    found = binomtest(part, whole).proportion_ci(0.95, method="wilson")
    return float(found.low), float(found.high)
