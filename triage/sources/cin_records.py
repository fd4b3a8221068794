"""What the elements of a census say: children, episodes, assessments, enquiries, and their cells.

Blocks come one after another; of each only the numbers of what it holds are kept, and its distinct
texts.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from triage.errors import InputError
from triage.sources.cin_pieces import (
    BeyondACensus,
    Bools,
    Codes,
    Lexicon,
    NotPlain,
    Numbers,
    Pieces,
    arrow,
    arrow_texts,
)
from triage.sources.cin_shape import ANYWHERE, CELL_OF_PLACE, CELLS, NUMBER
from triage.sources.cin_stream import MOST_BYTES, check_root, too_long
from triage.sources.cin_tolerated import Tolerated
from triage.sources.cin_tree import Places, Tree, depths, grow, known, whole_part

MOST_TAGS: Final = 1_000_000
"""The most tags that are read at once: those of one child, and of the block it stands in."""

_HOLDERS: Final = ("Child", "CINdetails", "Assessments", "Section47")
_OUTER: Final = {"CINdetails": "Child", "Assessments": "CINdetails", "Section47": "CINdetails"}


@dataclass(frozen=True)
class Records:
    """All that was read, as numbers.

    ``owner`` gives, for each record of a kind, the number of the record it belongs to (its child,
    its episode). ``cells`` gives, for each of ``CELLS``, the record of each time it was given and
    its text, a place in ``texts``; 0 is a blank one.
    """

    n_children: int
    owner: dict[str, Codes]
    cells: tuple[tuple[Codes, Codes], ...]
    texts: list[pa.Array]


class Reader:
    """Reads the blocks of one file, one after another.

    What is kept grows in byte arrays, so that no small array of a block holds memory in pieces.
    """

    def __init__(self, path: Path, *, is_anew: bool) -> None:
        self._path = path
        self._lexicon = Lexicon(is_anew)
        self.tolerated = Tolerated(self._lexicon)
        self._open: list[int] = []
        self._is_begun = self._is_closed = False
        self._counts = dict.fromkeys(_HOLDERS, 0)
        self._owner = {name: bytearray() for name in _OUTER}
        self._cells = tuple((bytearray(), bytearray()) for _ in CELLS)
        self._texts: list[pa.Array] = [arrow_texts([b""])]
        self._n_texts = 1

    @property
    def n_episodes(self) -> int:
        """Return the number of episodes read so far."""
        return self._counts["CINdetails"]

    def read(self, block: bytes) -> bytes:
        """Read what is whole at the start of a block, and return the rest of it.

        Raises:
            NotPlain: when expat has to read the file.
            InputError: when it is of another kind, or goes beyond what is read.
        """
        return self._part(block, max(block.rfind(b"<"), 0), is_last=False)

    def finish(self, block: bytes) -> None:
        """Read what is left at the end of the file; raises what ``read`` raises."""
        self._part(block, len(block), is_last=True)
        if not self._is_closed:
            raise NotPlain

    def _part(self, block: bytes, end: int, *, is_last: bool) -> bytes:
        if len(block) > MOST_BYTES or (
            len(block) > 3 * MOST_TAGS and block.count(b"<") > MOST_TAGS
        ):
            raise too_long(self._path)
        if self._is_closed and block.strip(b" \t\r\n"):
            raise NotPlain
        if end == 0 or self._is_closed:
            return block
        try:
            return self._read(block[:end], is_last) + block[end:]
        except BeyondACensus as how:
            raise InputError(f"{self._path}: {how}; expected a children in need census.") from None

    def _read(self, block: bytes, is_last: bool) -> bytes:
        pieces = self._lexicon.pieces(block)
        if not self._is_begun:
            check_root(self._path, self._lexicon.tags[pieces.tag[0]])
            self._is_begun = True
        before = np.array(self._open, np.int16)
        names = np.array(self._lexicon.name_of_tag, np.int16)
        step = np.concatenate([np.ones(len(before), np.int8), pieces.step])
        name = np.concatenate([names[before], pieces.name])
        depth = depths(step)
        n_whole = len(step) if is_last else whole_part(step, name)
        n_pieces = n_whole - len(before)
        if n_pieces <= 0:
            return block
        tag = np.concatenate([before, pieces.tag])
        tree = grow(step[:n_whole], tag[:n_whole], name[:n_whole], len(before))
        self._check_ends(depth[:n_whole], pieces, n_pieces, is_last)
        code = np.concatenate([np.full(len(before), -1, np.int32), pieces.code])[:n_whole]
        self._take(tree, pieces, code)
        self._open = [int(tag[tree.holder_tag[holder]]) for holder in tree.still_open()]
        if n_pieces == len(pieces.begins) - 1:
            return b""
        return block[int(pieces.begins[n_pieces]) + n_pieces :]

    def _check_ends(self, depth: Codes, pieces: Pieces, n_pieces: int, is_last: bool) -> None:
        """Leave to expat a file with more than one outermost element, or one never closed."""
        outermost = np.flatnonzero(depth == 0)
        if not len(outermost):
            if is_last:
                raise NotPlain
            return
        after = pieces.texts[int(pieces.code[n_pieces - 1])].as_py()
        if outermost[0] != len(depth) - 1 or after.strip(" \t\r\n"):
            raise NotPlain
        self._is_closed = True

    def _take(self, tree: Tree, pieces: Pieces, code: Codes) -> None:
        """Keep the records and the cells of a run of tags."""
        name = known(tree.name)
        parent_name = known(tree.holder_name)[tree.parent]
        is_read = name == NUMBER["Child"]
        number = self._number(tree, name, is_read)
        cell = CELL_OF_PLACE[parent_name, name]
        found = np.flatnonzero(cell >= 0)
        owner = _owners(tree, cell[found], tree.parent[found], number)
        found, owner = found[owner >= 0], owner[owner >= 0]
        is_read[found] = True
        place = np.where(tree.step[tree.tag[found]] == 1, code[tree.tag[found]], -1)
        self._keep_cells(cell[found], owner, self._keep_texts(place, pieces.texts))
        self.tolerated.count(tree, pieces, code, is_read)

    def _number(self, tree: Tree, name: Numbers, is_read: Bools) -> dict[str, Codes]:
        """Number the records, and return the number of each holder that makes one, by kind."""
        number: dict[str, Codes] = {
            "CollectionDetails": np.where(
                tree.holder_name == NUMBER["CollectionDetails"], 0, -1
            ).astype(np.int32)
        }
        for kind in _HOLDERS:
            element = np.flatnonzero(name == NUMBER[kind])
            if kind != "Child":
                outer, parent = number[_OUTER[kind]], tree.parent[element]
                owner = tree.nearest(parent, outer) if kind == "CINdetails" else outer[parent]
                element, owner = element[owner >= 0], owner[owner >= 0]
                self._owner[kind] += owner.data
                is_read[element] = True
            start = self._counts[kind]
            self._counts[kind] += len(element)
            is_holder = tree.holder[element] >= 0
            number[kind] = np.full(len(tree.inside), -1, np.int32)
            number[kind][tree.holder[element[is_holder]]] = start + np.flatnonzero(is_holder)
        return number

    def _keep_cells(self, cell: npt.NDArray[np.int8], owner: Codes, text: Codes) -> None:
        """Keep the owners and texts of a block's cells, each cell's apart."""
        order = np.argsort(cell, kind="stable")
        ends = np.searchsorted(cell[order], np.arange(len(CELLS) + 1))
        owner, text = owner[order], text[order]
        for begin, end, (owners, texts) in zip(ends[:-1], ends[1:], self._cells, strict=True):
            owners += owner[begin:end].data
            texts += text[begin:end].data

    def _keep_texts(self, place: Places, texts: pa.StringArray) -> Codes:
        """Keep the texts at some places among a block's, and return their places among all."""
        is_used = np.zeros(len(texts) + 1, bool)
        is_used[place] = True
        is_used[-1] = False
        kept = np.cumsum(is_used, dtype=np.int32) - 1 + np.int32(self._n_texts)
        kept[-1] = 0
        self._texts.append(texts.take(arrow(np.flatnonzero(is_used).astype(np.int32))))
        self._n_texts += len(self._texts[-1])
        return kept[place]

    def records(self) -> Records:
        """Return what was read."""
        owner = {kind: np.frombuffer(numbers, np.int32) for kind, numbers in self._owner.items()}
        cells = tuple(
            (np.frombuffer(owners, np.int32), np.frombuffer(texts, np.int32))
            for owners, texts in self._cells
        )
        return Records(self._counts["Child"], owner, cells, self._texts)


def _owners(
    tree: Tree, cell: npt.NDArray[np.int8], parent: Places, number: dict[str, Codes]
) -> Codes:
    """Return the number of the record that each cell belongs to, -1 for none."""
    own: Codes = np.maximum.reduce(list(number.values()))
    owner = own[parent]
    for place in np.flatnonzero(ANYWHERE).tolist():
        chosen = np.flatnonzero(cell == place)
        owner[chosen] = tree.nearest(parent[chosen], number[CELLS[place].record])
    return owner
