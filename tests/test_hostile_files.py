"""Hostile texts, XML and places: each is refused with a sentence, in bounds.

Every case runs the command in a process of its own (``contained.py``): the peak of its memory stays
within 300 MB of that of a small good table, and its time within 10 seconds.
"""

from __future__ import annotations

from pathlib import Path

import hostile as h
import pytest
from contained import Contained, is_refused
from hostile import GOOD, HEADING, ROW, Maker, folder_of, late, sparse, written

UTF_16 = b"\xff\xfe" + GOOD.encode("utf-16-le")
NUL = "holds NUL bytes from line"

REFUSED: dict[str, tuple[Maker, str]] = {
    "4 GB of nothing": (sparse(b""), "looks like a binary file, not text"),
    "4 GB of nothing under a good heading": (sparse(GOOD.encode()), f"{NUL} 4 on"),
    "4 GB of nothing after 4 MB": (
        late(lambda: sparse((HEADING + ROW * 300_000).encode())),
        f"{NUL} 300,002",
    ),
    "4 GB of nothing in UTF-16": (sparse(UTF_16), f"{NUL} 4 on"),
    "4 GB of nothing in XML": (sparse(b"<Message>", name="a.xml"), "is too long to be read"),
    "a NUL byte in a heading": (written("child_id,ref\0erral_date\nA,2023-05-01\n"), "binary"),
    "a NUL byte in a cell": (written(GOOD + "C,2023-05-01,No\0rth\n"), f"{NUL} 4 on"),
    "text in UTF-32": (written(GOOD.encode("utf-32")), "text in UTF-32, which is not read"),
    "a million columns": (late(lambda: h.many_columns(1_000_000)), "at most 16,384 are read"),
    "20,000 columns": (
        late(lambda: h.many_columns(20_000)),
        "has 20,002 columns; at most 16,384 are read",
    ),
    "a cell of 10 MB": (
        late(lambda: written(GOOD + f"C,2023-05-01,{'x' * 10_000_000}\n")),
        "a cell in or after line 4 holds more than 1,000,000 characters",
    ),
    "a quoted cell of 10 MB": (
        late(lambda: written(GOOD + f'C,2023-05-01,"{chr(10) * 10_000_000}"\n')),
        "a cell in or after line 4 holds more than 1,000,000 characters",
    ),
    "a heading of 10 MB": (
        late(lambda: written(f"child_id,referral_date,{'x' * 10_000_000}\n{ROW}")),
        "its first row goes on for more than 1,000,000 characters",
    ),
    "a quotation mark that is not closed": (
        late(lambda: written(HEADING + 'A,2023-05-01,"North\n' + ROW * 400_000)),
        "close the quotation mark before it",
    ),
    "a quotation mark that is not closed, at the end": (
        written(GOOD + 'C,2023-05-01,"North\n'),
        "a quotation mark in or after line 4 is not closed",
    ),
    "a quotation mark that is not closed, in a heading": (
        late(lambda: written('child_id,"referral_date,team\n' + ROW * 400_000)),
        "its first row goes on for more than 1,000,000 characters",
    ),
    "a row of 40 MB": (
        late(lambda: written(HEADING + "x" * 40_000_000)),
        "goes on for more than 16 MB",
    ),
    "delimiters alone, in one row": (
        late(lambda: written("," * 20_000_000)),
        "goes on for more than 16 MB",
    ),
    "delimiters alone": (
        late(lambda: written(",,,\n" * 5_000_000)),
        "looks like a table without headings",
    ),
    "delimiters under a good heading": (
        late(lambda: written(HEADING + ",,\n" * 1_000_000)),
        "child_id is blank in every one of its 1,000,000 rows",
    ),
    "nothing": (written(""), "is empty"),
    "a mark of UTF-8 alone": (written(b"\xef\xbb\xbf"), "is empty"),
    "a mark of UTF-16 alone": (written(b"\xff\xfe"), "is empty"),
    "blank characters alone": (
        late(lambda: written(" " * 9_000_000)),
        "begins with 4,096 blank characters",
    ),
    "packed with gzip": (h.packed_with_gzip, "is packed with gzip; unpack it"),
    "a program": (written(b"\x7fELF\x02\x01\x01" + bytes(99)), "looks like a program"),
    "a heading twice": (written("child_id,referral_date,Child ID\nA,2023-05-01,B\n"), "headed"),
    "colours and turned text in headings": (
        written("\x1b[31mchild\x1b]0;x\x07,\u202eetad,\x9b2J\nA,2023-05-01,\n"),
        "looks like a table headed  [31mchild ]0;x ,  etad,  2J",
    ),
    "a pipe": (h.pipe, "is a pipe, which can be read only once"),
    "a socket": (h.a_socket, "is a socket, not a file"),
    "zeros without end": (h.there("/dev/zero"), "is a device, not a file"),
    "a full device": (h.there("/dev/full"), "is a device, not a file"),
    "a link to zeros without end": (h.link("/dev/zero"), "is a device, not a file"),
    "what the system shows without a size": (h.there("/proc/self/status"), "is empty"),
    "a link that leads nowhere": (h.link("gone.csv"), "is a link to gone.csv, which is not there"),
    "a link that leads to itself": (h.link("table.csv"), "is a link that leads back to itself"),
    "a name that is too long": (h.there("x" * 300), "cannot be opened (File name too long)"),
    "a place below a file": (h.there("/dev/null/x"), "there is no such file or folder"),
    "nothing there": (h.there("nowhere.csv"), "there is no such file or folder"),
    "an empty folder": (folder_of(), "looks like a folder that holds nothing"),
    "a folder with a pipe in it": (folder_of(referrals=GOOD, decisions=h.pipe), "is a pipe"),
    "a folder with a link in it that leads nowhere": (
        folder_of(referrals=GOOD, decisions=h.link("gone.csv")),
        "decisions.csv: is a link to gone.csv, which is not there",
    ),
    "a folder with a hostile table in it": (
        folder_of(referrals=GOOD, decisions=sparse(b"referral_id,decision_at\n")),
        f"decisions.csv: {NUL} 2 on",
    ),
    "a folder with XML for a table": (
        folder_of(referrals=GOOD, decisions=h.laughs()),
        "decisions.csv: is no table",
    ),
    "the billion laughs": (h.laughs(), "declares an entity"),
    "the billion laughs in UTF-16": (h.laughs(encoding="utf-16"), "declares an entity"),
    "one long entity, often": (late(lambda: h.quadratic()), "declares an entity"),
    "an entity from another file": (h.external("file:///etc/passwd"), "declares an entity"),
    "an entity from another machine": (h.external("http://localhost:9/x"), "declares an entity"),
    "a million levels": (late(lambda: h.nested(1_000_000)), "lie in one another more than"),
    "a million levels that are not closed": (
        late(lambda: written("<Message><Children><Child>" + "<a>" * 1_000_000, "a.xml")),
        "lie in one another more than",
    ),
    "a million attributes": (late(lambda: h.with_attributes(1_000_000)), "has a tag of more than"),
    "a text of 40 MB in XML": (
        late(lambda: h.xml(f"<UPN>{'x' * 40_000_000}</UPN>")),
        "is too long to be read",
    ),
    "a comment of 40 MB in XML": (
        late(lambda: h.xml(f"<!--{'x' * 40_000_000}-->")),
        "is too long to be read",
    ),
    "a name of 20 MB in XML": (
        late(lambda: h.xml(f"<{'x' * 20_000_000}/>")),
        "has a tag of more than",
    ),
    "200,000 kinds of elements": (
        late(lambda: h.xml("".join(f"<b{number}/>" for number in range(200_000)))),
        "different element names",
    ),
}


@pytest.mark.parametrize(("make", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_would_do_harm_is_refused_in_one_sentence_and_within_bounds(
    contained: Contained, start: float, one_rule: Path, tmp_path: Path, make: Maker, said: str
) -> None:
    path = make(tmp_path)
    outcome = contained.check(path, "--rules", one_rule, folder=tmp_path)
    is_refused(outcome, start, said)
    assert str(path)[-60:].rpartition("/")[2] in outcome.err


def test_the_commands_that_a_user_starts_keep_to_the_bounds_too(
    contained: Contained, tmp_path: Path
) -> None:
    good = contained.check(written(GOOD, "good.csv")(tmp_path), folder=tmp_path, afresh=True)
    assert good.code == 0
    cases = {"check": "4 GB of nothing under a good heading", "nightly": "a pipe"}
    for command, case in cases.items():
        make, said = REFUSED[case]
        path = make(tmp_path)
        outcome = contained.run(command, path, folder=tmp_path, afresh=True)
        is_refused(outcome, good.megabytes, said)
        path.unlink()
