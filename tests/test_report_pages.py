"""Reports as pages: sound markup, readable by everybody, and nothing that reaches out."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser import opened, problems, sideways
from browser import opened_chromium as opened_chromium
from hypothesis import given
from hypothesis import strategies as st
from report_documents import AWKWARD, document, published, standing, whole_page, within

from triage.report.document import Column, Document, Section, Table
from triage.report.shown import Shown
from triage.report.texts import readable

if TYPE_CHECKING:
    from playwright.sync_api import Browser

VOID = {"meta", "path", "use", "rect", "img", "br"}


class Read(HTMLParser):
    """Reads a page: its elements with their attributes, and the texts of its cells."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.cells: list[str] = []
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in ("td", "th"):
            self.cells.append("")
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] in ("td", "th"):
            self.cells[-1] += data

    def named(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag == name]


@pytest.fixture(scope="module", params=["within", "published"])
def text(request: pytest.FixtureRequest) -> str:
    return whole_page(within() if request.param == "within" else published())


@pytest.fixture
def file(text: str, tmp_path: Path) -> Path:
    path = tmp_path / "report.html"
    path.write_text(text, "utf-8")
    return path


def test_it_names_its_language_and_title_and_refuses_whatever_is_not_in_it(text: str) -> None:
    read = Read(text)
    assert text.startswith("<!DOCTYPE html>")
    assert read.named("html") == [{"lang": "en-GB"}]
    assert "<title>Re-referrals &amp; reviews &lt;2026&gt;</title>" in text
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    assert {"http-equiv": "Content-Security-Policy", "content": policy} in read.named("meta")
    assert not {"script", "link", "img", "iframe", "object"} & {tag for tag, _ in read.elements}
    for _, attributes in read.elements:
        assert not any(name.startswith("on") for name in attributes)
        target = attributes.get("href") or attributes.get("src") or attributes.get("xlink:href")
        assert target is None or target.startswith("#")
    assert "@import" not in text
    assert not re.search(r"url\((?!#)", text.partition("</style>")[0].replace("attr(href url)", ""))


def test_ids_are_its_own_and_every_link_and_name_has_its_place(text: str) -> None:
    read = Read(text)
    ids = [one["id"] for _, one in read.elements if "id" in one]
    assert len(ids) == len(set(ids))
    for _, attributes in read.elements:
        pointed = [(attributes.get("href") or "").removeprefix("#")]
        pointed += (attributes.get("aria-labelledby") or "").split()
        pointed += re.findall(r"url\(#([^)]+)\)", " ".join(map(str, attributes.values())))
        assert set(filter(None, pointed)) <= set(ids)


def test_headings_go_one_level_at_a_time_and_tables_have_heads_of_both_kinds(text: str) -> None:
    read = Read(text)
    levels = [int(tag[1]) for tag, _ in read.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert set(levels[1:]) == {2}
    assert len(read.named("caption")) == len(read.named("table"))
    scopes = [one.get("scope") for one in read.named("th")]
    assert set(scopes) == {"col", "row"}
    assert len(read.named("figure")) == len(read.named("figcaption")) == 7


def test_every_text_is_read_as_it_is(text: str) -> None:
    cells = Read(text).cells
    for one in AWKWARD:
        assert readable(one) in cells


def test_it_says_at_its_top_and_its_end_on_what_it_stands() -> None:
    inside, outside = whole_page(within()), whole_page(published())
    top = outside.partition("<nav")[0]
    assert "numbers from 1 to 5 are suppressed" in top
    assert "not for publication" in inside.partition("<nav")[0]
    assert "there were none" in whole_page(published(()))
    end = inside.partition('<h2 id="standing">')[2]
    on = standing()
    for told in (*[digest for _, digest in on.inputs], on.ruleset, on.head, on.seen_by,
                 "30 June 2026", "1 April 2025 to 31 March 2026", "<dd>12</dd>", "345, with",
                 "c means suppressed", "z means not", ": means not"):  # fmt: skip
        assert told in end
    assert "Single cases" in inside
    assert "Single cases" not in outside
    assert "R00000" not in outside


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_text_can_stand_in_a_cell_and_in_a_title(cell: str, title: str) -> None:
    table = Table("any", title, (Column("Text", "text"),), ((cell,),))
    one = Document("any", title, cell, standing(), (Section(title, (table,)),))
    text = whole_page(Shown(one))
    text.encode()
    read = Read(text)
    assert " ".join(read.cells[1].split()) == " ".join(readable(cell).split())
    style = text.partition("<style>")[2].partition("</style>")[0]
    assert style.count("{") == style.count("}")
    assert style.count('"') % 2 == 0


@pytest.mark.parametrize(("shown", "width"), [(within(), 1280), (published(), 320)])
def test_axe_finds_nothing_wrong_in_it(
    chromium: Browser, tmp_path: Path, shown: Shown, width: int
) -> None:
    path = tmp_path / "report.html"
    path.write_text(whole_page(shown), "utf-8")
    page, _ = opened(chromium, path, width)
    assert problems(page) == []
    page.emulate_media(media="print")
    # Nobody touches a link on paper.
    assert {rule for rule, _ in problems(page)} <= {"target-size"}
    page.close()


def test_axe_would_find_a_fault(chromium: Browser, tmp_path: Path) -> None:
    path = tmp_path / "faulty.html"
    faulty = (
        whole_page(published())
        .replace(' lang="en-GB"', "")
        .replace("color: #0b0c0c", "color: #ccc")
    )
    path.write_text(faulty.replace(' role="img"', ' role="image-of"', 1), "utf-8")
    page, _ = opened(chromium, path)
    assert {rule for rule, _ in problems(page)} >= {
        "html-has-lang", "color-contrast", "aria-roles"
    }  # fmt: skip
    page.close()


def test_its_style_is_applied_and_nothing_is_asked_of_anybody(
    chromium: Browser, file: Path
) -> None:
    page, asked = opened(chromium, file)
    told = []
    page.on("console", lambda message: told.append(message.text))
    page.reload()
    look = "one => getComputedStyle(document.querySelector(one))"
    assert page.evaluate(f"({look})('body').fontFamily").startswith("Arial")
    assert page.evaluate(f"({look})('td.number').textAlign") == "right"
    assert page.evaluate(f"({look})('svg.chart text').fontFamily").startswith("Arial")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    assert asked == [file.as_uri()] * 2
    assert told == []
    page.close()


@pytest.mark.parametrize(("width", "size"), [(320, "100%"), (1280, "200%"), (640, "200%")])
def test_a_page_never_scrolls_sideways_but_its_wide_tables_do(
    chromium: Browser, file: Path, width: int, size: str
) -> None:
    page, _ = opened(chromium, file, width)
    page.evaluate("size => { document.documentElement.style.fontSize = size }", size)
    assert sideways(page) <= 0
    regions = page.evaluate(
        "[...document.querySelectorAll('.scroll')]"
        ".filter(one => one.scrollWidth > one.clientWidth).map(one => one.tabIndex)"
    )
    assert regions
    assert set(regions) == {0}
    page.evaluate("document.querySelector('h1').style.width = '4000px'")
    assert sideways(page) > 0
    page.close()


def test_charts_lie_within_their_picture(chromium: Browser, file: Path) -> None:
    page, _ = opened(chromium, file)
    outside = page.evaluate(
        "[...document.querySelectorAll('svg.chart text')].filter(one => {"
        " const own = one.getBoundingClientRect();"
        " const all = one.ownerSVGElement.getBoundingClientRect();"
        " return own.left < all.left - 1 || own.right > all.right + 1"
        "  || own.top < all.top - 1 || own.bottom > all.bottom + 1;"
        "}).map(one => one.textContent)"
    )
    assert outside == []
    overlapping = page.evaluate(
        "[...document.querySelectorAll('svg.chart')].flatMap(all => {"
        " const own = [...all.querySelectorAll('text')];"
        " return own.flatMap((one, place) => own.slice(place + 1).filter(other => {"
        "  const a = one.getBoundingClientRect(), b = other.getBoundingClientRect();"
        "  return Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1"
        "   && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 4;"
        " }).map(other => one.textContent + ' / ' + other.textContent)); })"
    )
    assert overlapping == []
    page.close()


def test_a_document_needs_no_section() -> None:
    empty = Document("none", "None", "Nothing.", document().standing, ())
    assert "On what this stands" in whole_page(Shown(empty))
