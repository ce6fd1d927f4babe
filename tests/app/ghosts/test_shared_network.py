"""One network, several threads: while one evaluates it at other weights, the others meet its own."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

import pytest
import torch
from torch import Tensor, nn

from anisoscope.app.lenses.ghosts import beyond_state, compare_live, probe, sweep_live
from anisoscope.engine.ghosts import logit_jvp

DIRECTION = {"weight": torch.tensor([[0.6], [-0.8]], dtype=torch.float64)}


class Watched(nn.Linear):
    """Calls somebody in the middle of each forward pass."""

    meanwhile: ClassVar[list[Callable[[], None]]] = []

    def forward(self, input: Tensor) -> Tensor:
        for call in self.meanwhile:
            call()
        return super().forward(input)


@pytest.fixture
def source() -> probe.Probe:
    model = Watched(1, 2, bias=False, dtype=torch.float64).eval()
    inputs = torch.linspace(0.5, 2.0, 4, dtype=torch.float64)[:, None]
    labels = torch.tensor([0, 1, 0, 1])
    z, a, backend = logit_jvp(model, inputs, DIRECTION)
    return probe.Probe(model, DIRECTION, inputs, labels, z, a, backend, math.nan, 0)


def _sweep(one: probe.Probe) -> sweep_live.Sweep:
    swept = sweep_live.Sweep(one, 1.0)
    list(sweep_live.find_radii(swept))
    return swept


COMPUTATIONS: dict[str, Callable[[probe.Probe], object]] = {
    "logits along a step": lambda one: probe.logits_along(one, 0, (0.0, 1.0, 2.0)),
    "claims": probe.ladder,
    "sweep": lambda one: list(sweep_live.find_rows(_sweep(one), 16)),
    "true radius": lambda one: list(beyond_state.find_true(beyond_state.beyond(one, 0, 1.0))),
    "layers": lambda one: list(beyond_state.find_layers(beyond_state.beyond(one, 0, 1.0))),
    "picture": lambda one: list(beyond_state.find_picture(beyond_state.beyond(one, 0, 1.0), 16)),
    "curvature": lambda one: list(compare_live.find_largest(compare_live.Compared(one, _sweep(one)))),
}


@pytest.mark.parametrize("compute", COMPUTATIONS.values(), ids=COMPUTATIONS)
def test_a_computation_leaves_the_weights_to_the_others(
    source: probe.Probe, compute: Callable[[probe.Probe], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = source.kept_model.weight
    seen: list[bool] = []

    def another() -> bool:
        return source.model().weight is kept and not source.kept_model.training

    with ThreadPoolExecutor(1) as other:
        monkeypatch.setattr(Watched, "meanwhile", [lambda: seen.append(other.submit(another).result())])
        compute(source)
    assert seen and all(seen)


def test_a_network_to_run_shares_weights_and_nothing_else() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    model[1].more = [model[0]]  # type: ignore[assignment]
    with torch.inference_mode():
        other = probe.twin(model)
    assert [*map(id, other.parameters())] == [*map(id, model.parameters())]
    assert other.state_dict().keys() == model.state_dict().keys()
    for name, buffer in other.named_buffers():
        assert torch.equal(buffer, model.get_buffer(name)) and not buffer.is_inference()
        buffer += 1
        assert not torch.equal(buffer, model.get_buffer(name)), name
    assert not {*map(id, other.modules())} & {*map(id, model.modules())}
    assert other[1].more == [other[0]], "what a module knows of another goes along"
