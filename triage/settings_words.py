"""Words of the council's own, as ``triage.toml`` gives them: each to stand for one value.

A word is looked up in a column of codes or of true and false; anything else about it that is wrong
is told at once, since a word that silently stands for nothing is a record read as unknown.
"""

from __future__ import annotations

import difflib
from typing import Any, Final

from pydantic_core import PydanticCustomError

from triage.schema import COLUMNS, cell_reader
from triage.vocabulary import cut

WORD_COLUMNS: Final = tuple(name for name, spec in COLUMNS.items() if spec.kind in ("code", "flag"))
"""The columns whose cells may be words: those of census codes, and those of true and false."""
WRONG: Final = "words"
"""The type of the mistake that pydantic passes on."""


def read_words(typed: Any) -> Any:
    """Return the words by column with each value as the text of a cell.

    Raises:
        PydanticCustomError: when a column or a value is wrong, with a line for each mistake.
    """
    if not isinstance(typed, dict):
        return typed
    wrong: list[str] = []
    found = {str(name): _column(str(name), words, wrong) for name, words in typed.items()}
    if wrong:
        raise PydanticCustomError(WRONG, "{sentences}", {"sentences": "\n".join(wrong)})
    return found


def _column(name: str, words: Any, wrong: list[str]) -> dict[str, str]:
    if name not in WORD_COLUMNS:
        wrong.append(f"[words.{cut(name)}] {_why_not(name)}")
        return {}
    if not isinstance(words, dict):
        wrong.append(f'[words.{name}] is to be a table of words, as "Family Hub" = "5D"')
        return {}
    found: dict[str, str] = {}
    for word, value in words.items():
        plain = " ".join(str(word).casefold().split())
        text = _text(value)
        if not plain:
            wrong.append(f"[words.{name}] a blank cell is unknown, and no word can be given for it")
        elif text is None:
            wrong.append(
                f"[words.{name}] '{cut(str(word))}' is to stand for text in quotes, or for true or "
                "false; a word with a dot in it goes in quotes too"
            )
        elif message := _unread(name, text):
            wrong.append(f"[words.{name}] '{cut(str(word))}': {message}")
        elif found.get(plain, text) != text:
            wrong.append(f"[words.{name}] '{cut(str(word))}' is given two meanings")
        else:
            found[plain] = text
    return found


def _why_not(name: str) -> str:
    if name in COLUMNS:
        return "holds neither codes nor true and false, so no word can stand for its values"
    close = difflib.get_close_matches(name.casefold().replace(" ", "_"), WORD_COLUMNS, 1)
    hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(WORD_COLUMNS)}"
    return f"is no column; {hint}"


def _text(value: Any) -> str | None:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | str():
            return str(value).strip()
    return None


def _unread(name: str, text: str) -> str:
    """Return why the schema cannot read a value, if so; blank stands for unknown."""
    try:
        cell_reader(name)(text)
    except ValueError as error:
        return str(error)
    return ""
