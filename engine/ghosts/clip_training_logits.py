"""The logits of training's own pass forward, kept for a probe that would otherwise make the same pass once more."""

import inspect
import weakref
from collections.abc import Mapping
from contextlib import nullcontext
from functools import lru_cache
from operator import attrgetter
from types import CodeType
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from .jvp import as_arguments
from .probe import Parts, autocast_kinds, parts_of

_writes = attrgetter("_version")


class _Pass(NamedTuple):
    """logits: detached. marks: of all that they were computed from. held: that itself, so that no id is used again."""

    logits: Tensor
    marks: object
    held: object


class TrainingLogits:
    """Keeps the output of a module's latest pass with gradients, and gives it where it is provably the right one.

    That is: the pass had the same tensors as inputs, as objects, not by value; inputs, weights, buffers and
    the output have not been written to since; the modules are the same ones; no autocast; no module of which
    evaluation mode could compute something else, see `_is_indifferent`. PyTorch counts the writes, and trusts
    the same counters for the backward pass. What is written through `.data` they do not count: only a tensor
    put in a weight's place by it is seen. Why a hook: docs/decisions/0008-logits-of-the-training-pass.md.

    A forward hook does the keeping, only between `watch` and `end`; it goes with this object. Compiled passes
    are not kept.
    """

    def __init__(self, model: nn.Module):
        self._model = model
        self._kept: _Pass | None = None
        self._hook: RemovableHandle | None = None

    def watch(self) -> None:
        """Keeps passes from now on."""
        if self._hook is None:
            self._hook = self._model.register_forward_hook(_Hook(self), with_kwargs=True)

    def end(self) -> None:
        """Keeps nothing any more."""
        self._kept = None
        if self._hook is not None:
            self._hook.remove()
            self._hook = None

    def __del__(self) -> None:
        self.end()

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy has a hook of its own to set.
        return TrainingLogits, (self._model,)

    def take(self, inputs: object) -> tuple[Tensor, Parts] | None:
        """(batch, classes) logits for these inputs at the present weights, once; None where that is not certain.

        With the parts of the model, which had to be looked up.
        """
        kept, self._kept = self._kept, None
        if kept is None:
            return None
        parts = parts_of(self._model)
        marks = _marks(*as_arguments(inputs), parts, kept.logits)
        return (kept.logits, parts) if marks == kept.marks else None

    def seen(self, arguments: tuple[Any, ...], keywords: dict[str, Any], output: object) -> None:
        """Takes one pass with gradients; the hook calls this."""
        self._kept = None
        parts = parts_of(self._model)
        if not isinstance(output, Tensor) or not all(map(_is_indifferent, parts.modules)):
            return
        if autocast_kinds((output, *parts.tensors)):
            return
        # A detached tensor counts the writes to the output as its own.
        logits = output.detach()
        marks = _marks(arguments, keywords, parts, logits)
        if marks is not None:
            self._kept = _Pass(logits, marks, (arguments, keywords, parts))


class _Hook:
    """Tells the keeper, as long as there is one, of a pass."""

    def __init__(self, keeper: TrainingLogits):
        self._keeper = weakref.ref(keeper)

    def __call__(self, _: nn.Module, arguments: Any, keywords: Any, output: object) -> None:
        # Validation, and the probe itself, are not the latest pass of the training. Traced by a compiler the
        # hook ends here too, and leaves nothing in the graph.
        if not torch.is_grad_enabled() or torch.compiler.is_compiling() or torch._C._is_tracing():
            return
        keeper = self._keeper()
        if keeper is not None:
            keeper.seen(arguments, keywords, output)

    def __reduce__(self) -> tuple[Any, ...]:
        # A copied or pickled model has no keeper. It gets a hook that does nothing and that loads without
        # this package; of plain Python's callables this one takes anything and returns None.
        return getattr, (nullcontext(), "__exit__")


def _are_idle(hooks: Mapping[int, object]) -> bool:
    """Whether these hooks are ours, or what is left of ours in a copy."""
    return all(
        isinstance(hook, _Hook) or getattr(hook, "__func__", None) is nullcontext.__exit__
        for hook in hooks.values()
    )


def _is_indifferent(module: nn.Module) -> bool:
    """Whether the module computes the same in evaluation mode, as far as can be told: if in doubt not.

    It is in evaluation mode already, or it is of a class no function of which names `training`, as those of
    dropout, batch normalisation and recurrent networks do. Dropout of nothing is let through. Hooks of others
    and a forward of the instance's own could do anything.
    """
    if module._forward_pre_hooks or (module._forward_hooks and not _are_idle(module._forward_hooks)):
        return False
    if not module.training:
        return True
    if _reads_mode(type(module)):
        return isinstance(module, nn.modules.dropout._DropoutNd) and module.p == 0
    return "forward" not in module.__dict__


@lru_cache(maxsize=1024)
def _reads_mode(kind: type[nn.Module]) -> bool:
    """Whether a class of modules may look at its mode."""
    if not hasattr(inspect.unwrap(kind.forward), "__code__"):
        return True
    bases = [base for base in kind.__mro__ if base not in (nn.Module, object)]
    return any(_names_mode(value) for base in bases for value in vars(base).values())


def _names_mode(value: Any) -> bool:
    if isinstance(value, property):
        value = value.fget
    value = inspect.unwrap(getattr(value, "__func__", value))
    code = value if isinstance(value, CodeType) else getattr(value, "__code__", None)
    if not isinstance(code, CodeType):
        return False
    return "training" in (*code.co_names, *code.co_consts) or any(
        isinstance(part, CodeType) and _names_mode(part) for part in code.co_consts
    )


def _marks(
    arguments: tuple[Any, ...], keywords: dict[str, Any], parts: Parts, logits: Tensor
) -> object | None:
    """What is another after a write to any of the tensors or a change of modules; None where that cannot be told."""
    tensors = (*arguments, *keywords.values(), *parts.tensors, logits)
    try:
        # By lists of one kind: a loop in Python would cost more than all else here.
        marks = [*map(id, tensors)], [*map(_writes, tensors)], [*map(Tensor.data_ptr, tensors)]
    # Inputs that are no tensors; tensors that count no writes (of inference mode) or have no memory.
    except (AttributeError, RuntimeError, TypeError):
        return None
    return len(arguments), tuple(keywords), [*map(id, parts.modules)], marks
