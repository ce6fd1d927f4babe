"""What the processes of one training agree on: the smallest of their radii."""

from typing import Any

import torch
import torch.distributed as dist


def largest(value: float, device: torch.device, group: Any) -> tuple[float, bool]:
    """The largest value among the processes of a group, and whether it is this one's; one scalar is reduced.

    Alone, or where `torch.distributed` does not run, it is.
    """
    if not (dist.is_available() and dist.is_initialized() and dist.get_world_size(group) > 1):
        return value, True
    shared = torch.tensor(value, dtype=torch.float32, device=device)
    own = float(shared)
    dist.all_reduce(shared, dist.ReduceOp.MAX, group=group)
    found = float(shared)
    return found, found == own
