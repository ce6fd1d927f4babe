"""An optimizer's step, measured against the radius of the loss's Taylor series and shortened to it."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from .clip_agreement import largest
from .clip_probe import RadiusProbe, StartLogits
from .clip_settings import ClipSettings, bare_module
from .clip_step import Advance, ClipStep, advance
from .clip_training_logits import TrainingLogits
from .clip_weights import StepWeights
from .errors import InvalidClasses, InvalidClipSetting, NonFiniteOutput
from .step import named_parameters

# Between two measurements a step this many times longer than the last measured one is measured at once.
_JUMP = 2.0


class _Found(NamedTuple):
    """ρ along a step; a radius of 0 goes with the reason why there is none."""

    radius: float
    bottleneck_index: int = -1
    backend: str = "none"
    reason: str = ""
    reused: bool = False


class RadiusClip:
    """Takes an optimizer's steps, each no longer than `target` radii of the loss's Taylor series.

    Sao (2026), arXiv:2603.13552, proposition 5.2, on the optimizer's actual update: `step` lets the optimizer
    step from θ to θ', takes p = θ' - θ with all momentum and weight decay in it, measures ρ along p/‖p‖ at θ
    and puts the weights to θ + s·p. Moments, gradients and buffers stay as the optimizer and the network left
    them. To first order r = ‖p‖/ρ = 1 moves the log-odds of the worst sample by π; it is a trust region,
    no promise that the loss goes down.

    Modes: "cap" shortens, s = min(1, target·ρ/‖p‖). "set" gives every step that length, s = target·ρ/‖p‖,
    whatever the learning rate; it does not come to rest by itself, lower the target for that. "monitor"
    measures only: weights, buffers and random numbers are bit by bit those of the run without it.

    A step with values that are not finite, or along which the logits or slopes are not, is undone and
    reported in `last`, except in mode "monitor", which reports it and leaves it.

    The radius holds for the network in evaluation mode, see `logit_jvp`. After a cap r ≤ target(1 + 1e-6) by
    the measured radius; weights of half precision round what they are given.

    Args:
        model: module whose output is (batch, classes). The modules inside `torch.compile` and
            `DistributedDataParallel` are probed as they are.
        optimizer: any `torch.optim.Optimizer` of parameters of the model.
        target: r at most ("cap") or always ("set").
        mode: "cap", "set" or "monitor".
        kind: radius, "bound" (ρ_a, the paper's) or "margin" (ρ_m, ours: longer steps, less slack).
        reduction: "min" over the samples, or q: the radius that the part q of the samples keeps, as 0.99.
        samples: "batch", the inputs given to `step`; a tensor or a dictionary, one other batch; or an
            iterable of batches, gone through anew at each measurement.
        every: a measurement each so many steps. In between, "cap" and "set" use the last radius, and measure
            at once where ‖p‖ is over twice that of the last measurement.
        backend: "auto" is "forward_difference": radii to near 1e-3 for one pass forward, where the logits of
            training's own pass can be taken for the other, and two where not. "jvp" and "finite_difference"
            are those of `logit_jvp`, exact and dearer.
        on_step: called with each measured `ClipStep`.
        process_group: where `torch.distributed` runs, the processes whose smallest radius counts: one scalar
            is reduced a measurement. All must step alike, as data-parallel training does.
        reuse: whether the logits of training's own pass may be taken, see `TrainingLogits`. It costs a
            forward hook on the model, and its output is held until the step.

    Raises:
        InvalidClipSetting: on a setting outside what is allowed.
        InvalidOptimizer: on parameters that are not the model's or not real numbers.

    >>> model = nn.Linear(1, 2, bias=False)
    >>> _ = nn.init.zeros_(model.weight)
    >>> clip = RadiusClip(model, torch.optim.SGD(model.parameters(), lr=1.0))
    >>> model.weight.grad = torch.tensor([[-3.0], [4.0]])
    >>> last = clip.step(torch.ones(1, 1))  # the log-odds would move by 3 + 4 nats
    >>> round(last.normalized_step * math.pi, 4), round(last.scale * 7, 4), last.clipped
    (7.0, 3.1416, True)
    """

    last: ClipStep | None = None
    """What the latest step found."""

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        target: float = 1.0,
        mode: str = "cap",
        kind: str = "bound",
        reduction: str | float = "min",
        samples: object = "batch",
        every: int = 1,
        backend: str = "auto",
        on_step: Callable[[ClipStep], None] | None = None,
        process_group: Any = None,
        reuse: bool = True,
    ):
        self.settings = ClipSettings(target, mode, kind, reduction, samples, every, backend)
        self.model, self.optimizer = bare_module(model), optimizer
        self._listeners = [] if on_step is None else [on_step]
        self._group = process_group
        self._count, self._measured_at = 0, 0
        self._training = TrainingLogits(self.model)
        # Of other samples training makes no pass, and of a wrapper that compiles none that is seen.
        self._wants_reuse = reuse and isinstance(samples, str) and not hasattr(model, "_orig_mod")
        self._prepare()

    def _prepare(self) -> None:
        names = named_parameters(self.model, self.optimizer)
        self._held = self._groups()
        # ‖p‖ and what was found at the last measurement of a step that moved; of other weights it says nothing.
        self._reference: tuple[float, _Found] | None = None
        self._weights = StepWeights(list(names.values()))
        self._may_reuse = self._wants_reuse and not self._weights.are_lifted
        self._probe = RadiusProbe(self.model, list(names), self.settings.kind, self.settings.backend)
        self._expect(False)

    def _expect(self, are_handed_in: bool) -> None:
        """Has the next pass of training kept, where its logits may save one; not for users who hand them in."""
        if self._may_reuse and not are_handed_in and self._is_due() and self._probe.takes_training_logits:
            self._training.watch()
        else:
            self._training.end()

    def _is_due(self) -> bool:
        return self._reference is None or self._count - self._measured_at >= self.settings.every

    def _groups(self) -> list[int]:
        return [len(group["params"]) for group in self.optimizer.param_groups]

    def step(
        self,
        inputs: object = None,
        closure: Callable[[], Any] | None = None,
        scaler: Any = None,
        logits: Tensor | None = None,
    ) -> ClipStep:
        """One step of the optimizer, measured and scaled.

        Args:
            inputs: of the network, as for `logit_jvp`; not needed where `samples` are given.
            closure: passed to the optimizer's step.
            scaler: a `torch.amp.GradScaler`, whose step is then taken; `update` stays with the caller.
            logits: the network's output for these inputs at the present weights, where it is at hand and the
                same in evaluation mode; saves a pass forward. Training's own are not looked for in the pass after.

        Raises:
            InvalidModelOutput: on an output that is not a (batch, classes) table of at least one sample; the
                weights are then those before the step.
            InvalidClipSetting: on a closure together with a scaler, logits of other samples than the batch,
                or `samples` without a batch.
        """
        if closure is not None and scaler is not None:
            raise InvalidClipSetting("closure: a gradient scaler takes none; allowed is one of the two")
        if logits is not None and not isinstance(self.settings.samples, str):
            raise InvalidClipSetting("logits: allowed with samples='batch' only, whose inputs they belong to")
        if self._groups() != self._held:
            self._prepare()
        if self.last is not None and self.settings.mode == "monitor" and not self._is_due():
            self.last = last = self._passed_over(self.last, advance(self.optimizer, closure, scaler))
        else:
            if self._weights.are_of_other_kinds():
                self._prepare()
            self.last = last = self._looked_at(inputs, closure, scaler, logits)
        self._count += 1
        self._expect(logits is not None)
        if last.measured:
            for listener in tuple(self._listeners):
                listener(last)
        return last

    def _passed_over(self, last: ClipStep, taken: Advance) -> ClipStep:
        """Of a step that was not looked at: what the one before it found."""
        # By place, which is faster than by name: this is all that most steps of a monitor cost.
        return ClipStep(
            *(self._count, math.nan, last.radius, math.nan, math.nan, last.scale, last.clipped),
            *(last.bottleneck_index, False, last.refused, taken.skipped, last.backend, last.reason),
            *(taken.loss, False),
        )

    def _looked_at(
        self, inputs: object, closure: Callable[[], Any] | None, scaler: Any, logits: Tensor | None
    ) -> ClipStep:
        # Before the optimizer writes to the weights that they belong to.
        start = self._start_logits(inputs, logits)
        # As `torch.no_grad`, in half its time.
        with torch.set_grad_enabled(False):
            self._weights.begin()
        taken = advance(self.optimizer, closure, scaler)
        with torch.set_grad_enabled(False):
            norm = self._weights.finish()
            kept = self._kept(norm)
            found = self._measured(inputs, norm, start) if kept is None else kept
            return self._settled(norm, found, kept is None, taken)

    def _start_logits(self, inputs: object, logits: Tensor | None) -> StartLogits | None:
        kept = self._training.take(inputs)
        if logits is not None:
            return StartLogits(logits.detach(), handed_in=True)
        return None if kept is None else StartLogits(kept[0], False, kept[1])

    def observe(self, listener: Callable[[ClipStep], None]) -> Callable[[], None]:
        """Calls listener with each measured `ClipStep` from now on; what is returned ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _kept(self, norm: float) -> _Found | None:
        """The last measurement, where it may stand for a step of this length and none is due."""
        if self._is_due() or self._reference is None or not norm <= _JUMP * self._reference[0]:
            return None
        return self._reference[1]

    def _measured(self, inputs: object, norm: float, start: StartLogits | None) -> _Found:
        """The radius all processes agree on; where it cannot be had the weights go back to where they were."""
        own = math.inf
        try:
            found = self._local(inputs, norm, start)
            own = 1 / found.radius if found.radius else math.inf
        except BaseException:
            self._weights.to_start()
            raise
        finally:
            # Reduced even where this process raises: the others wait for it.
            agreed, is_own = largest(own, self._weights.device, self._group)
        if agreed == math.inf:
            self._measured_at = self._count
            reason = found.reason or "refused by another process"
            index = found.bottleneck_index if is_own else -1
            return found._replace(radius=0.0, bottleneck_index=index, reason=reason)
        if agreed != own or not is_own:
            index = found.bottleneck_index if is_own else -1
            found = found._replace(radius=1 / agreed if agreed else math.inf, bottleneck_index=index)
        # A step that does not move, as one that a scaler left out, leaves the measurement to the next.
        if norm > 0:
            self._measured_at, self._reference = self._count, (norm, found)
        return found

    def _local(self, inputs: object, norm: float, start: StartLogits | None) -> _Found:
        if not math.isfinite(norm):
            return _Found(0.0, reason="the optimizer's step is not finite")
        if norm == 0:
            return _Found(math.inf)
        try:
            found = [
                self._probe(batch, self._weights, norm, start) for batch in self.settings.batches(inputs)
            ]
        except (NonFiniteOutput, InvalidClasses) as error:
            return _Found(0.0, reason=str(error))
        if not found:
            raise InvalidClipSetting("samples: no batch came; at least one is needed")
        radius, index = found[0].smallest, found[0].bottleneck
        if len(found) > 1 or self.settings.reduction != "min":
            radius, index = self.settings.reduced(torch.cat([batch.radii() for batch in found]))
        last = found[-1]
        return _Found(radius, index if radius < math.inf else -1, last.backend, reused=last.reused)

    def _settled(self, norm: float, found: _Found, measured: bool, taken: Advance) -> ClipStep:
        """Puts the weights where the mode wants them."""
        mode, r = self.settings.mode, norm / found.radius if found.radius else math.inf
        refused = found.radius == 0 and mode != "monitor"
        scale = 1.0
        if refused:
            scale = 0.0
        elif mode != "monitor" and 0 < r < math.inf:
            scale = self.settings.target / r if mode == "set" else min(1.0, self.settings.target / r)
        if scale == 1:
            self._weights.to_end()
        elif scale == 0:
            self._weights.to_start()
        else:
            self._weights.to_fraction(scale)
        return ClipStep(
            step=self._count,
            step_norm=norm,
            radius=found.radius,
            normalized_step=r,
            normalized_step_taken=0.0 if refused else scale * r,
            scale=scale,
            clipped=scale != 1,
            bottleneck_index=found.bottleneck_index,
            measured=measured,
            refused=refused,
            skipped=taken.skipped,
            backend=found.backend,
            reason=found.reason,
            loss=taken.loss,
            reused=measured and found.reused,
        )
