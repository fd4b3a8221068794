"""The text of a rule file: YAML as dictionaries, lists and text, each with the line it stands on.

Scalars are loaded as text and typed by the vocabulary, so that ``NO`` stays a word and ``0123``
keeps its nought; a key used twice is refused, never silently overruled.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import yaml

UNFILLED: Final = "FILL IN"
"""How a text begins that a new rule's author has still to write."""

Where = tuple[str | int, ...]


class _Texts(getattr(yaml, "CBaseLoader", yaml.BaseLoader)):  # type: ignore[misc]
    """The loader of scalars as text, which needs no type for any of them.

    To resolve the type of each of 25,000 nodes took a third of the reading of the rules.
    """

    def resolve(self, kind: type, value: Any, implicit: Any) -> str:
        """Return no type."""
        return ""

    def descend_resolver(self, node: Any, index: Any) -> None:
        """Remember no way to the node."""

    def ascend_resolver(self) -> None:
        """Forget no way to the node."""


class RuleText:
    """One rule file as written, gathering what is wrong with it."""

    def __init__(self, path: Path, stored: str | None = None) -> None:
        """Read the file, or take ``stored`` as its text."""
        self.path = path
        self.problems: list[str] = []
        self.text = ""
        self.plain: dict[str, Any] | None = None
        self._node: yaml.Node | None = None
        self._may_be_unfilled = False
        try:
            self.text = path.read_text("utf-8") if stored is None else stored
            self._node = yaml.compose(self.text, Loader=_Texts)
            plain = self._plain(self._node) if self._node is not None else None
        except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
            mark = getattr(error, "problem_mark", None)
            self._at(mark.line + 1 if mark else 1, f"cannot be read ({_reason(error)})")
            return
        except RecursionError:
            self._at(1, "an alias holds itself; write the part out")
            return
        if isinstance(plain, dict):
            self.plain = plain
        else:
            self.problem((), "is not a rule: expected id, title, status and so on")

    @property
    def is_draft(self) -> bool:
        """Return whether the file says that it is a draft, whatever else is wrong with it."""
        if self.plain is None:
            return bool(re.search(r"^status:\s*['\"]?draft\b", self.text, re.MULTILINE))
        return self.plain.get("status") == "draft"

    def problem(self, where: Where, what: str) -> None:
        """Note what is wrong at a place, with the file and the nearest line."""
        while where not in self._lines and where:
            where = where[:-1]
        self._at(self._lines.get(where, 1), what)

    def unfilled(self) -> list[Where]:
        """Return each place whose text is still to be written."""
        return list(_unfilled(self.plain, ())) if self._may_be_unfilled else []

    def _at(self, line: int, what: str) -> None:
        self.problems.append(f"{self.path}:{line}: {what}")

    @cached_property
    def _lines(self) -> dict[Where, int]:
        """Return the line of each place; asked for only where something is wrong."""
        return {} if self._node is None else dict(_lines(self._node, ()))

    def _plain(self, node: yaml.Node) -> Any:
        """Return a YAML node as dictionaries, lists and text."""
        if isinstance(node, yaml.ScalarNode):
            text = str(node.value)
            if text.startswith(UNFILLED):
                self._may_be_unfilled = True
            return text
        if isinstance(node, yaml.SequenceNode):
            return [self._plain(item) for item in node.value]
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            if key in found:
                line = key_node.start_mark.line + 1
                self._at(line, f"'{key}' is given twice; keep one of them")
            found.setdefault(key, self._plain(value_node))
        return found


def _lines(node: yaml.Node, where: Where) -> Iterator[tuple[Where, int]]:
    """Yield each place of a YAML node with its line; what stands under a key, by the key's line.

    Of a key that is given twice the last line counts, and comes last.
    """
    yield where, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key_node, value_node in node.value:
            inside = (*where, str(key_node.value))
            yield from _lines(value_node, inside)
            yield inside, key_node.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for place, item in enumerate(node.value):
            yield from _lines(item, (*where, place))


def _reason(error: Exception) -> str:
    """Return why a file could not be read, with what mostly mends it."""
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8; save it as UTF-8"
    said = getattr(error, "problem", None)
    if said is None:
        return str(error)
    return (
        f"{said}; put quotes round a text that holds a colon, use spaces and no tabs, and line up "
        "what belongs together"
    )


def _unfilled(plain: Any, where: Where) -> Iterable[Where]:
    if isinstance(plain, str):
        if plain.startswith(UNFILLED):
            yield where
    elif isinstance(plain, dict | list):
        items = plain.items() if isinstance(plain, dict) else enumerate(plain)
        for key, part in items:
            yield from _unfilled(part, (*where, key))


def with_values(text: str, values: Mapping[str, Any]) -> str:
    """Return a rule's text with other values of some parameters, all else as it was written.

    So a rule that a council has changed is kept, hashed and shown in the form in which it judged.
    """
    # Parsers count a mark of the byte order differently, so none is shown it.
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    text = text.removeprefix(mark)
    node = yaml.compose(text, Loader=_Texts)
    spans = []
    for name, value in values.items():
        part = _child(_child(_child(node, "parameters"), name), "value")
        written = text[part.start_mark.index : part.end_mark.index]
        after = written[len(written.rstrip()) :]
        typed = json.dumps(value, ensure_ascii=False) if isinstance(value, list) else str(value)
        spans.append((part.start_mark.index, part.end_mark.index, typed + after))
    for start, end, typed in sorted(spans, reverse=True):
        text = text[:start] + typed + text[end:]
    return mark + text


def _child(node: Any, key: str) -> Any:
    return next(value for name, value in node.value if name.value == key)


def meant(name: str, known: Iterable[str]) -> str:
    """Return a question for a misspelt name: which of the known ones was meant."""
    close = difflib.get_close_matches(str(name), list(known), 1, 0.6)
    return f", did you mean `{close[0]}`?" if close else ""
