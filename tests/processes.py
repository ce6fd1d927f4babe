"""Several processes that know each other over gloo, as those of a distributed training do."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist
from torch.multiprocessing.spawn import spawn

Work = Callable[[int, Path], None]
"""work(rank, folder), a function of a module: it is looked up by name in each process."""


def run_over_gloo(work: Work, ranks: int, folder: Path) -> None:
    """Runs `work` in `ranks` processes of their own, which meet by a file in the folder.

    Raises:
        AssertionError: where torch was built without gloo.
        torch.multiprocessing.ProcessRaisedException: with what one of them raised.
    """
    assert dist.is_available() and dist.is_gloo_available(), "torch was built without gloo, which these need"
    spawn(_member, args=(work, ranks, folder), nprocs=ranks)


def _member(rank: int, work: Work, ranks: int, folder: Path) -> None:
    """One of the processes; after its work it ends at once, without taking Python down first.

    Torch's caches (default arguments of torch.distributed.nn, meshes of DTensor) keep the process group, and
    with it gloo's threads, alive after it is destroyed. Such a thread wakes whoever waits for a result before
    it lets go of the tensors, for which it needs Python's lock; when the processor is busy, that may be after
    Python began to end, and the process aborts: "terminate called without an active exception"
    (github.com/pytorch/pytorch/issues/190489).
    """
    torch.set_num_threads(1)
    meeting = f"file://{folder / 'meeting'}"
    dist.init_process_group(
        "gloo", init_method=meeting, rank=rank, world_size=ranks, timeout=timedelta(seconds=30)
    )
    try:
        work(rank, folder)
    finally:
        dist.destroy_process_group()
    os._exit(0)
