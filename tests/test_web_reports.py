"""The pages of reports: who may make and open which, and what opening one leaves behind."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from stores import NewStore, OwnStore
from web_helpers import READER, ROLES, Browser, peopled, told
from work_helpers import AS_OF, night, row

from triage import reports_kept
from triage import store as door
from triage.reports_kept import Kept, reports_for
from triage.rights import Viewer
from triage.web.site import Site

DAY = AS_OF.isoformat()
RULES = {"kind": "rules", "to": "", "months": "3", "publish": "no"}


@pytest.fixture(scope="module")
def lasting(new_store: NewStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A store of two teams, with a report of rules by each of those who may make one."""
    folder = tmp_path_factory.mktemp("reports")
    with new_store(folder) as own:
        night(own, folder, [row("R1"), row("R2", team="South"), row("R3", restricted="true")])
        with peopled(own, folder, web={"reports": str(folder / "made")}) as served:
            for name in ("x.north", "m.manager", "a.auditor", READER):
                assert Browser(served, name).post("/reports", RULES).status_code == 303
            yield served


@pytest.fixture
def site(store: OwnStore, workplace: Path) -> Iterator[Site]:
    night(store, workplace, [row("R1"), row("R2", team="South")])
    with peopled(store, workplace, web={"reports": str(workplace / "made")}) as served:
        yield served


def place(site: Site) -> Path:
    return Path(site.settings.web.reports)


def opened(site: Site) -> list[dict[str, Any]]:
    found = door.audit_log(site.url, site.asker("a.auditor"), kind="report opened")
    return [one.detail for one in found]


SEEN = {"x.north": {1}, "m.manager": {1, 2, 3}, "a.auditor": {1, 2, 3}, READER: {1, 2, 3, 4}}
"""Which of the four reports somebody may open: those of whoever saw no more than they do."""


@pytest.mark.parametrize("name", SEEN)
def test_a_report_is_for_whoever_sees_as_much_as_its_maker(lasting: Site, name: str) -> None:
    browser = Browser(lasting, name)
    text = browser.get("/reports").text
    for number in (1, 2, 3, 4):
        address = f"/reports/rules-{DAY}-{number}/rules.html"
        may = number in SEEN[name]
        assert (address in text) == may
        before = len(opened(lasting))
        answer = browser.get(address)
        assert answer.status_code == (200 if may else 404)
        assert len(opened(lasting)) == before + may


@pytest.mark.parametrize("name", ROLES)
def test_reports_are_for_managers_and_auditors(lasting: Site, name: str) -> None:
    browser = Browser(lasting, name)
    may = ROLES[name][0] in ("team manager", "auditor")
    assert browser.get("/reports").status_code == (200 if may else 403)
    if not may:
        n = len(list(place(lasting).iterdir()))
        assert browser.post("/reports", RULES).status_code == 403
        assert browser.get(f"/reports/rules-{DAY}-1/rules.html").status_code == 403
        assert len(list(place(lasting).iterdir())) == n


def test_a_page_may_do_nothing_in_a_browser_and_other_files_are_downloads(lasting: Site) -> None:
    browser = Browser(lasting, "a.auditor")
    folder = f"rules-{DAY}-3"
    page = browser.get(f"/reports/{folder}/rules.html")
    assert page.headers["content-security-policy"] == (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
    )
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "content-disposition" not in page.headers
    assert page.headers["cache-control"] == "no-store"
    for file in ("rules.xlsx", "rules.md", "tables.zip"):
        answer = browser.get(f"/reports/{folder}/{file}")
        assert answer.headers["content-disposition"] == f'attachment; filename="{folder}-{file}"'
        assert opened(lasting)[-1] == {
            "report": folder, "file": file, "sha256": hashlib.sha256(answer.content).hexdigest()
        }  # fmt: skip
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    tables = place(lasting) / folder / "tables"
    assert sorted(archive.namelist()) == sorted(one.name for one in tables.iterdir())
    text = archive.read(archive.namelist()[0]).decode()
    assert next(csv.reader(io.StringIO(text)))


@pytest.mark.parametrize(
    "path",
    ["rules-{d}-3/made.json", "rules-{d}-3/tables", "rules-{d}-3/..%2Frules-{d}-4%2Frules.html",
     "rules-{d}-3/%2e%2e%2fmade.json", "rules-{d}-3/tables%2Frules-use.csv", "../triage.db",
     "%2e%2e/triage.db", "..%2Fmade/x", ".making.lock/x",
     "rules-{d}-3/link.html", "linked-{d}-1/rules.html", "rules-{d}-77/rules.html",
     "rules-{d}-88/x"],
)  # fmt: skip
def test_only_files_that_the_list_names_are_given(lasting: Site, path: str) -> None:
    folder = place(lasting)
    secret = folder.parent / "secret.html"
    secret.write_text("secret", "utf-8")
    link = folder / f"rules-{DAY}-3" / "link.html"
    if not link.is_symlink():
        link.symlink_to(secret)
        (folder / f"linked-{DAY}-1").symlink_to(folder / f"rules-{DAY}-3")
        (folder / f"rules-{DAY}-77").mkdir()
        (folder / f"rules-{DAY}-77" / "rules.html").write_text("secret", "utf-8")
    before = len(opened(lasting))
    answer = Browser(lasting, READER).get(f"/reports/{path.format(d=DAY)}")
    assert answer.status_code == 404
    assert "secret" not in answer.text
    assert len(opened(lasting)) == before


def test_making_a_report_is_an_event_and_it_is_kept_by_whom_with_what_view(site: Site) -> None:
    browser = Browser(site, "x.north")
    fields = {"kind": "weekly", "to": "29/6/2023", "publish": "yes"}
    text = told(browser.follow(browser.post("/reports", fields)))
    assert "The report is made" in text
    assert "by x.north" in text
    assert "small numbers suppressed" in text
    (folder,) = (one for one in place(site).iterdir() if one.is_dir())
    assert folder.name == "weekly-2023-06-29-1"
    about = json.loads((folder / "made.json").read_text("utf-8"))
    assert (about["by"], about["teams"], about["restricted"]) == ("x.north", ["North"], False)
    (made,) = door.audit_log(site.url, site.asker("a.auditor"), kind="report made")
    assert made.actor == "x.north"
    page = (folder / "weekly.html").read_bytes()
    assert made.detail["files"]["weekly.html"] == hashlib.sha256(page).hexdigest()
    assert folder.stat().st_mode & 0o077 == 0
    assert browser.post("/reports", fields).status_code == 303
    assert (place(site) / "weekly-2023-06-29-2").is_dir()


@pytest.mark.parametrize("kind", ["review", "causes"])
def test_every_kind_of_report_is_made_up_to_the_day_of_the_last_run(site: Site, kind: str) -> None:
    browser = Browser(site, "m.manager")
    assert browser.post("/reports", {**RULES, "kind": kind, "months": "6"}).status_code == 303
    assert browser.get(f"/reports/{kind}-{DAY}-1/{kind}.html").status_code == 200


@pytest.mark.parametrize(
    ("changed", "said"),
    [({"kind": ""}, "Choose the report"), ({"kind": "../x"}, "Choose the report"),
     ({"to": "2023-07-01"}, "not after the last run"), ({"to": "soon"}, "Enter a day, such as"),
     ({"kind": "review", "months": ""}, "Enter how many months"),
     ({"kind": "review", "months": "0"}, "from 1 to 120"),
     ({"kind": "review", "months": "121"}, "from 1 to 120"),
     ({"kind": "review", "months": "²"}, "from 1 to 120"),
     ({"kind": "review", "to": "1900-01-01", "months": "x"}, "from 1 to 120")],
)  # fmt: skip
def test_what_is_wrong_with_what_is_asked_for_is_said(
    lasting: Site, changed: dict[str, str], said: str
) -> None:
    n = len(list(place(lasting).iterdir()))
    answer = Browser(lasting, "m.manager").post("/reports", {**RULES, **changed})
    assert answer.status_code == 422
    assert said in told(answer)
    assert len(list(place(lasting).iterdir())) == n


def test_one_report_is_made_at_a_time(site: Site) -> None:
    place(site).mkdir()
    browser = Browser(site, "m.manager")
    with FileLock(place(site) / ".making.lock"):
        answer = browser.post("/reports", RULES)
    assert answer.status_code == 409
    assert "another report is being made" in told(answer).casefold()
    assert browser.post("/reports", RULES).status_code == 303


def test_a_report_that_fails_or_was_cut_off_leaves_nothing_to_see(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = Browser(site, "m.manager")
    (place(site) / ".unfinished").mkdir(parents=True)
    (place(site) / ".unfinished" / "rules.html").write_text("half", "utf-8")
    assert "None yet" in told(browser.get("/reports"))

    def fails(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(reports_kept, "make_report", fails)
        answer = browser.post("/reports", RULES)
    assert answer.status_code == 422
    assert "cannot be kept (No space left on device)" in told(answer)
    assert not [one for one in place(site).iterdir() if one.is_dir()]
    assert "None yet" in told(browser.get("/reports"))


def test_a_folder_that_cannot_be_written_is_said(site: Site, workplace: Path) -> None:
    (workplace / "file").write_text("", "utf-8")
    web = site.settings.web.model_copy(update={"reports": str(workplace / "file" / "made")})
    there = replace(site, settings=site.settings.model_copy(update={"web": web}))
    answer = Browser(there, "m.manager").post("/reports", RULES)
    assert answer.status_code == 422
    assert "cannot be written" in told(answer)


def test_somebody_whose_view_was_narrowed_opens_no_wider_report_not_even_their_own(
    site: Site,
) -> None:
    browser = Browser(site, "m.manager")
    browser.post("/reports", RULES)
    address = f"/reports/rules-{DAY}-1/rules.html"
    assert browser.get(address).status_code == 200
    door.register(site.url, site.asker("a.admin"), "m.manager", "team manager", ["North"])
    assert browser.get(address).status_code == 404
    assert "None yet" in told(browser.get("/reports"))


@pytest.mark.parametrize(
    ("teams", "restricted", "whose", "reads", "is_seen"),
    [
        (None, False, None, False, True), (None, False, {"N"}, False, False),
        (("N",), False, {"N"}, False, True), (("N",), False, {"N", "S"}, False, True),
        (("N", "S"), False, {"N"}, False, False), (("N",), True, {"N"}, False, False),
        (("N",), True, None, True, True), (None, True, None, False, False),
        ((), False, {"N"}, False, True),
    ],
)  # fmt: skip
def test_a_view_is_no_wider_by_teams_and_by_restricted_records(
    teams: tuple[str, ...] | None, restricted: bool, whose: set[str] | None, reads: bool,
    is_seen: bool,
) -> None:  # fmt: skip
    kept = Kept("rules-2023-01-01-1", "rules", "2023-01-01", False, "m.m", "", teams, restricted)
    seen_teams = None if whose is None else frozenset(whose)
    assert kept.is_for(Viewer("x", "team manager", seen_teams, reads)) == is_seen
    assert not kept.is_for(Viewer("x", "reviewer", None, True))


@pytest.mark.parametrize(
    "about", ["", "[]", "{}", '{"teams": null}', '{"name":"rules","to":"x","published":0}', "\xff"]
)
def test_a_report_without_what_is_kept_beside_it_is_nobodys(tmp_path: Path, about: str) -> None:
    folder = tmp_path / "rules-2023-01-01-1"
    folder.mkdir()
    (folder / "rules.html").write_text("x", "utf-8")
    everything = Viewer("x", "auditor", None, True)
    assert reports_for(tmp_path, everything) == []
    (folder / "made.json").write_text(about, "latin-1")
    assert reports_for(tmp_path, everything) == []
    assert reports_for(tmp_path / "nowhere", everything) == []
