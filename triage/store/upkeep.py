"""Keeping a store: brought up to date, backed up, restored, moved; each an event in its trail."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from triage.errors import CallError, InputError, StoreError
from triage.progress import Progress, Told
from triage.store import archive
from triage.store.address import Address, address_of
from triage.store.connection import acting, filling, reading, run_lock
from triage.store.copying import Snapshot, check_trail, fill_store, is_chained, snapshot
from triage.store.newfile import PRIVATE, NewFile, new_file
from triage.store.people import Asker, viewer_of
from triage.store.portable import Contents, Tally, tables_of
from triage.store.tables import HEAD_REVISION
from triage.store.trail import Head, add_events, happened, head
from triage.store.upgrading import own_revision, upgrade
from triage.vocabulary import counted


@dataclass(frozen=True)
class Upgraded:
    """A store, the revision it was at (None where there was none), and the one it is at now."""

    name: str
    before: str | None
    after: str


@dataclass(frozen=True)
class BackedUp:
    """What was written of a store; ``is_told`` whether its trail says so."""

    name: str
    revision: str
    rows: Mapping[str, int]
    head: Head | None
    digest: str
    n_bytes: int
    is_told: bool


@dataclass(frozen=True)
class Brought:
    """What was brought into a store, and from where; ``head`` is that of its trail now.

    ``before`` is the revision at which it came, ``after`` the one that it is at now.
    """

    name: str
    source: str
    before: str
    after: str
    rows: Mapping[str, int]
    head: Head


def upgrade_store(url: str, asker: Asker) -> Upgraded:
    """Bring a store to this version's revision, or make an empty one where there is none.

    Raises:
        StoreError: when it is in use, out of reach, or a newer version made it.
    """
    address = address_of(url)
    with _made(url) as connection:
        before = own_revision(connection, address.name)
        upgrade(connection, address.name)
        if before not in (None, HEAD_REVISION):
            _tell(connection, asker, "store upgraded", {"from": before, "to": HEAD_REVISION})
    return Upgraded(address.name, before, HEAD_REVISION)


def back_up(url: str, path: Path, asker: Asker, progress: Progress) -> BackedUp:
    """Write a store as it is at one moment into a new file, while others work on.

    The file is there once it is whole and the trail says so, and else is not.

    Raises:
        CallError: when the file is there already, or cannot be written.
        StoreError: when there is no store, its trail is damaged, or it is out of reach.
    """
    address = address_of(url)
    with new_file(path) as made:
        with reading(url, older=True) as connection:
            found = snapshot(connection, address.name)
            if found.contents.revision == HEAD_REVISION:
                _refuse_stranger(connection, asker)
            digest = _written(found, made, asker, progress)
        n_bytes = os.fstat(made.file.fileno()).st_size
        is_told = _place(url, made, asker, found, digest)
    return BackedUp(
        address.name, found.contents.revision, found.rows, found.contents.head, digest, n_bytes,
        is_told,
    )  # fmt: skip


def _written(found: Snapshot, made: NewFile, asker: Asker, progress: Progress) -> str:
    told, tallies = Told(progress, "backing up", sum(found.rows.values())), {}
    with archive.writing(made.file) as writing:
        for table in found.tables:
            tallies[table] = Tally()
            with writing.member(table) as member, closing(found.counted_lines(table)) as lines:
                for line, n_rows in lines:
                    member.write(line)
                    tallies[table].add(line, n_rows)
                    told.add(n_rows)
        return writing.finish(found.contents, tallies, asker.at)


def _place(url: str, made: NewFile, asker: Asker, found: Snapshot, digest: str) -> bool:
    """Name the file and tell the trail of it, both or neither; return whether the trail could be.

    Events of a revision before 0004 bear no hash, and none is added to them.
    """
    if not is_chained(found.tables):
        made.place()
        return False
    head = found.contents.head
    told = {"sha256": digest, "revision": found.contents.revision, "event": head.id if head else 0}
    is_placed = False
    try:
        with acting(url, older=True) as connection:
            event = happened("store backed up", detail=told)
            add_events(connection, asker.at, asker.actor, [event])
            made.place()
            is_placed = True
    except BaseException:
        if is_placed:
            made.take_back()
        raise
    return True


def restore(url: str, path: Path, asker: Asker, progress: Progress) -> Brought:
    """Make the store of a backup in an empty place, and bring it to this version's revision.

    Raises:
        CallError: when the place holds something already.
        InputError: when the file is no backup, or not as it was written.
        StoreError: when the place is in use, or out of reach.
    """
    address = address_of(url)
    with archive.opened(path) as backup, _made(url) as connection:
        with _naming(str(path)):
            n_rows = sum(backup.rows.values())
            tallies = fill_store(
                connection, address, backup.contents, backup.lines, n_rows, progress
            )
            _refuse_other_counts(backup, tallies)
        _bring_up(connection, address, backup.contents)
        told = {"sha256": backup.digest, "revision": backup.contents.revision,
                "made_at": backup.made_at}  # fmt: skip
        _tell(connection, asker, "store restored", told)
        rows = {name: tally.rows for name, tally in tallies.items()}
        return Brought(
            address.name, str(path), backup.contents.revision, HEAD_REVISION, rows,
            head(connection),
        )  # fmt: skip


def _refuse_other_counts(backup: archive.Backup, tallies: Mapping[str, Tally]) -> None:
    for table, tally in tallies.items():
        if tally.rows != backup.rows[table]:
            raise InputError(
                f"the backup is damaged: {table} has {counted(tally.rows, 'row')}, by its manifest "
                f"{backup.rows[table]:,}. Nothing was stored."
            )


def _bring_up(connection: sa.Connection, address: Address, contents: Contents) -> None:
    if contents.revision != HEAD_REVISION:
        upgrade(connection, address.name)
        check_trail(connection, tables_of(connection), None)


def move(from_url: str, to_url: str, asker: Asker, progress: Progress) -> Brought:
    """Copy a store into an empty place, of the same database or the other; nothing is taken away.

    Nobody writes to it meanwhile, so that nothing is left behind. That it was moved stands in the
    trail of both, which are the same to the last event.

    Raises:
        CallError: when both are the same, or the place holds something already.
        InputError: when the place cannot keep something that the store holds.
        StoreError: when one of them is in use, or out of reach.
    """
    here, there = address_of(from_url), address_of(to_url)
    if here.url == there.url or (here.file and there.file and _is_same(here.file, there.file)):
        raise CallError(f"{there.name}: is where the store is; name another place.")
    moved: Brought | None = None
    try:
        with run_lock(from_url), acting(from_url) as source:
            _tell(source, asker, "store moved", {"from": here.name, "to": there.name})
            found = snapshot(source, here.name)
            with _made(to_url) as connection, _naming(here.name):
                tallies = fill_store(
                    connection, there, found.contents, found.lines, sum(found.rows.values()),
                    progress,
                )  # fmt: skip
            rows = {name: tally.rows for name, tally in tallies.items()}
            moved = Brought(there.name, here.name, HEAD_REVISION, HEAD_REVISION, rows, head(source))
    except StoreError:
        if moved is None:
            raise
        raise StoreError(
            f"{there.name}: holds all of the store now, but {here.name} could not be told so; go "
            "on with the new one."
        ) from None
    return moved


def _is_same(file: Path, other: Path) -> bool:
    return file.resolve() == other.resolve()


def _tell(connection: sa.Connection, asker: Asker, kind: str, told: Mapping[str, str]) -> None:
    _refuse_stranger(connection, asker)
    add_events(connection, asker.at, asker.actor, [happened(kind, detail=told)])


def _refuse_stranger(connection: sa.Connection, asker: Asker) -> None:
    """Refuse a name of nobody who is registered; without one it is this machine's account."""
    if asker.name:
        viewer_of(connection, asker)


@contextmanager
def _made(url: str) -> Iterator[sa.Connection]:
    """Open a store for a great deal of writing, alone; a new file is for its owner only."""
    address = address_of(url)
    with run_lock(url):
        is_new = address.file is not None and _begun(address.file)
        try:
            with filling(url) as connection:
                yield connection
        except BaseException:
            if is_new and address.file is not None:
                with suppress(OSError):
                    if not address.file.stat().st_size:
                        address.file.unlink()
            raise


def _begun(file: Path) -> bool:
    try:
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE))
    except FileExistsError:
        return False
    except OSError as error:
        raise StoreError(
            f"{file}: cannot be written ({error.strerror or error}). Nothing was stored."
        ) from None
    return True


@contextmanager
def _naming(name: str) -> Iterator[None]:
    """Say in front of what is wrong with something where it came from."""
    try:
        yield
    except InputError as error:
        said = str(error)
        raise InputError(said if said.startswith(f"{name}: ") else f"{name}: {said}") from None
