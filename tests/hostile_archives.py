"""Makers of hostile workbooks and Parquet files, written byte by byte where no library would."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from io import BytesIO
from itertools import repeat
from pathlib import Path
from typing import Any

from hostile import MEGABYTE, Maker, written

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
SHEET = "xl/worksheets/sheet1.xml"
STRINGS = "xl/sharedStrings.xml"


def row(number: int, *cells: str) -> str:
    """Return a row of a worksheet with its texts in place."""
    inside = "".join(
        f'<c r="{chr(65 + place)}{number}" t="inlineStr"><is><t>{cell}</t></is></c>'
        for place, cell in enumerate(cells)
    )
    return f'<row r="{number}">{inside}</row>'


ROWS = row(1, "child_id", "referral_date") + row(2, "A", "2023-05-01")


def parts(rows: str = ROWS, strings: str = "", sheets: int = 1) -> dict[str, bytes]:
    """Return the parts of a workbook; several sheets are one part under several names."""
    tabs = "".join(
        f'<sheet name="Data{n}" sheetId="{n}" r:id="rId1"/>' for n in range(1, sheets + 1)
    )
    texts = {
        "[Content_Types].xml": (
            f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{_KIND}.sheet.main+xml"/>'
            f'<Override PartName="/{SHEET}" ContentType="{_KIND}.worksheet+xml"/></Types>'
        ),
        "_rels/.rels": (
            f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
            f'Type="{_LINKS}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
        ),
        "xl/workbook.xml": (
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_LINKS}"><sheets>{tabs}</sheets></workbook>'
        ),
        "xl/_rels/workbook.xml.rels": (
            f'<Relationships xmlns="{_PACKAGE}/relationships">'
            f'<Relationship Id="rId1" Type="{_LINKS}/worksheet" Target="worksheets/sheet1.xml"/>'
            f'<Relationship Id="rId2" Type="{_LINKS}/sharedStrings" Target="sharedStrings.xml"/>'
            "</Relationships>"
        ),
        SHEET: f'<worksheet xmlns="{_MAIN}"><sheetData>{rows}</sheetData></worksheet>',
        STRINGS: f'<sst xmlns="{_MAIN}">{strings}</sst>',
    }
    return {name: text.encode() for name, text in texts.items()}


def workbook(held: Mapping[str, bytes], name: str = "table.xlsx") -> Maker:
    """Return the maker of a zip of some parts."""

    def make(folder: Path) -> Path:
        with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for part, content in held.items():
                archive.writestr(part, content)
        return folder / name

    return make


def bomb(part: str, megabytes: int, *, lies: bool = False) -> Maker:
    """Return the maker of a workbook one part of which unpacks to so much white space.

    With ``lies`` the directory of the zip says that the part is of 1,000 bytes.
    """

    def make(folder: Path) -> Path:
        held = parts()
        start, _, end = held.pop(part).rpartition(b"</")
        path = workbook(held)(folder)
        pack = zlib.compressobj(9, zlib.DEFLATED, -15)
        pieces, check, length = [], 0, 0
        for piece in (start, *repeat(b" " * MEGABYTE, megabytes), b"</" + end):
            pieces.append(pack.compress(piece))
            check = zlib.crc32(piece, check)
            length += len(piece)
        packed = b"".join([*pieces, pack.flush()])
        append_part(path, part, packed, 1000 if lies else length, check)
        return path

    return make


def append_part(path: Path, name: str, packed: bytes, declared: int, check: int) -> None:
    """Append a deflated part to a zip, with the size that its directory is to declare."""
    with zipfile.ZipFile(path) as archive:
        at, held = archive.start_dir, archive.infolist()
    data = path.read_bytes()
    directory = data[at : data.rfind(b"PK\x05\x06")]
    raw = name.encode()
    shared = struct.pack(
        "<HHHHHIIIHH", 20, 0, 8, 0, 0x21, check, len(packed), declared, len(raw), 0
    )
    local = b"PK\x03\x04" + shared + raw + packed
    central = b"PK\x01\x02\x14\x00" + shared + struct.pack("<HHHII", 0, 0, 0, 0, at) + raw
    n = len(held) + 1
    whole = directory + central
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, n, n, len(whole), at + len(local), 0)
    path.write_bytes(data[:at] + local + whole + end)


def overlapping(copies: int) -> Maker:
    """Return the maker of a zip whose directory names the same packed megabytes very often."""

    def make(folder: Path) -> Path:
        path = workbook(parts())(folder)
        pack = zlib.compressobj(9, zlib.DEFLATED, -15)
        blank = b" " * 50 * MEGABYTE
        packed = pack.compress(blank) + pack.flush()
        append_part(path, "xl/media/0.xml", packed, len(blank), zlib.crc32(blank))
        data = path.read_bytes()
        with zipfile.ZipFile(path) as archive:
            at, n = archive.start_dir, len(archive.infolist()) + copies
        directory = data[at : data.rfind(b"PK\x05\x06")]
        last = directory[directory.rfind(b"PK\x01\x02") :]
        more = b"".join(
            last.replace(b"media/0.xml", b"media/%x.xml" % place) for place in range(1, copies + 1)
            if len(b"%x" % place) == 1
        )  # fmt: skip
        n = len(directory.split(b"PK\x01\x02")) - 1 + len(more.split(b"PK\x01\x02")) - 1
        whole = directory + more
        end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, n, n, len(whole), at, 0)
        path.write_bytes(data[:at] + whole + end)
        return path

    return make


def many_parts(number: int) -> Maker:
    """Return the maker of a zip whose directory alone would fill the memory."""
    entry = b"PK\x01\x02" + bytes(24) + b"\x01" + bytes(17) + b"a"
    directory = entry * number
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, len(directory), 30, 0)
    return written(b"PK\x03\x04" + b"\0" * 26 + directory + end, "table.xlsx")


def zip_in_zip(folder: Path) -> Path:
    """Make a zip of a zip of a bomb."""
    inner = bomb(SHEET, 200)(folder).read_bytes()
    return workbook({"inner.xlsx": inner}, "outer.xlsx")(folder)


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def ole(folder: Path, *streams: str, circle: bool = False) -> Path:
    """Make a compound file with empty streams of some names, as old Office programs write.

    With ``circle`` the directory's one sector says that it goes on in itself.
    """
    free, end, fat_sector, none = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFF
    head = OLE + struct.pack(
        "<16xHHHHH6xIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, 4096, end, 0, end, 0
    )
    head += struct.pack("<I", 0) + struct.pack("<I", free) * 108
    fat = struct.pack("<II", fat_sector, 1 if circle else end) + struct.pack("<I", free) * 126
    directory = b""
    for place, (title, kind) in enumerate([("Root Entry", 5), *((one, 2) for one in streams)]):
        raw = title.encode("utf-16-le")
        child = 1 if place == 0 and streams else none
        after = place + 1 if 0 < place < len(streams) else none
        directory += raw.ljust(64, b"\0") + struct.pack(
            "<HBBIII16x4x8x8xIQ", len(raw) + 2, kind, 1, none, after, child, end, 0
        )
    path = folder / "table.xls"
    path.write_bytes(head + fat + directory.ljust(512, b"\0"))
    return path


def thrift(value: Mapping[int, Any]) -> bytes:
    """Return a structure in thrift's compact form: whole numbers, bytes, lists, structures."""
    out = BytesIO()
    last = 0
    for field, held in value.items():
        out.write(bytes([(field - last) << 4 | _kind(held)]) + _compact(held))
        last = field
    return out.getvalue() + b"\0"


def _kind(value: Any) -> int:
    kinds = {int: 6, bytes: 8, list: 9, dict: 12, I32: 5}
    return kinds[type(value)]


class I32(int):
    """A whole number of 32 bits, where the format asks for one."""


def _compact(value: Any) -> bytes:
    match value:
        case int():
            return _varint(value << 1)
        case bytes():
            return _varint(len(value)) + value
        case list():
            kind = _kind(value[0]) if value else 12
            start = (
                bytes([len(value) << 4 | kind])
                if len(value) < 15
                else bytes([0xF0 | kind]) + _varint(len(value))
            )
            written_once = {id(item): _compact(item) for item in {id(i): i for i in value}.values()}
            return start + b"".join(written_once[id(item)] for item in value)
    return thrift(value)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def schema(name: str, children: int | None = None) -> dict[int, Any]:
    """Return an element of a Parquet schema: a text, or a group of so many children."""
    if children is not None:
        return {3: I32(0), 4: name.encode(), 5: I32(children)}
    return {1: I32(6), 3: I32(0), 4: name.encode(), 6: I32(0)}


Fields = dict[int, Any]


def parquet(
    elements: Iterable[Fields], n_rows: int, columns: list[Fields], body: bytes = b""
) -> Maker:
    """Return the maker of a Parquet file with such a footer behind its pages."""
    groups = [{1: columns, 2: 100, 3: n_rows}] if columns else []
    footer = thrift({1: I32(1), 2: list(elements), 3: n_rows, 4: groups})
    tail = footer + struct.pack("<I", len(footer)) + b"PAR1"
    return written(b"PAR1" + body + tail, "table.parquet")


def run_length(
    n_rows: int,
    *,
    says: int | None = None,
    text: bytes = b"2023-05-01",
    page_says: int | None = None,
    place: int = 0,
) -> Maker:
    """Return the maker of two columns in which one text stands in each of very many rows.

    ``says`` is the number of rows that the footer tells, ``page_says`` the size that the page of
    the text tells, where they lie; ``place`` is that of the text in each row, of which 0 is there.
    """
    body, columns = b"", []
    for name in ("child_id", "referral_date"):
        held = struct.pack("<I", len(text)) + text
        size = I32(page_says or len(held))
        words = thrift({1: I32(2), 2: size, 3: size, 7: {1: I32(1), 2: I32(0)}})
        run = b"\x01" + _varint(n_rows << 1) + bytes([place])
        counts = {1: I32(n_rows), 2: I32(8), 3: I32(3), 4: I32(3)}
        page = thrift({1: I32(0), 2: I32(len(run)), 3: I32(len(run)), 5: counts})
        at = 4 + len(body)
        chunk = words + held + page + run
        body += chunk
        about = {
            1: I32(6), 2: [I32(0), I32(8)], 3: [name.encode()], 4: I32(0), 5: n_rows,
            6: len(chunk), 7: len(chunk), 9: at + len(words) + len(held), 11: at,
        }  # fmt: skip
        columns.append({2: at, 3: about})
    elements = [schema("root", 2), schema("child_id"), schema("referral_date")]
    return parquet(elements, n_rows if says is None else says, columns, body)
