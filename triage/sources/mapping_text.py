"""A proposed mapping as the text of a TOML file that people read and mend."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from typing import Final

from triage.sources.code_words import ASK
from triage.sources.date_forms import FORMS
from triage.sources.field_words import LABELS
from triage.sources.mapping_file import KNOWN, ColumnMapping, choices_of

_WIDTH: Final = 96
_FORMS: Final = "\n".join(f'#   "{form}": {example}' for form, example in FORMS.items())
_HEAD: Final = """\
# How the columns of {name} are read, as `triage sources map` proposes it.
# It lies beside the table and is found there; read it through and mend what is wrong.
#
# means       the column that a heading stands for; "" leaves the heading out.
# confidence  how sure the proposal is, from 0 to 1; because says why. Neither changes anything.
# shapes      what cells look like: a and A stand for letters, 9 for a digit.
# dates       the form in which dates are written:
{forms}
# codes       what a word of the table stands for; "" is not known. Add a line for a missing word.
#
# A "?" is a question: the table is not read until it is answered.
"""


def mapping_text(name: str, columns: Mapping[str, ColumnMapping]) -> str:
    """Return the TOML of a mapping for the table ``name``, with a comment where one helps."""
    known = textwrap.fill(
        "A heading may mean: " + ", ".join(KNOWN) + ".",
        _WIDTH, initial_indent="# ", subsequent_indent="# ",
        break_on_hyphens=False,
    )  # fmt: skip
    shown = "".join(letter if letter.isprintable() else " " for letter in name)
    head = _HEAD.format(name=shown, forms=_FORMS)
    tables = [_table(heading, column) for heading, column in columns.items()]
    return "\n\n".join([head + "#\n" + known, *tables]) + "\n"


def _table(heading: str, column: ColumnMapping) -> str:
    key = f"columns.{quoted(heading)}"
    means = [quoted(name) for name in column.means]
    lines = [f"[{key}]", "means = " + (f"[{', '.join(means)}]" if len(means) > 1 else
                                       means[0] if means else '""')]  # fmt: skip
    if column.confidence is not None:
        lines.append(f"confidence = {column.confidence:.2f}")
    if column.because:
        lines.append(f"because = {quoted(column.because)}")
    if column.shapes:
        lines.append(f"shapes = [{', '.join(map(quoted, column.shapes))}]")
    if column.dates is not None:
        asked = "  # write one of the forms named above" if column.dates == ASK else ""
        lines.append(f"dates = {quoted(column.dates)}{asked}")
    if column.codes:
        name = column.means[0] if column.means else ""
        choices = ", ".join(choices_of(name))
        lines += ["", f"[{key}.codes]"]
        lines += textwrap.wrap(
            f"one of {choices}", _WIDTH, initial_indent="# ", subsequent_indent="# ",
            break_on_hyphens=False,
        )  # fmt: skip
        lines += [
            f"{quoted(word)} = {quoted(code)}{_label(name, code)}"
            for word, code in column.codes.items()
        ]
    return "\n".join(lines)


def _label(name: str, code: str) -> str:
    label = LABELS.get(name, {}).get(code)
    return f"  # {label}" if label else ""


def quoted(text: str) -> str:
    """Return a text as a TOML string or key: that of JSON, with the one sign more it escapes."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
