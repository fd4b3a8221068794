"""Partitions judged by the workers of a Dask cluster: of this machine, or of an address.

A worker gets one partition at a time and keeps nothing of it, so whatever a lost one had begun is
done again by another, and what comes of it is the same.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from triage import __version__
from triage.errors import CallError, InputError
from triage.partitioned import Workers, check_partitioned, threads
from triage.progress import Progress, silent
from triage.reading import Reading
from triage.ruleset import Ruleset
from triage.run import Options, Run
from triage.threads import in_turn

if TYPE_CHECKING:
    from distributed import Client, Future

LOCAL: Final = "local"
"""Stands for workers of this machine, one a processor, that listen to nobody else."""
_PACKAGE: Final = "rereferral-triage"
_IN_HAND: Final = 3
"""Tasks that each worker has waiting, so that none is ever without work."""
_ANSWERS_WITHIN: Final = "10s"
_PATIENCE: Final = 20.0
"""Seconds without any worker after which none is waited for any more."""

_TaskT = TypeVar("_TaskT")
_FoundT = TypeVar("_FoundT")


@contextmanager
def cluster(address: str, jobs: int) -> Iterator[Workers]:
    """Give the workers of a cluster: ``jobs`` of this machine, or those at an address.

    What is asked of them raises InputError when so many workers are lost that it cannot be done.

    Raises:
        CallError: when Dask is not installed, nobody answers at the address, or other versions of
            this program do.
    """
    try:
        import dask
        import distributed
    except ImportError:
        raise CallError(
            "--cluster needs Dask, which is not installed; install it with "
            "`pip install 'rereferral-triage[dask]'`, or give --chunk."
        ) from None
    # What it would log or warn of is either mended by itself or told in a sentence of ours.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1TB"}):
        if address == LOCAL:
            with _workers_here(jobs) as here, distributed.Client(here) as client:
                yield _workers(client)
        else:
            with _client(address) as client:
                _check_version(client, address)
                yield _workers(client)


def _workers_here(jobs: int) -> AbstractContextManager[Any]:
    """Return workers of this machine, whom nobody reaches from another one."""
    from distributed import LocalCluster

    return LocalCluster(
        n_workers=jobs,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address=None,
        # Any free port: a second run at the same time is not to find the usual one taken.
        scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
        silence_logs=logging.CRITICAL,
    )


def _client(address: str) -> Client:
    from distributed import Client

    try:
        return Client(address, timeout=_ANSWERS_WITHIN)
    except (OSError, ValueError) as error:
        raise CallError(
            f"--cluster {address}: nobody answers there ({error}); write local, or the address of "
            "a Dask scheduler such as tcp://10.0.0.5:8786."
        ) from None


def _check_version(client: Client, address: str) -> None:
    """Refuse a cluster that does not have this program: its workers would fall one by one."""
    try:
        found = {
            client.run_on_scheduler(version, _PACKAGE),
            *client.run(version, _PACKAGE).values(),
        }
    except PackageNotFoundError:
        found = {"none"}
    if found != {__version__}:
        raise CallError(
            f"--cluster {address}: its scheduler and workers do not all have {_PACKAGE} "
            f"{__version__} (found: {', '.join(sorted(found))}); install it on each of them."
        )


def _workers(client: Client) -> Workers:
    def each(work: Callable[[_TaskT], _FoundT], tasks: Sequence[_TaskT], /) -> Iterator[_FoundT]:
        n_at_once = sum(client.nthreads().values())

        def submit(task: _TaskT) -> Callable[[], _FoundT]:
            future = client.submit(work, task, pure=False)
            return lambda: _outcome(client, future)

        return in_turn(submit, tasks, max(1, n_at_once) * _IN_HAND)

    return each


def _outcome(client: Client, future: Future[Any]) -> Any:
    """Return what a task came to, however often it had to be begun anew.

    Raises:
        InputError: when workers, or the whole cluster, are lost.
    """
    from distributed import wait
    from distributed.comm.core import CommClosedError
    from distributed.scheduler import KilledWorker

    is_there_until = time.monotonic() + _PATIENCE
    seconds = 4.0
    while time.monotonic() < is_there_until:
        try:
            if client.nthreads():
                is_there_until = time.monotonic() + _PATIENCE
            if not future.done():
                wait([future], timeout=1)
            # A worker may be lost with what it has found, which is then found anew by another.
            seconds *= 2
            return future.result(timeout=seconds)
        except TimeoutError:
            if future.status == "error":
                raise
        except KilledWorker as error:
            raise InputError(
                f"the cluster lost its workers over one part of the records again and again "
                f"({error}); give them more memory, or give --chunk in place of --cluster."
            ) from None
        except (CancelledError, CommClosedError):
            raise InputError(
                "the cluster's scheduler was lost; start it and run this again, or give --chunk "
                "in place of --cluster."
            ) from None
    raise InputError(
        "the cluster has no worker left; start some and run this again, or give --chunk in place "
        "of --cluster."
    )


def check_in_partitions(
    names: Sequence[str],
    ruleset: Ruleset,
    options: Options,
    address: str | None,
    write_to: Path | None = None,
    progress: Progress = silent,
) -> Run:
    """Return what the rules say of Parquet, by the workers of a cluster or by threads (None).

    At an address files are called by their whole paths, since its workers were started elsewhere.

    Raises:
        CallError: for a call that cannot be met.
        InputError: for an input that cannot be used.
        RuleError: for a rule that cannot be evaluated.
    """
    jobs = options.jobs or os.cpu_count() or 1
    if address is None:
        return check_partitioned(names, ruleset, options, threads(jobs), write_to, progress)
    if address != LOCAL:
        names = [str(Path(name).absolute()) for name in names]
        options = replace(options, reading=_found_anywhere(options.reading))
    with cluster(address, jobs) as workers:
        return check_partitioned(names, ruleset, options, workers, write_to, progress)


def _found_anywhere(reading: Reading) -> Reading:
    """Return how inputs are to be read, the mapping named by its whole path."""
    mapping = reading.mapping
    if mapping and mapping.endswith(".toml"):
        mapping = str(Path(mapping).absolute())
    return replace(reading, mapping=mapping, mappings=reading.mappings.absolute())
