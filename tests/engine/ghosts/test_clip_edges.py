"""`RadiusClip` with what trainings bring along: closures, scalers, half precision, wrappers, broken numbers."""

import copy
import math
from typing import Any

import pytest
import torch
from torch import nn

from anisoscope.engine.ghosts import InvalidClipSetting, InvalidModelOutput, InvalidOptimizer, RadiusClip


@pytest.fixture(autouse=True)
def _keep_the_generator():
    with torch.random.fork_rng():
        torch.manual_seed(4)
        yield


def network(**kind: Any) -> nn.Sequential:
    return nn.Sequential(nn.Linear(6, 9, **kind), nn.Tanh(), nn.Linear(9, 4, **kind))


X, Y = torch.linspace(-2, 2, 96).sin().view(16, 6), torch.arange(16) % 4


def backward(model: nn.Module) -> torch.Tensor:
    model.zero_grad()
    loss = nn.functional.cross_entropy(model(X), Y)
    loss.backward()
    return loss


def values(model: nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().float().flatten() for p in model.parameters()])


def reach(model: nn.Module, start: nn.Module) -> float:
    with torch.no_grad():
        change = model(X).double() - start(X).double()
    return (change.amax(-1) - change.amin(-1)).max().item() / math.pi


@pytest.mark.parametrize("mode", ["cap", "set", "monitor"])
@pytest.mark.parametrize("broken", [math.nan, math.inf])
def test_a_step_that_is_not_finite_is_undone_and_told(mode, broken):
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    clip = RadiusClip(model, optimizer, mode=mode)
    backward(model)
    clip.step(X)
    backward(model)
    model[0].weight.grad[2, 3] = broken
    start = values(model)
    last = clip.step(X)
    assert last.normalized_step == math.inf and "not finite" in last.reason and last.measured
    assert last.refused == (mode != "monitor")
    if mode == "monitor":
        assert not values(model).isfinite().all()
    else:
        assert torch.equal(values(model), start)
        assert (last.scale, last.normalized_step_taken) == (0, 0)
    # The moments are as the optimizer left them.
    assert optimizer.state[model[2].weight]["step"] == 2
    assert not optimizer.state[model[0].weight]["exp_avg"].isfinite().all()


@pytest.mark.parametrize("backend", ["auto", "jvp"])
@pytest.mark.parametrize("mode", ["cap", "monitor"])
def test_logits_that_are_not_finite_are_told(mode, backend):
    model = network()
    clip = RadiusClip(model, torch.optim.SGD(model.parameters(), lr=0.1), mode=mode, backend=backend)
    for _ in range(2):
        backward(model)
        clip.step(X)
    backward(model)
    broken = X.clone()
    broken[3, 0] = math.nan
    start = values(model)
    last = clip.step(broken)
    assert "[3]" in last.reason and last.refused == (mode == "cap")
    assert torch.equal(values(model), start) == (mode == "cap")
    backward(model)
    assert not clip.step(X).refused and clip.last is not None and clip.last.reason == ""


def test_closure():
    model = network()
    optimizer = torch.optim.LBFGS(model.parameters(), lr=1.0, max_iter=4)
    clip = RadiusClip(model, optimizer, target=0.05)
    loss = backward(model).item()
    for _ in range(5):
        start = copy.deepcopy(model)
        last = clip.step(X, closure=lambda: backward(model).item())
        assert reach(model, start) <= 0.05 * 1.05
    assert last.loss < loss


def test_gradient_scaler_under_autocast():
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=30.0)
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
    clip = RadiusClip(model, optimizer)
    for step in range(4):
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            loss = nn.functional.cross_entropy(model(X), Y)
            scaler.scale(loss).backward()
            if step == 2:
                model[0].bias.grad[0] = math.inf
            start = copy.deepcopy(model)
            last = clip.step(X, scaler=scaler)
        scaler.update()
        assert last.skipped == (step == 2) and not last.refused
        if step == 2:
            assert torch.equal(values(model), values(start))
            assert (last.step_norm, last.normalized_step, last.scale) == (0, 0, 1)
        elif step == 0:
            # Probed in float32 outside autocast: bfloat16 would be off by percents.
            assert last.clipped and last.backend == "jvp"
    assert scaler.get_scale() == 4.0


@pytest.mark.parametrize("mode", ["cap", "monitor"])
def test_a_fused_step_that_the_scaler_leaves_out(mode):
    """The fused optimizer runs and leaves its weights by itself; the next step is measured in its place."""
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0, fused=True)
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
    clip = RadiusClip(model, optimizer, mode=mode, every=2)
    found = []
    for step in range(5):
        optimizer.zero_grad()
        scaler.scale(nn.functional.cross_entropy(model(X), Y)).backward()
        if step == 2:
            model[0].bias.grad[0] = math.inf
        start = values(model)
        found.append(clip.step(X, scaler=scaler))
        assert torch.equal(values(model), start) == (step == 2)
        scaler.update()
    assert [last.skipped for last in found] == [False, False, True, False, False]
    assert [last.measured for last in found] == [True, False, True, True, False]
    assert found[2].step_norm == 0 and found[3].step_norm > 0


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_measured_in_single(dtype):
    model = network(dtype=dtype)
    optimizer = torch.optim.SGD(model.parameters(), lr=2.0)
    clip = RadiusClip(model, optimizer)
    for _ in range(4):
        model.zero_grad()
        nn.functional.cross_entropy(model(X.to(dtype)).float(), Y).backward()
        start = copy.deepcopy(model).float()
        last = clip.step(X.to(dtype))
        assert last.normalized_step_taken <= 1 + 1e-6
        # The weights round what they are given.
        assert reach(copy.deepcopy(model).float(), start) <= 1.1
        assert all(p.dtype == dtype for p in model.parameters())
    assert last.backend == "forward_difference"


def test_frozen_and_tied_parameters_and_groups():
    model = nn.Sequential(nn.Linear(6, 6), nn.Tanh(), nn.Linear(6, 6), nn.Linear(6, 4))
    model[2].weight = model[0].weight
    model[3].weight.requires_grad_(False)
    groups = [{"params": [model[0].weight]}, {"params": [model[3].weight, model[3].bias], "lr": 5.0}]
    optimizer = torch.optim.SGD(groups, lr=20.0)
    clip = RadiusClip(model, optimizer, target=0.1)
    frozen = model[3].weight.detach().clone()
    for _ in range(3):
        backward(model)
        start = copy.deepcopy(model)
        last = clip.step(X)
        assert last.clipped and reach(model, start) == pytest.approx(0.1, rel=0.1)
    assert torch.equal(model[3].weight, frozen)
    # A group added later counts.
    optimizer.add_param_group({"params": [model[2].bias], "lr": 1e4})
    backward(model)
    start = copy.deepcopy(model)
    last = clip.step(X)
    assert last.normalized_step > 10 and reach(model, start) == pytest.approx(0.1, rel=0.1)


def test_a_group_added_later_is_measured_at_once():
    model = network()
    optimizer = torch.optim.SGD(model[0].parameters(), lr=0.1)
    clip = RadiusClip(model, optimizer, every=10)
    measured = []
    for step in range(4):
        if step == 2:
            optimizer.add_param_group({"params": list(model[2].parameters()), "lr": 1e-3})
        backward(model)
        measured.append(clip.step(X).measured)
    assert measured == [True, False, True, False]


def test_masked_classes_do_not_count():
    class Masked(nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x).masked_fill(torch.tensor([False, False, True, False]), -torch.inf)

    model = Masked(6, 4)
    clip = RadiusClip(model, torch.optim.SGD(model.parameters(), lr=50.0))
    for _ in range(3):
        model.zero_grad()
        nn.functional.cross_entropy(model(X), Y.where(Y != 2, 1)).backward()
        with torch.no_grad():
            before = model(X)[:, [0, 1, 3]]
            last = clip.step(X)
            change = model(X)[:, [0, 1, 3]] - before
        assert not last.refused
        assert (change.amax(-1) - change.amin(-1)).max().item() / math.pi == pytest.approx(
            last.normalized_step_taken, rel=1e-3
        )


class Compilable(nn.Module):
    """`nn.Sequential` itself is not compiled in place."""

    def __init__(self):
        super().__init__()
        self.body = network()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 2 * self.body(x)


@pytest.mark.parametrize("how", ["wrapped", "in place", "inside"])
def test_compiled_models_are_probed_uncompiled(how):
    torch.compiler.reset()
    model = Compilable()
    compilations: list[int] = []

    def compiler(graph: Any, _: Any) -> Any:
        compilations.append(1)
        return graph.forward

    called: nn.Module = model
    if how == "wrapped":
        called = torch.compile(model, backend=compiler)
    elif how == "in place":
        model.compile(backend=compiler)
    else:
        model.body = torch.compile(model.body, backend=compiler)
    clip = RadiusClip(called, torch.optim.SGD(called.parameters(), lr=9.0))
    backward(called)
    count = len(compilations)
    for _ in range(3):
        assert not clip.step(X).refused
        backward(called)
    assert len(compilations) == count > 0
    assert clip.last is not None and clip.last.clipped


BAD = {
    "target": (0, -1.0, math.nan, math.inf, "1"),
    "mode": ("clip", None),
    "kind": ("exact", "ρ"),
    "backend": ("dual",),
    "reduction": (0, 1.0, 1.5, "max", math.nan),
    "every": (0, -3, 1.5, True),
    "samples": ("all", 3, iter([X])),
}


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, values in BAD.items() for v in values])
def test_settings_outside_what_is_allowed(name, value):
    model = network()
    with pytest.raises(InvalidClipSetting, match=name) as refusal:
        RadiusClip(model, torch.optim.SGD(model.parameters(), lr=0.1), **{name: value})
    assert repr(value) in str(refusal.value)


@pytest.mark.parametrize("mode", ["cap", "monitor"])
def test_models_and_optimizers_that_do_not_fit(mode):
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(InvalidOptimizer, match="not the model's"):
        RadiusClip(network(), optimizer)
    whole = nn.Linear(6, 4)
    whole.register_parameter("count", nn.Parameter(torch.zeros(2, dtype=torch.int64), requires_grad=False))
    with pytest.raises(InvalidOptimizer, match="int64"):
        RadiusClip(whole, torch.optim.SGD(whole.parameters(), lr=0.1))
    folded = nn.Sequential(model, nn.Unflatten(1, (2, 2)))
    start = values(model)
    for bad, inputs, words in ((folded, X, r"\(batch, classes\)"), (model, X[:0], "empty")):
        backward(model)
        with pytest.raises(InvalidModelOutput, match=words):
            RadiusClip(bad, optimizer, mode=mode).step(inputs)
        assert torch.equal(values(model), start)


def test_arguments_of_a_step_that_do_not_fit():
    model = nn.Sequential(network(), nn.Dropout(0.5))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    backward(model)
    with pytest.raises(InvalidModelOutput, match="logits: they differ"):
        RadiusClip(model, optimizer).step(X, logits=model(X).detach())
    backward(model)
    with pytest.raises(InvalidModelOutput, match=r"logits must have shape \(16, 4\), not \(3, 4\)"):
        RadiusClip(model, optimizer).step(X, logits=torch.zeros(3, 4))
    with pytest.raises(InvalidClipSetting, match="scaler"):
        RadiusClip(model, optimizer).step(X, closure=lambda: 0, scaler=torch.amp.GradScaler("cpu"))
    with pytest.raises(InvalidClipSetting, match="logits"):
        RadiusClip(model, optimizer, samples=[X]).step(X, logits=torch.zeros(16, 4))


def test_samples_without_a_batch_are_named():
    model = network()
    clip = RadiusClip(model, torch.optim.SGD(model.parameters(), lr=0.1), samples=[])
    backward(model)
    start = values(model)
    with pytest.raises(InvalidClipSetting, match="samples: no batch came; at least one is needed"):
        clip.step()
    assert torch.equal(values(model), start)
