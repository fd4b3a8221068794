"""Telling people after a night: what goes where, what fails, and what the trail says of it."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import AS_OF, Triage, mend
from stores import OwnStore
from telling_servers import HERE, PASSWORD, USER, Mailbox, free_port, mail_server, web_server
from test_webhook import SECRET, is_signed

from triage import telling
from triage.store import verify_trail

TOLD = (
    "SELECT actor, kind, run_id, detail FROM event WHERE kind IN ('digest sent', 'digest failed', "
    "'webhook called', 'webhook failed') ORDER BY id"
)
FROM = 'from = "triage@council.example"'
Configure = Callable[..., None]


@pytest.fixture
def configure(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Configure:
    """Write triage.toml: what stands under [telling], and what follows it."""
    monkeypatch.setenv("NO_PROXY", "*")

    def write(*under_telling: str, after: str = "") -> None:
        told = "\n".join(("[telling]", *under_telling, after))
        (workplace / "triage.toml").write_text(told, "utf-8")

    return write


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mail_server() as found:
        yield found


def by_mail(port: int, *teams: str, security: str = "none") -> str:
    """Return the settings of a mail server, and of an address for each team."""
    named = "\n".join(f'"{team}" = ["{team.lower()}@council.example"]' for team in teams)
    server = f'host = "{HERE}"\nport = {port}\nsecurity = "{security}"\ntimeout = 1'
    return f"[telling.teams]\n{named}\n[telling.smtp]\n{server}\n"


def told(store: OwnStore) -> list[tuple[str, str, int, dict[str, object]]]:
    return [
        (actor, kind, run, json.loads(detail)) for actor, kind, run, detail in store.query(TOLD)
    ]


def nightly(triage: Triage, records: Path, *more: str) -> tuple[int, str, str]:
    return triage("nightly", records, "--as-of", AS_OF, *more)


def test_nothing_is_sent_unless_it_is_configured(
    triage: Triage, records: Path, workplace: Path, store: OwnStore
) -> None:
    code, _, err = nightly(triage, records, "--quiet")
    assert (code, err) == (0, "")
    assert told(store) == []
    assert not [path for path in workplace.iterdir() if path.is_dir()]
    code, _, err = triage("tell")
    assert code == 2
    assert "nobody is to be told: triage.toml names no folder, address or webhook" in err


def test_a_night_is_told_by_every_way(
    triage: Triage, records: Path, store: OwnStore, configure: Configure, box: Mailbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("TRIAGE_WEBHOOK_SECRET", SECRET)
    with web_server() as hook:
        configure(
            'folder = "digests"', FROM, 'all = ["head@council.example"]',
            after=by_mail(box.port, "North") + f'[webhook]\nurl = "{hook.url}"',
        )  # fmt: skip
        code, _, err = nightly(triage, records)
    assert code == 0, err
    assert "triage: of run 1: 5 digests sent, the webhook called." in err
    names = {path.name for path in Path("digests").iterdir()}
    assert {"run-1-all-teams.txt", "run-1-all-teams.html"} < names
    assert len(names) == 6
    assert box.sent_to() == [["head@council.example"], ["north@council.example"]]
    north = box.messages[1]
    assert north["Subject"].startswith("Re-referral triage, North: ")
    text = north.get_body(("plain",))
    assert text is not None
    (written,) = Path("digests").glob("run-1-north-*.txt")
    assert text.get_content().splitlines() == written.read_text("utf-8").splitlines()
    (call,) = hook.calls
    stamped = int(call.heads["X-Triage-Signature"].split(",")[0].removeprefix("t="))
    assert is_signed(call.heads["X-Triage-Signature"], call.body, stamped)
    assert json.loads(call.body)["run"] == 1
    assert told(store) == [
        ("system:nightly", "digest sent", 1, {"by": "folder", "team": None}),
        ("system:nightly", "digest sent", 1, {"by": "folder", "team": "North"}),
        ("system:nightly", "digest sent", 1, {"by": "folder", "team": "South"}),
        ("system:nightly", "digest sent", 1, {"by": "email", "n_addresses": 1, "team": None}),
        ("system:nightly", "digest sent", 1, {"by": "email", "n_addresses": 1, "team": "North"}),
        ("system:nightly", "webhook called", 1, {"by": "webhook", "n_tries": 1}),
    ]
    assert verify_trail(store.url).damage == ""
    assert "council.example" not in json.dumps(store.query("SELECT settings FROM run"))


def test_a_server_that_is_down_undoes_nothing(
    triage: Triage, records: Path, store: OwnStore, configure: Configure,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("TRIAGE_WEBHOOK_SECRET", SECRET)
    port, other = free_port(), free_port()
    called = f'[webhook]\nurl = "http://{HERE}:{other}/s3cret"\nretries = 0'
    configure('folder = "records.csv"', FROM, after=by_mail(port, "North", "South") + called)
    code, out, err = nightly(triage, records, "--quiet", "--fail-on", "critical")
    assert code == 1, "as it would have ended"
    assert "Run 1 stored." in out
    assert err.splitlines() == [
        "triage: no digest for all teams, North, South was written: the folder records.csv cannot "
        "be written (File exists).",
        f"triage: no digest for North, South was sent by mail: the mail server {HERE}:{port}: it "
        "refuses connections.",
        f"triage: the webhook was not called: http://{HERE}:{other}: it refuses connections (after "
        "1 try).",
        "triage: run 1 is stored; `triage tell --run 1` sends what is missing.",
    ]
    assert [(kind, detail.get("team")) for _, kind, _, detail in told(store)] == [
        *(("digest failed", team) for team in (None, "North", "South", "North", "South")),
        ("webhook failed", None),
    ]
    assert len(store.query("SELECT id FROM run")) == 1
    with mail_server() as box, web_server(500, 200) as hook:
        called = f'[webhook]\nurl = "{hook.url}"'
        configure(FROM, after=by_mail(box.port, "North", "South") + called)
        hurried = functools.partial(telling.Means, wait=lambda _: None)
        monkeypatch.setattr(telling, "Means", hurried)
        code, _, err = triage("tell")
        assert code == 0, err
        assert err == "triage: of run 1: 2 digests sent, the webhook called.\n"
        assert len(hook.calls) == 2
        assert told(store)[-1][3] == {"by": "webhook", "n_tries": 2}
        code, _, err = triage("tell")
        assert (code, len(box.messages), len(hook.calls)) == (0, 2, 2)
        assert (
            err == "triage: of run 1: 3 sent before and not again (--again sends them once more).\n"
        )
        assert triage("tell", "--again", "--quiet") == (0, "", "")
        assert (len(box.messages), len(hook.calls)) == (4, 3)
    assert all(actor.startswith("account:") for actor, *_ in told(store)[-3:])


def test_what_still_fails_ends_with_one(
    triage: Triage, records: Path, configure: Configure
) -> None:
    nightly(triage, records)
    configure(FROM, after=by_mail(free_port(), "North"))
    code, _, err = triage("tell", "--team", "North")
    assert code == 1
    assert "no digest for North was sent by mail" in err


def test_only_what_was_missing_is_sent_later(
    triage: Triage, records: Path, store: OwnStore, configure: Configure, box: Mailbox
) -> None:
    box.refused = {"south@council.example": "550 no such user"}
    configure(FROM, after=by_mail(box.port, "North", "South"))
    code, _, err = nightly(triage, records)
    assert code == 0, err
    assert "no digest for South was sent by mail: the mail server" in err
    assert "refused 1 of 1 address (550): south@council.example." in err
    assert "south@" not in json.dumps(told(store))
    box.refused = {}
    assert triage("tell")[0] == 0
    assert box.sent_to() == [["north@council.example"], ["south@council.example"]]


def test_secrets_come_from_the_environment_alone(
    triage: Triage, records: Path, store: OwnStore, configure: Configure,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    with web_server() as hook, mail_server(asks_user=False) as box:
        mail = by_mail(box.port, "North") + f'user = "{USER}"\n'
        configure(FROM, after=mail + f'[webhook]\nurl = "{hook.url}"')
        _, _, err = nightly(triage, records)
        assert "by mail: TRIAGE_SMTP_PASSWORD is not set, the password of triage." in err
        assert "called: TRIAGE_WEBHOOK_SECRET is not set, or has less than 16 characters." in err
        monkeypatch.setenv("TRIAGE_WEBHOOK_SECRET", "short")
        assert "less than 16 characters" in triage("tell")[2]
        assert (hook.calls, box.messages) == ([], [])
        monkeypatch.setenv("TRIAGE_SMTP_PASSWORD", PASSWORD)
        assert "offers no sign-in for the user" in triage("tell")[2]
    assert PASSWORD not in json.dumps(store.query("SELECT detail FROM event"))


def test_a_team_of_which_nothing_is_new_gets_none_unless_configured(
    triage: Triage, records: Path, configure: Configure, box: Mailbox
) -> None:
    mail = by_mail(box.port, "North", "South")
    nightly(triage, records)
    configure(FROM, after=mail)
    nightly(triage, records)
    assert box.messages == []
    mend(records, "B,2023-06-01,R3,false,,,,South,", "B,2023-06-01,R3,false,,,2023-06-28,South,")
    nightly(triage, records)
    assert box.sent_to() == [["south@council.example"]]
    code, _, err = triage("tell", "--run", "2")
    assert (code, err) == (0, "triage: of run 2: nothing is new or overdue, so nobody was told.\n")
    configure(FROM, "when_quiet = true", after=mail)
    assert triage("tell", "--run", "2")[0] == 0
    assert len(box.messages) == 3
    body = box.messages[-1].get_body(("plain",))
    assert body is not None
    assert "Run 3 came after it" in body.get_content()


def test_what_is_muted_gets_none(
    triage: Triage, records: Path, configure: Configure, box: Mailbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("TRIAGE_WEBHOOK_SECRET", SECRET)
    with web_server() as hook:
        configure(
            FROM, 'folder = "digests"', 'mute = ["South", "webhook"]',
            after=by_mail(box.port, "North", "South") + f'[webhook]\nurl = "{hook.url}"',
        )  # fmt: skip
        nightly(triage, records)
    assert box.sent_to() == [["north@council.example"]]
    assert not list(Path("digests").glob("*south*"))
    assert hook.calls == []
    code, _, err = triage("tell", "--team", "South")
    assert code == 2
    assert "--team South: [telling] names neither a folder nor an address for it, or it is" in err


def test_names_that_the_queue_does_not_know_are_told(
    triage: Triage, records: Path, configure: Configure, box: Mailbox
) -> None:
    configure(FROM, 'mute = ["Suoth"]', after=by_mail(box.port, "Noth"))
    _, _, err = nightly(triage, records)
    for place, name, meant in (("teams", "Noth", "North"), ("mute", "Suoth", "South")):
        said = f"nothing in the queue is of the team '{name}'; did you mean {meant}?"
        assert f"triage: warning: setting telling.{place}: {said}" in err
    code, _, err = triage("tell", "--team", "Nroth")
    assert code == 2
    assert "--team: nothing in the queue is of the team 'Nroth'; did you mean" in err


def test_a_dry_run_shows_what_would_be_sent_and_sends_nothing(
    triage: Triage, records: Path, store: OwnStore, configure: Configure, box: Mailbox
) -> None:
    nightly(triage, records)
    code, out, err = triage("tell", "--dry-run")
    assert code == 0, err
    assert out.startswith("To: nowhere: [telling] names nobody for it\nSubject: Re-referral triage")
    configure(
        FROM, 'folder = "digests"',
        after=by_mail(box.port, "North") + '[webhook]\nurl = "https://council.example/s3cret"',
    )  # fmt: skip
    code, out, err = triage("tell", "--dry-run")
    assert code == 0, err
    assert out.count("\nSubject: ") == 3
    assert "; north@council.example\nSubject: Re-referral triage, North: " in out
    assert "Webhook: https://council.example (--format json shows what it is told)\n" in out
    code, out, _ = triage("tell", "--dry-run", "--team", "South")
    assert out.count("\nSubject: ") == 1
    body = json.loads(triage("tell", "--dry-run", "--format", "json")[1])
    assert (body["kind"], [one["team"] for one in body["teams"]]) == (
        "run stored",
        ["North", "South"],
    )
    assert triage("tell", "--format", "json")[0] == 2
    assert (box.messages, told(store), Path("digests").exists()) == ([], [], False)


def test_a_dry_run_shows_nobody_more_than_they_may_see(
    triage: Triage, records: Path, store: OwnStore, configure: Configure
) -> None:
    configure('folder = "digests"')
    nightly(triage, records)
    admin = ("--as", "a.admin")
    for name, *role in (
        ("a.admin", "administrator"),
        ("n.north", "reviewer", "--team", "North"),
        ("m.manager", "team manager"),
    ):
        assert triage("people", "add", name, "--role", *role, *admin)[0] == 0
    assert triage("tell", "--dry-run")[0] == 2
    assert triage("tell", "--dry-run", *admin)[0] == 2
    out = triage("tell", "--dry-run", "--as", "n.north")[1]
    assert ("Subject: Re-referral triage, North" in out, out.count("\nSubject: ")) == (True, 1)
    code, out, err = triage("tell", "--dry-run", "--as", "n.north", "--team", "South")
    assert (code, out) == (2, "")
    assert "--team South: not a team of yours." in err
    assert triage("tell", "--dry-run", "--format", "json", "--as", "n.north")[0] == 2
    assert triage("tell", "--dry-run", "--as", "m.manager")[1].count("\nSubject: ") == 3
    before = told(store)
    assert triage("tell", "--again", "--as", "nobody.known")[0] == 2
    assert told(store) == before
    assert triage("tell", "--again", "--as", "m.manager")[0] == 0
    assert {actor for actor, *_ in told(store)[len(before) :]} == {"m.manager"}


def test_a_run_or_store_that_is_not_there_is_named(
    triage: Triage, records: Path, configure: Configure
) -> None:
    configure('folder = "digests"')
    assert triage("tell")[0] == 4
    nightly(triage, records)
    code, _, err = triage("tell", "--run", "9")
    assert (code, err) == (2, "triage: there is no run 9; `triage runs` shows them.\n")


def test_teams_of_any_name_are_told(
    triage: Triage, records: Path, store: OwnStore, configure: Configure, box: Mailbox
) -> None:
    odd = "A/../b <b>&amp; Ünïcode ‮ x"
    text = records.read_text("utf-8").replace(",North,", f",{odd},")
    records.write_text(text, "utf-8")
    configure(
        FROM, 'folder = "digests"', after=by_mail(box.port, odd).replace(odd.lower() + "@", "odd@")
    )
    code, _, err = nightly(triage, records)
    assert code == 0, err
    assert [path.parent.name for path in Path().rglob("run-*")] == ["digests"] * 6
    (page,) = Path("digests").glob("run-1-a-b-*.html")
    assert "A/../b &lt;b&gt;&amp;amp; Ünïcode x" in page.read_text("utf-8")
    assert "<b>" not in page.read_text("utf-8")
    (made,) = box.messages
    assert "Ünïcode" in made["Subject"]
    assert any(detail.get("team") == odd for *_, detail in told(store))


def test_the_demo_tells_nobody(triage: Triage, configure: Configure) -> None:
    configure('folder = "digests"')
    assert triage("demo", "--quiet")[0] == 0
    assert not Path("digests").exists()


def test_a_trail_that_cannot_be_written_is_told_and_undoes_nothing(
    triage: Triage, records: Path, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    from triage.errors import StoreError

    def busy(*_: object, **__: object) -> None:
        raise StoreError("the store is busy")

    configure('folder = "digests"')
    monkeypatch.setattr(telling.store, "keep_told", busy)
    code, _, err = nightly(triage, records)
    assert code == 0, err
    assert len(list(Path("digests").iterdir())) == 6
    assert "warning: what was sent could not all be written to the trail" in err


def test_a_store_that_cannot_be_read_afterwards_undoes_nothing(
    triage: Triage, records: Path, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    from triage.errors import StoreError

    def gone(*_: object, **__: object) -> None:
        raise StoreError("the store is busy.")

    configure('folder = "digests"')
    monkeypatch.setattr(telling.store, "night_figures", gone)
    code, _, err = nightly(triage, records, "--quiet")
    assert code == 0, err
    assert err == (
        "triage: nobody was told of run 1, which is stored: the store is busy.\n"
        "triage: `triage tell --run 1` tries again.\n"
    )


def test_whoever_stops_it_while_people_are_told_keeps_the_run(
    triage: Triage, records: Path, store: OwnStore, configure: Configure,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    configure('folder = "digests"')
    monkeypatch.setattr(telling.mailing, "write", stopped)
    code, _, err = nightly(triage, records, "--quiet")
    assert code == 130
    assert err == "triage: stopped; run 1 is stored, and `triage tell` sends what was not sent.\n"
    assert len(store.query("SELECT id FROM run")) == 1
