"""Where tasks run: processes of this machine by Dask's own scheduler, or a `distributed` cluster.

Both hand out a few partitions at a time and keep no result but the figures.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from itertools import islice
from multiprocessing import connection, get_context, parent_process
from typing import Any

from wattledger.errors import Misconfigured, TryLater
from wattledger.fleet.plan import Done, Task
from wattledger.fleet.work import work

Finished = Callable[[Done], None]
NEEDED = "The fleet needs Dask: install `wattledger[fleet]`."
AHEAD = 2
"""tasks that a worker of a cluster holds"""


def on_processes(tasks: Sequence[Task], workers: int, finished: Finished) -> None:
    """Each task in one of `workers` processes; they die with this one.

    Raises Misconfigured without Dask, TryLater where a process was killed.
    """
    try:
        import dask
        from dask.callbacks import Callback
    except ImportError:
        raise Misconfigured(NEEDED) from None

    def told(_key: Any, result: Any, *_: Any) -> None:
        if isinstance(result, Done):
            finished(result)

    made = [dask.delayed(work, pure=False)(task, dask_key_name=f"{task.verb}-{task.part}") for task in tasks]
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=begin)
    try:
        with pool, Callback(posttask=told):
            dask.compute(*made, scheduler="processes", pool=pool, chunksize=1, optimize_graph=False)
    except BrokenExecutor:
        sentence = "A process of this run was killed, perhaps for its memory (see --partition)."
        raise TryLater(f"{sentence} What is done is kept; run it again.") from None


def on_cluster(tasks: Sequence[Task], address: str, finished: Finished) -> None:
    """Each task on the cluster of a scheduler. Raises TryLater where it does not answer."""
    try:
        from distributed import Client, as_completed
    except ImportError:
        raise Misconfigured(NEEDED) from None
    try:
        client = Client(address, set_as_default=False, timeout="10s")
    except (OSError, TimeoutError, ValueError) as error:
        raise TryLater(f"The scheduler {address} does not answer ({type(error).__name__}).") from None
    with client:
        waiting = iter(tasks)
        ahead = AHEAD * max(1, sum(client.nthreads().values()))
        parts = {client.submit(work, task, pure=False): task.part for task in islice(waiting, ahead)}
        flow = as_completed(list(parts), loop=client.loop)
        for future in flow:
            finished(_answer(future, parts.pop(future)))
            for task in islice(waiting, 1):
                another = client.submit(work, task, pure=False)
                parts[another] = task.part
                flow.add(another)


def _answer(future: Any, part: int) -> Done:
    if future.status == "finished":
        done: Done = future.result()
        return done
    error = future.exception() if future.status == "error" else None
    return Done(part, problem=f"No worker of the cluster did it ({type(error).__name__}: {error}).")


def begin() -> None:
    """A worker process: one thread for columns, and no life without its parent."""
    import pyarrow as pa

    pa.set_cpu_count(1)
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_outlive, args=(parent.sentinel,), daemon=True).start()


def _outlive(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)
