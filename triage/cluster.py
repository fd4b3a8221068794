"""Partitions judged by the workers of a Dask cluster: of this machine, or of an address.

A worker gets one partition at a time and keeps nothing of it, so whatever a lost one had begun is
done again by another, and what comes of it is the same.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from triage.errors import CallError, InputError
from triage.partitioned import Workers, check_partitioned, in_turn, threads
from triage.progress import Progress, silent
from triage.ruleset import Ruleset
from triage.run import Options, Run

if TYPE_CHECKING:
    from distributed import Client

LOCAL: Final = "local"
"""Stands for workers of this machine, one a processor, that listen to nobody else."""
_IN_HAND: Final = 3
"""Tasks that each worker has waiting, so that none is ever without work."""

_TaskT = TypeVar("_TaskT")
_FoundT = TypeVar("_FoundT")


@contextmanager
def cluster(address: str, jobs: int) -> Iterator[Workers]:
    """Give the workers of a cluster: ``jobs`` of this machine, or those at an address.

    Raises:
        CallError: when Dask is not installed, or nobody answers at the address.
        InputError: when so many workers were lost that the work could not be done.
    """
    try:
        from distributed import Client, LocalCluster
        from distributed.scheduler import KilledWorker
    except ImportError:
        raise CallError(
            "--cluster needs Dask, which is not installed; install it with "
            "`pip install 'rereferral-triage[dask]'`, or give --chunk."
        ) from None
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    try:
        if address == LOCAL:
            with (
                LocalCluster(
                    n_workers=jobs,
                    threads_per_worker=1,
                    host="127.0.0.1",
                    dashboard_address=None,
                    silence_logs=logging.CRITICAL,
                ) as local,
                Client(local) as client,
            ):
                yield _workers(client)
        else:
            with Client(address, timeout="10s") as client:
                yield _workers(client)
    except KilledWorker as error:
        raise InputError(
            f"the cluster lost its workers over one part of the records again and again ({error}); "
            "give them more memory, or give --chunk in place of --cluster."
        ) from None
    except (OSError, ValueError) as error:
        raise CallError(
            f"--cluster {address}: nobody answers there ({error}); write local, or the address of "
            "a Dask scheduler such as tcp://10.0.0.5:8786."
        ) from None


def _workers(client: Client) -> Workers:
    n_workers = max(1, len(client.scheduler_info()["workers"]))

    def each(work: Callable[[_TaskT], _FoundT], tasks: Sequence[_TaskT], /) -> Iterator[_FoundT]:
        def submit(task: _TaskT) -> Callable[[], _FoundT]:
            found: Callable[[], _FoundT] = client.submit(work, task, pure=False).result
            return found

        return in_turn(submit, tasks, n_workers * _IN_HAND)

    return each


def check_in_partitions(
    names: Sequence[str],
    ruleset: Ruleset,
    options: Options,
    address: str | None,
    write_to: Path | None = None,
    progress: Progress = silent,
) -> Run:
    """Return what the rules say of Parquet, by the workers of a cluster or by threads (None).

    Raises:
        CallError: for a call that cannot be met.
        InputError: for an input that cannot be used.
        RuleError: for a rule that cannot be evaluated.
    """
    jobs = options.jobs or os.cpu_count() or 1
    if address is None:
        return check_partitioned(names, ruleset, options, threads(jobs), write_to, progress)
    with cluster(address, jobs) as workers:
        return check_partitioned(names, ruleset, options, workers, write_to, progress)
