"""What a census holds that the published schema does not allow: read past, counted and named."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final
from xml.sax.saxutils import unescape

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from triage.sources.cin_pieces import Bools, Codes, Lexicon, Pieces, whole_numbers
from triage.sources.cin_shape import MISPLACED, NAMES, NUMBER, home_of
from triage.sources.cin_tree import Tree, known
from triage.vocabulary import counted, cut

_N_KNOWN: Final = len(NAMES)
_MOST_NAMED: Final = 40
"""Unknown names that are told one by one; the others are counted together."""
_WORDS_FOR_BITS: Final = tuple(NUMBER[name] for name in ("ReferralNFA", "ICPCnotRequired"))
_ENTITIES: Final = {"&quot;": '"', "&apos;": "'"}
_HOMES: Final = {
    name: " or ".join(dict.fromkeys(parent for one, parent in home_of() if one == name))
    for name, _ in home_of()
}


def tidy(text: str) -> str:
    """Return the text of an element with XML's five entities resolved and spaces made single."""
    return " ".join(unescape(text, _ENTITIES).split())


class Tolerated:
    """Counts what was tolerated in one file.

    Of an unknown block only the block itself is counted, not what it holds; the children inside
    one are counted as if it were not there.
    """

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self.counts: Counter[str] = Counter()
        self._unknown: Counter[int] = Counter()
        self._has_header = False
        self._is_told: list[bool] = []

    def count(self, tree: Tree, pieces: Pieces, code: Codes, is_read: Bools) -> None:
        """Count what is tolerated in a run of tags; ``is_read`` says which elements are read."""
        is_covered = self._covers(tree)
        is_hidden = is_covered[tree.parent]
        self._has_header = self._has_header or bool(np.any(tree.name == NUMBER["Header"]))
        n_gender = np.count_nonzero((tree.name == NUMBER["GenderCurrent"]) & ~is_hidden)
        self.add("GenderCurrent instead of Sex", n_gender)
        unknown = tree.name[(tree.name > _N_KNOWN) & ~is_hidden]
        if len(unknown):
            self._unknown.update(unknown.tolist())
        self._misplaced(tree, is_read, is_hidden)
        self._words(tree, pieces, code, is_hidden)
        self._stray(tree, pieces, code, is_covered)

    def add(self, what: str, n: int | np.integer) -> None:
        """Count something so many times more."""
        if n:
            self.counts[what] += int(n)

    def _covers(self, tree: Tree) -> Bools:
        """Return which holders are unknown blocks or lie in one, within a child or outside any."""
        is_unknown = tree.holder_name > _N_KNOWN
        if not is_unknown.any():
            return is_unknown
        step = tree.step[tree.holder_tag]
        name = tree.holder_name[:-1]
        is_in_child = np.cumsum(step * (name == NUMBER["Child"])) > 0
        unknown = step * is_unknown[:-1]
        depth = np.where(
            is_in_child, np.cumsum(unknown * is_in_child), np.cumsum(unknown * ~is_in_child)
        )
        return np.append(depth > 0, np.False_)

    def _misplaced(self, tree: Tree, is_read: Bools, is_hidden: Bools) -> None:
        name, parent_name = known(tree.name), known(tree.holder_name)[tree.parent]
        wrong = np.flatnonzero(MISPLACED[parent_name, name])
        for read, suffix in ((True, "read all the same"), (False, "not read")):
            of_kind = wrong[(is_read[wrong] == read) & (read | ~is_hidden[wrong])]
            for number, n in Counter(name[of_kind].tolist()).items():
                one = NAMES[number - 1]
                self.add(f"{one} outside {_HOMES[one]} ({suffix})", n)

    def _words(self, tree: Tree, pieces: Pieces, code: Codes, is_hidden: Bools) -> None:
        """Count true and false where the schema has 1 and 0, by the distinct pieces with one."""
        for number in _WORDS_FOR_BITS:
            is_it = (pieces.distinct_name == number) & (pieces.distinct_step == 1)
            words = [
                place
                for place in np.flatnonzero(is_it).tolist()
                if re.fullmatch("true|false", tidy(pieces.texts[place].as_py()), re.IGNORECASE)
            ]
            if words:
                opens = (tree.name == number) & ~is_hidden
                n = np.count_nonzero(np.isin(code[tree.tag[opens]], words))
                self.add(f"true or false instead of 1 or 0 in {NAMES[number - 1]}", n)

    def _stray(self, tree: Tree, pieces: Pieces, code: Codes, is_covered: Bools) -> None:
        """Count the elements with text between the elements they hold, each once."""
        is_said = np.append(_is_said(pieces.texts), np.False_)
        is_stray = is_said & np.append(pieces.distinct_step <= 0, np.False_)
        has_stray = np.zeros(len(tree.holder_tag) + 1, bool)
        if is_stray.any():
            has_stray[tree.around[np.flatnonzero(is_stray[code])]] = True
        opens = np.flatnonzero(tree.step[tree.holder_tag] == 1)
        has_stray[opens] |= is_said[code[tree.holder_tag[opens]]]
        is_told = np.zeros(len(has_stray), bool)
        n_carried = int(np.searchsorted(tree.holder_tag, tree.n_before))
        is_told[:n_carried] = self._is_told[:n_carried]
        has_stray[-1] = False
        new = np.flatnonzero(has_stray & ~is_told & ~is_covered[tree.inside])
        for number, n in Counter(tree.holder_name[new].tolist()).items():
            self.add(f"stray text inside {cut(self._lexicon.names[number])}", n)
        self._is_told = (is_told | has_stray)[tree.still_open()].tolist()

    def notes(self) -> tuple[str, ...]:
        """Return a sentence for each thing that was tolerated, with its count."""
        told = Counter(self.counts)
        if not self._has_header:
            told["a file without a Header"] = 1
        for place, (number, n) in enumerate(self._unknown.most_common()):
            name = cut(self._lexicon.names[number])
            told[f"unknown block {name}" if place < _MOST_NAMED else "other unknown blocks"] += n
        for prefix in self._lexicon.undeclared[:_MOST_NAMED]:
            told[f"the prefix {cut(prefix)} without a declaration"] = 1
        return tuple(f"tolerated {what}: {counted(n, 'time')}" for what, n in told.items())


def _is_said(texts: pa.StringArray) -> Bools:
    """Return which texts are more than spaces."""
    lengths = pc.binary_length(pc.utf8_trim_whitespace(texts))
    return whole_numbers(lengths) > 0
