"""What a run brings to the store, as columns: flags, what they are on, and a digest of it all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from triage import __version__
from triage.flags import SCHEMA
from triage.known import KnownNow
from triage.names import numbered
from triage.run import Judgement, Run
from triage.store.columns import only, ranks, truths
from triage.store.exceptions import RuleException, excepted

Whole = npt.NDArray[np.int64]
Truth = npt.NDArray[np.bool_]

KEY: Final = ("subject", "child_id", "referral_id")
"""What names a referral or a contact: which of them, the child's identifier, and its own."""
_OF_ENTRY: Final = (*KEY, "referral_date", "team", "restricted")


@dataclass(frozen=True)
class Tonight:
    """The flags of a run as columns; ``entry`` is the place of what each one is on.

    ``entries`` are the referrals and contacts with a flag, in the order of flags.
    """

    flags: pa.Table
    entry: Whole
    entries: pa.Table

    @cached_property
    def rules(self) -> list[str]:
        """Return the rules in whose places the numbers in ``rule`` are."""
        found: list[str] = only(self.flags["rule"]).dictionary.to_pylist()
        return found

    @cached_property
    def rule(self) -> Whole:
        """Return the number of each flag's rule."""
        codes = only(self.flags["rule"]).indices.to_numpy(zero_copy_only=False)
        return np.asarray(codes, np.int64)

    @cached_property
    def rank(self) -> Whole:
        """Return the rank of each flag's severity, 0 for the most pressing."""
        return ranks(self.flags["severity"])

    @cached_property
    def is_contact(self) -> Truth:
        """Return which flags are on contacts."""
        return truths(pc.equal(self.flags["subject"], "contact"))

    def of(self, places: Whole) -> Tonight:
        """Return some of the flags, or all of them in another order."""
        if len(places) == len(self.entry) and (np.diff(places) == 1).all():
            return self
        return Tonight(self.flags.take(pa.array(places)), self.entry[places], self.entries)

    @cached_property
    def fingerprints(self) -> pa.Array:
        """Return a SHA-256 of what each flag lastingly rests on, made once a distinct text."""
        lasting = only(self.flags["lasting"])
        made = [
            hashlib.sha256(text.encode()).hexdigest() for text in lasting.dictionary.to_pylist()
        ]
        return pa.DictionaryArray.from_arrays(lasting.indices, pa.array(made, pa.string()))


def of_run(run: Run, exceptions: Sequence[RuleException] = ()) -> Tonight:
    """Return the flags of the stable rules, on referrals and then on contacts.

    Those for which an exception is made are not among them.
    """
    flags = _flags(run)
    is_quiet = excepted(exceptions, flags["rule"], flags["child_id"], flags["team"])
    if is_quiet.any():
        flags = flags.filter(pa.array(~is_quiet)).combine_chunks()
    number = numbered([flags["subject"].cast(pa.string()), flags["child_id"], flags["referral_id"]])
    _, first, which = np.unique(number, return_index=True, return_inverse=True)
    order = np.argsort(first)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    entries = flags.select(_OF_ENTRY).take(pa.array(first[order]))
    for name in ("subject", "team"):
        at = entries.schema.get_field_index(name)
        entries = entries.set_column(at, name, entries[name].cast(pa.string()))
    return Tonight(flags, place[which], entries)


def _flags(run: Run) -> pa.Table:
    """Return the flags as one table without seams, texts looked up in one place."""
    tables = [one.table_to_store for one in (run.flags, run.contact_flags)]
    columns = [
        pa.chunked_array(
            [chunk for table in tables for chunk in table[field.name].chunks if len(chunk)],
            field.type,
        )
        for field in SCHEMA
    ]
    whole = pa.table(columns, schema=SCHEMA)
    is_seamed = any(column.num_chunks > 1 for column in columns)
    return (whole.unify_dictionaries() if is_seamed else whole).combine_chunks()


def told(run: Run, tonight: Tonight, timeline: pa.Table, review_days: Mapping[str, int]) -> str:
    """Return a SHA-256 of all that a run brings to the queue.

    When it is that of the run before, the queue stands already as this run would leave it: the
    same flags in the same words with the same lasting evidence, the same outcomes of the same
    rules, the same referrals of the same children. All else that a run says is in its own row.
    """
    rules = [(rule.text_hash, rule.status) for rule in run.ruleset.rules]
    settings = [__version__, rules, sorted(run.ruleset.silent.items()), dict(review_days)]
    flags = tonight.flags.drop_columns(["evidence"])
    outcomes = [_outcomes(judgement) for judgement in (run.referrals, run.contacts)]
    return _digest(settings, flags, timeline, *outcomes)


def told_of_records(known: KnownNow, timeline: pa.Table) -> str:
    """Return a SHA-256 of the records as a run knows them.

    When it is that of the run before, what is kept of each referral, and of how its record changed
    from night to night, is already as this run would leave it.
    """
    columns = {"child": known.child_names, "name": known.names, "digest": pa.array(known.digest)}
    referrals = timeline.select(["child_id", "referral_id", "digest"])
    return _digest([__version__, list(known.columns)], pa.table(columns), referrals)


def _digest(settings: Sequence[Any], *tables: pa.Table) -> str:
    digest = hashlib.sha256(json.dumps(settings).encode())
    for table in tables:
        with pa.ipc.new_stream(pa.PythonFile(_Sink(digest), "w"), table.schema) as stream:
            stream.write_table(table.combine_chunks())
    return digest.hexdigest()


def _outcomes(judgement: Judgement) -> pa.Table:
    judged = judgement.judged
    columns = {"child": judged.child_names, "name": judged.names, **judged.outcomes}
    return pa.table(columns)


class _Sink:
    """A file that only reckons the digest of what is written to it."""

    closed = False

    def __init__(self, digest: Any) -> None:
        self._digest = digest

    def write(self, data: bytes) -> int:
        """Take some of what is written."""
        self._digest.update(data)
        return len(data)

    def flush(self) -> None:
        """Nothing is kept back."""
