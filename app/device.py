"""Which device the engine runs on: ANISOSCOPE_DEVICE=auto|cpu|cuda|cuda:N|mps."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .errors import RequestError

if TYPE_CHECKING:
    import torch

VARIABLE = "ANISOSCOPE_DEVICE"


def chosen_device() -> torch.device:
    """The device asked for by the environment; `auto` is CUDA where there is one, else the processor.

    Raises:
        RequestError: the device is not on this machine.
    """
    import torch

    wanted = os.environ.get(VARIABLE, "auto")
    cuda = [f"cuda:{i}" for i in range(torch.cuda.device_count())]
    here = {"cpu", *cuda}
    if torch.backends.mps.is_available():
        here.add("mps")
    if wanted == "auto":
        return torch.device(cuda[0] if cuda else "cpu")
    if wanted == "cuda" and cuda:
        return torch.device(cuda[0])
    if wanted not in here:
        raise RequestError(VARIABLE, wanted, f"on this machine it can be auto, {', '.join(sorted(here))}")
    return torch.device(wanted)
