"""torch.optim.Muon is watched as it is, but for one setting in which it corrupts its own momentum."""

import torch
from torch.optim import Optimizer

from .errors import CorruptingOptimizer


def refuse_corrupting_muon(optimizer: Optimizer) -> None:
    """Raise if this is torch.optim.Muon with bfloat16 parameters and nesterov=False.

    Its Newton–Schulz then receives the momentum buffer itself (`grad.bfloat16()` copies nothing) and normalises it in
    place, so what is averaged from there on is no momentum. Seen in torch 2.13; the test looks whether it still is so.
    float32 parameters and nesterov=True are right.

    Raises:
        CorruptingOptimizer: (a ValueError) naming the group.

    >>> refuse_corrupting_muon(torch.optim.SGD([torch.zeros(2, 2)], lr=0.1))
    """
    # torch before 2.9 has no Muon
    if not isinstance(optimizer, getattr(torch.optim, "Muon", ())):
        return
    for index, group in enumerate(optimizer.param_groups):
        half = any(p.dtype == torch.bfloat16 for p in group["params"])
        if half and not group["nesterov"]:
            raise CorruptingOptimizer(
                f"nesterov is False in group {index} of torch.optim.Muon, whose parameters are torch.bfloat16: it "
                "would normalise its momentum in place; nesterov=True, float32 parameters, or anisoscope's Muon "
                "with dtype=torch.bfloat16 are sound"
            )
