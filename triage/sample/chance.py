"""Draws from the mixes and bins of ``calibration`` for many rows at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from triage.sample.calibration import Bins

Rng = np.random.Generator
Ints = NDArray[np.int32]
Truths = NDArray[np.bool_]


def stream(seed: int, part: int) -> Rng:
    """A stream of draws of its own for one part, so that no part changes the cells of another."""
    return np.random.Generator(np.random.PCG64([seed, part]))


def pick(rng: Rng, size: int, weights: Sequence[float]) -> Ints:
    """Draws ``size`` positions in ``weights``, each as often as its weight says.

    The weights are scaled to sum to one, so a mix may be given in per cent.
    """
    limits = np.cumsum(np.asarray(weights, dtype=np.float64))
    drawn = np.searchsorted(limits, rng.random(size) * limits[-1], side="right")
    chosen: Ints = np.minimum(drawn, len(limits) - 1).astype(np.int32)
    return chosen


def pick_in_bins(rng: Rng, size: int, bins: Bins) -> Ints:
    """Draws whole numbers: a bin by its share, then any number of the bin with equal chance."""
    chosen = pick(rng, size, [share for _, _, share in bins])
    low = np.array([lowest for lowest, _, _ in bins])[chosen]
    high = np.array([highest for _, highest, _ in bins])[chosen]
    drawn: Ints = np.floor(low + rng.random(size) * (high - low + 1)).astype(np.int32)
    return drawn


def whole(rng: Rng, size: int, low: int, high: int) -> Ints:
    """Draws whole numbers from ``low`` to ``high``, both included."""
    return rng.integers(low, high + 1, size=size, dtype=np.int32)


def happens(rng: Rng, size: int, share: float | NDArray[np.float64]) -> Truths:
    """Draws true for the given share of rows; the share may differ from row to row."""
    return np.asarray(rng.random(size) < share)
