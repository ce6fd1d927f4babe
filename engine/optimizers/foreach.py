"""Operations on lists of tensors in one call, as torch.optim itself uses them; torch has no public names for them."""

from collections.abc import Callable
from typing import Any

import torch


def _of_torch(name: str) -> Callable[..., Any]:
    return getattr(torch, f"_foreach_{name}")


add, add_ = _of_torch("add"), _of_torch("add_")
addcdiv_, addcmul_ = _of_torch("addcdiv_"), _of_torch("addcmul_")
copy_ = _of_torch("copy_")
div, div_ = _of_torch("div"), _of_torch("div_")
lerp, lerp_ = _of_torch("lerp"), _of_torch("lerp_")
mul, mul_ = _of_torch("mul"), _of_torch("mul_")
norm, sqrt = _of_torch("norm"), _of_torch("sqrt")
