"""The elements of a block and how they lie in one another, worked out for all tags at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from triage.sources.cin_pieces import BeyondACensus, Codes, NotPlain, Numbers, Steps
from triage.sources.cin_shape import NUMBER

DEEPEST: Final = 64
_CHILD: Final = NUMBER["Child"]
_N_KNOWN: Final = len(NUMBER)

Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Tree:
    """The elements of a run of tags.

    A *holder* is an element with elements inside; it is known by its place among the tags that
    open or close one. ``inside`` gives the holder that each holder lies in, ``holder_name`` its
    name and ``holder_tag`` its tag; a last entry of the first two stands for no holder, -1.
    Elements are in the order of the file: ``tag`` is the place of each among the tags, ``parent``
    the holder it lies in, ``holder`` its own place as one, or -1. ``around`` is the holder in which
    the text after each tag stands.
    """

    n_before: int
    step: Steps
    tag: Places
    name: Numbers
    parent: Places
    holder: Places
    inside: Places
    holder_name: Numbers
    holder_tag: Places
    around: Places

    def nearest(self, parent: Places, number: Codes) -> Codes:
        """Return the number of the nearest holder outwards that has one, or -1.

        ``number`` has an entry a holder, -1 where it has none, and a last one of -1.
        """
        found = number[parent]
        while True:
            missing = np.flatnonzero((found < 0) & (parent >= 0))
            if not len(missing):
                return found
            parent = parent.copy()
            parent[missing] = self.inside[parent[missing]]
            found[missing] = number[parent[missing]]

    def still_open(self) -> list[int]:
        """Return the holders that are open at the end, outermost first."""
        chain = []
        holder = int(self.around[-1]) if len(self.around) else -1
        while holder >= 0:
            chain.append(holder)
            holder = int(self.inside[holder])
        return chain[::-1]


def known(names: Numbers) -> Numbers:
    """Return the numbers of names, 0 for every name that is not known."""
    return np.where(names <= _N_KNOWN, names, np.int16(0))


def depths(step: Steps) -> Codes:
    """Return how many elements are open after each of some tags.

    Raises:
        BeyondACensus: for elements that lie deeper in one another than in any census.
        NotPlain: when an end tag closes nothing.
    """
    depth = np.cumsum(step, dtype=np.int32)
    if depth.max() > DEEPEST:
        raise BeyondACensus(f"has elements that lie in one another more than {DEEPEST} deep")
    if depth.min() < 0:
        raise NotPlain
    return depth


def whole_part(step: Steps, name: Numbers) -> int:
    """Return how many tags at the start can be read before more of the file is known.

    They end after a tag that closes something, and outside any child.
    """
    children = np.flatnonzero((name == _CHILD) & (step != 0))
    open_children = np.cumsum(step[children], dtype=np.int32)
    if len(children) and open_children[-1] > 0:
        outside = np.flatnonzero(open_children <= 0)
        limit = int(children[outside[-1]]) + 1 if len(outside) else int(children[0])
    else:
        limit = len(step)
    closing = np.flatnonzero(step[:limit] <= 0)
    return int(closing[-1]) + 1 if len(closing) else 0


def grow(step: Steps, tag: Numbers, name: Numbers, n_before: int) -> Tree:
    """Return the elements of a run of tags that begins outside every element, at sound depths.

    The first ``n_before`` tags stand for elements that were opened in an earlier run: they hold
    others, and are not among the elements of this one.

    Raises:
        NotPlain: when an end tag is not that of the element it closes.
    """
    is_pair = np.zeros(len(step) + 1, bool)
    is_pair[1:-1] = (step[:-1] == 1) & (step[1:] == -1)
    if np.any(tag[:-1][is_pair[1:-1]] != tag[1:][is_pair[1:-1]]):
        raise NotPlain
    is_event = (step != 0) & ~is_pair[1:] & ~is_pair[:-1]
    event = np.flatnonzero(is_event)
    event_step = step[event]
    around_event = _around(event_step)
    before = np.concatenate([[-1], around_event]).astype(np.int64)[:-1]
    closes = np.flatnonzero(event_step == -1)
    if np.any(tag[event[closes]] != tag[event[before[closes]]]):
        raise NotPlain
    latest = np.cumsum(is_event) - 1
    around = _with_none(around_event)[latest]
    element = np.flatnonzero(step >= 0)[n_before:]
    is_holder = is_event[element]
    last = latest[element]
    inside = _with_none(before)
    parent = np.where(is_holder, inside[last], around[element])
    return Tree(
        n_before,
        step,
        element,
        name[element],
        parent,
        np.where(is_holder, last, -1),
        inside,
        np.append(name[event], np.int16(0)),
        event,
        around,
    )


def _around(step: Steps) -> Places:
    """Return, after each tag that opens or closes a holder, the holder that is open; -1 for none.

    Of the tags after which the depth is the same, the last that opened one is it.
    """
    depth = np.cumsum(step, dtype=np.int8)
    order = np.argsort(depth, kind="stable")
    places = np.where(step[order] == 1, np.arange(len(order)), -1)
    last = np.maximum.accumulate(places) if len(places) else places
    around = np.empty(len(step), np.int64)
    around[order] = np.where(last >= 0, order[last], -1)
    return around


def _with_none(places: Places) -> Places:
    """Return places with a last entry, reached as -1, that says none."""
    return np.append(places, -1)
