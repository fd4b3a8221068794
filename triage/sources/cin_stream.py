"""The bytes of a census, block by block: as they stand, or written anew by expat.

A census as systems write it is plain: elements and text, nothing else. What holds more (comments,
CDATA, processing instructions, another encoding) is written anew as plain elements, so that one
reader reads both. Expat is also the judge of what is damaged. Nothing outside the file is opened.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final
from xml.parsers import expat
from xml.sax.saxutils import escape

from triage.errors import InputError
from triage.vocabulary import cut

BLOCK: Final = 1 << 20
MOST_BYTES: Final = 32 << 20
"""The largest part of a file that is read at once: one child, whole."""
_LONGEST: Final = 4 << 20
"""The longest tag, comment or declaration that expat reads: it begins anew with every block."""
_PROLOG: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?"
    rb"(?:<\?xml\s+version\s*=\s*(?:'1\.0'|\"1\.0\")"
    rb"(?:\s+encoding\s*=\s*(?:'[Uu][Tt][Ff]-8'|\"[Uu][Tt][Ff]-8\"))?"
    rb"(?:\s+standalone\s*=\s*(?:'(?:yes|no)'|\"(?:yes|no)\"))?\s*\?>)?"
    rb"(?:[ \t\r\n]+|<!--(?:[\t\r\n -,.-~]|-(?!-))*-->)*"
)
"""What may stand before the first element of plain XML: its declaration, spaces, comments."""


def read_blocks(file: BinaryIO, digest: Any) -> Iterator[bytes]:
    """Yield a file block by block, adding each to its digest."""
    while block := file.read(BLOCK):
        digest.update(block)
        yield block


def as_they_stand(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the blocks, the first without what stands before the first element of plain XML."""
    for block in blocks:
        prolog = _PROLOG.match(block)
        yield block[prolog.end() :] if prolog else block
        break
    yield from blocks


def written_anew(path: Path, blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the elements and texts of a file as plain XML in UTF-8, without attributes.

    Declarations of namespaces are kept, without what they declare, so that it can be told whether
    a prefix was declared.

    Raises:
        InputError: when the XML is damaged, is of another kind, or has entities of its own.
    """
    written: list[str] = []
    parser = _parser(path, written)
    n_read = 0
    try:
        for block in blocks:
            parser.Parse(block, False)
            n_read += len(block)
            if n_read - parser.CurrentByteIndex > _LONGEST:
                raise too_long(path)
            yield _taken(written)
        parser.Parse(b"", True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise damaged(path, error) from None
    yield _taken(written)


def _taken(written: list[str]) -> bytes:
    text = "".join(written).encode("utf-8")
    written.clear()
    return text


def _parser(path: Path, written: list[str]) -> expat.XMLParserType:
    parser = expat.ParserCreate()
    parser.buffer_text = True
    is_first = True

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal is_first
        if is_first:
            check_root(path, tag)
            is_first = False
        prefixes = [f' {name}=""' for name in attributes if name.startswith("xmlns:")]
        written.append(f"<{tag}{''.join(prefixes)}>")

    def refuse(name: str, *_: object) -> None:
        raise InputError(
            f"{path}: declares an entity or names an outside file ('{cut(name)}'), by which a file "
            "can grow without end or reach beyond itself; export it again without a document type "
            "declaration."
        )

    def document_type(name: str, system: str | None, public: str | None, _: object) -> None:
        if system is not None or public is not None:
            check_root(path, name)
            refuse(system or public or name)

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda tag: written.append(f"</{tag}>")
    parser.CharacterDataHandler = lambda text: written.append(escape(text))
    parser.StartDoctypeDeclHandler = document_type
    parser.EntityDeclHandler = refuse
    parser.SkippedEntityHandler = refuse
    return parser


def check_root(path: Path, tag: str) -> None:
    """Refuse a file whose outermost element is not that of the census."""
    name = tag.rpartition(":")[2]
    if name != "Message":
        raise InputError(
            f"{path}: looks like an XML file of another kind (its root is {cut(name)}); expected a "
            "children in need census, with root Message and CINdetails."
        )


def too_long(path: Path) -> InputError:
    """Return the error for a file with a part too long to be read at once."""
    return InputError(
        f"{path}: a part of it (one child, or a tag or comment) is too long to be read; expected a "
        "children in need census."
    )


def damaged(path: Path, why: object) -> InputError:
    """Return the error for XML that cannot be read."""
    return InputError(f"{path}: the XML is damaged or cut short ({why}); export it again.")
