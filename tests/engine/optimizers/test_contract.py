"""What every matrix optimiser must keep: gradients, states, batches, symmetries; and that Adam fails the symmetry."""

import copy
import io
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from anisoscope.engine.optimizers import (
    Aro,
    Fismo,
    InvalidGradient,
    InvalidOption,
    InvalidParameter,
    Lanton,
    Muon,
    PolarGrad,
    Shampoo,
    Soap,
)

Factory = Callable[..., torch.optim.Optimizer]
FACTORIES: dict[str, Factory] = {
    "muon": lambda params, **o: Muon(params, **{"lr": 0.02, "weight_decay": 0.1, **o}),
    "muon_svd": lambda params, **o: Muon(params, **{"lr": 0.02, "orthogonalizer": "svd", **o}),
    "muon_corrected": lambda params, **o: Muon(params, **{"lr": 0.02, "bias_correction": True, **o}),
    "polargrad": lambda params, **o: PolarGrad(params, **{"lr": 1e-3, "momentum": 0.9, **o}),
    "polargrad_first": lambda params, **o: PolarGrad(
        params, **{"lr": 1e-3, "momentum": 0.9, "polar_first": True, **o}
    ),
    "shampoo": lambda params, **o: Shampoo(params, **{"lr": 0.02, "momentum": 0.9, **o}),
    "shampoo_averaged": lambda params, **o: Shampoo(
        params, **{"lr": 0.02, "beta2": 0.9, "precondition_frequency": 2, **o}
    ),
    "soap": lambda params, **o: Soap(params, **{"lr": 0.02, "precondition_frequency": 2, **o}),
    "fismo": lambda params, **o: Fismo(params, **{"lr": 0.02, **o}),
    "fismo_scale_free": lambda params, **o: Fismo(params, **{"lr": 0.02, "scale_free": True, **o}),
    "lanton": lambda params, **o: Lanton(params, **{"lr": 0.02, **o}),
    "aro": lambda params, **o: Aro(params, **{"lr": 0.02, "weight_decay": 0.1, **o}),
}
EQUIVARIANT = [name for name in FACTORIES if name not in ("soap", "aro")]
SHAPES = [(6, 4), (4, 6), (6, 4), (5, 5)]
every = pytest.mark.parametrize("factory", FACTORIES.values(), ids=FACTORIES.keys())


def gaussian(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def parameters(dtype: torch.dtype = torch.float64) -> list[torch.nn.Parameter]:
    return [torch.nn.Parameter(gaussian(*shape, seed=i).to(dtype)) for i, shape in enumerate(SHAPES)]


def drive(optimizer: torch.optim.Optimizer, params: list[torch.nn.Parameter], seeds: range) -> None:
    for seed in seeds:
        for i, p in enumerate(params):
            p.grad = gaussian(*p.shape, seed=100 * seed + i).to(p.dtype)
        optimizer.step()


@every
def test_gradients_are_never_changed(factory: Factory) -> None:
    params = parameters()
    optimizer = factory(params)
    for seed in range(4):
        drive(optimizer, params, range(seed, seed + 1))
        for i, p in enumerate(params):
            assert p.grad is not None and torch.equal(p.grad, gaussian(*p.shape, seed=100 * seed + i))


@every
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16], ids=str)
def test_state_dict_round_trip_in_mid_run(factory: Factory, dtype: torch.dtype) -> None:
    straight, stopped = parameters(dtype), parameters(dtype)
    optimizer, before = factory(straight), factory(stopped)
    drive(optimizer, straight, range(12))
    drive(before, stopped, range(5))
    file = io.BytesIO()
    torch.save({"optimizer": before.state_dict(), "weights": stopped}, file)
    file.seek(0)
    saved = torch.load(file, weights_only=False)
    after = factory(saved["weights"])
    after.load_state_dict(saved["optimizer"])
    drive(after, saved["weights"], range(5, 12))
    for a, b in zip(straight, saved["weights"], strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(straight[0], stopped[0])


@every
@pytest.mark.parametrize(
    ("old", "new"), [(torch.float32, torch.float64), (torch.float64, torch.float32)], ids=str
)
def test_a_state_moves_to_parameters_of_another_dtype(
    factory: Factory, old: torch.dtype, new: torch.dtype
) -> None:
    # what the new optimiser keeps in float64 stays float64, what it keeps in the parameter's dtype follows it
    before, after, alike = parameters(old), parameters(new), parameters(new)
    first, second, third = factory(before), factory(after), factory(alike)
    drive(first, before, range(3))
    second.load_state_dict(first.state_dict())
    drive(second, after, range(3, 5))
    drive(third, alike, range(5))
    for p, other in zip(after, alike, strict=True):
        for key, value in third.state[other].items():
            if isinstance(value, Tensor):
                assert second.state[p][key].dtype == value.dtype, key
        assert torch.isfinite(p).all() and not torch.equal(p, parameters(new)[0])


@every
def test_sparse_gradients_are_refused(factory: Factory) -> None:
    params = parameters()
    optimizer = factory(params)
    params[1].grad = torch.eye(4, 6, dtype=torch.float64).to_sparse()
    with pytest.raises(InvalidGradient, match="a gradient is sparse: dense ones are needed"):
        optimizer.step()
    assert torch.equal(params[1], parameters()[1]) and not optimizer.state


SCALE_LAWS = {
    # gradients times 1024: the change of the weights times this
    "muon": 1,
    "muon_svd": 1,
    "muon_corrected": 1,
    "polargrad": 1024,
    "polargrad_first": 1024,
    "shampoo": 1,
    "shampoo_averaged": 1,
    "soap": 1,
    "fismo_scale_free": 1,
    "aro": 1,
}


@pytest.mark.parametrize("name", SCALE_LAWS)
def test_scale_laws(name: str) -> None:
    options: dict[str, Any] = {"weight_decay": 0.0, **({"eps": 1e-30} if name == "soap" else {})}
    # square and well conditioned: SOAP's frame has no null direction then, where it divides noise by noise
    gradients = [torch.diag(torch.arange(2.0, 6.0).double()) + 0.1 * gaussian(4, 4, seed=s) for s in range(3)]
    changes = []
    for factor in (1, 1024):
        W = torch.nn.Parameter(torch.zeros(4, 4).double())
        optimizer = FACTORIES[name]([W], **options)
        for G in gradients:
            W.grad = factor * G
            optimizer.step()
        changes.append(W.detach())
    expected = SCALE_LAWS[name] * changes[0]
    assert expected.abs().max() > 1e-3
    torch.testing.assert_close(changes[1], expected, rtol=0, atol=1e-9 * float(expected.abs().max()))


@pytest.mark.parametrize("name", ["fismo", "lanton"])
def test_those_that_see_the_scale(name: str) -> None:
    first, second = (torch.nn.Parameter(torch.zeros(4, 4).double()) for _ in range(2))
    a, b = FACTORIES[name]([first], weight_decay=0.0), FACTORIES[name]([second], weight_decay=0.0)
    for seed in range(3):
        first.grad, second.grad = gaussian(4, 4, seed=seed), 1024 * gaussian(4, 4, seed=seed)
        a.step()
        b.step()
    seen = (first - second).abs().max() > 1e-3
    # LANTON of a single layer is compared with itself alone: its rate cancels
    assert bool(seen) == (name == "fismo")


@pytest.mark.parametrize("name", [name for name in FACTORIES if name != "lanton"])
def test_a_batch_moves_as_each_alone(name: str) -> None:
    # LANTON compares its layers: there a batch is not the sum of its parts
    factory = FACTORIES[name]
    together, alone = parameters(), parameters()
    drive(factory(together), together, range(3))
    optimizers = [factory([p]) for p in alone]
    for seed in range(3):
        for i, (optimizer, p) in enumerate(zip(optimizers, alone, strict=True)):
            p.grad = gaussian(*p.shape, seed=100 * seed + i)
            optimizer.step()
    for a, b in zip(together, alone, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


@every
def test_frozen_parameters_stay(factory: Factory) -> None:
    params = parameters()
    params[0].requires_grad_(False)
    before = params[0].detach().clone()
    optimizer = factory(params)
    for p in params[1:]:
        p.grad = gaussian(*p.shape)
    optimizer.step()
    assert torch.equal(params[0], before) and params[0] not in optimizer.state
    # one that thaws later starts its own count
    params[0].grad = gaussian(6, 4)
    optimizer.step()
    assert optimizer.state[params[0]]["step"] == 1 and optimizer.state[params[1]]["step"] == 2


@every
def test_closure_and_hooks(factory: Factory) -> None:
    params = parameters()
    optimizer, seen = factory(params), []
    optimizer.register_step_pre_hook(lambda *_: seen.append("pre"))
    optimizer.register_step_post_hook(lambda *_: seen.append("post"))

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = sum((p.square().sum() for p in params), torch.tensor(0.0))
        loss.backward()
        return loss

    first, *_, last = [optimizer.step(closure) for _ in range(5)]
    assert last is not None and first is not None
    assert float(last.detach()) < float(first.detach())
    assert seen == ["pre", "post"] * 5


@every
def test_groups_have_their_own_options(factory: Factory) -> None:
    params = parameters()
    before = params[1].detach().clone()
    optimizer = factory([{"params": params[:1]}, {"params": params[1:], "lr": 0.0, "weight_decay": 0.5}])
    drive(optimizer, params, range(3))
    assert torch.equal(params[1], before) and not torch.equal(params[0], parameters()[0])


@every
def test_same_start_same_bits(factory: Factory) -> None:
    first, second = parameters(torch.float32), parameters(torch.float32)
    drive(factory(first), first, range(5))
    drive(factory(second), second, range(5))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


@every
def test_learning_rate_schedules(factory: Factory) -> None:
    params = parameters()
    optimizer = factory(params)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.0)
    drive(optimizer, params, range(2))
    schedule.step()
    before = [p.detach().clone() for p in params]
    drive(optimizer, params, range(2, 4))
    assert all(torch.equal(a, b) for a, b in zip(before, params, strict=True))


@every
def test_refusals(factory: Factory) -> None:
    params = parameters()
    with pytest.raises(InvalidOption, match=r"lr is inf: a finite number of at least 0"):
        factory(params, lr=math.inf)
    with pytest.raises(InvalidOption, match=r"weight_decay is -0.1"):
        factory(params, weight_decay=-0.1)
    with pytest.raises(InvalidParameter, match=r"parameter 0 of group 0 has shape \(3,\).*matrix=False"):
        factory([torch.nn.Parameter(torch.zeros(3))])
    with pytest.raises(InvalidParameter, match="complex64"):
        factory([torch.nn.Parameter(torch.zeros(3, 2, dtype=torch.complex64))])
    optimizer = factory(params)
    drive(optimizer, params, range(2))
    before = copy.deepcopy((params, optimizer.state_dict()["state"]))
    params[2].grad = torch.full((6, 4), math.inf, dtype=torch.float64)
    with pytest.raises(InvalidGradient, match=r"parameter 2 of group 0 has 24 entries"):
        optimizer.step()
    assert all(torch.equal(a, b) for a, b in zip(before[0], params, strict=True))
    assert optimizer.state_dict()["state"].keys() == before[1].keys()


@every
def test_zero_gradients_at_the_start_move_nothing(factory: Factory) -> None:
    params = parameters()
    optimizer = factory(params, weight_decay=0.0)
    for _ in range(3):
        for p in params:
            p.grad = torch.zeros_like(p)
        optimizer.step()
    for p, start in zip(params, parameters(), strict=True):
        torch.testing.assert_close(p, start, rtol=0, atol=1e-12)


def equivariance_error(factory: Factory, **options: Any) -> float:
    """‖W(U G Vᵀ) − U W(G) Vᵀ‖/‖change of W‖ after three steps from the rotated start."""
    left = torch.linalg.qr(gaussian(7, 7, seed=50))[0]
    right = torch.linalg.qr(gaussian(5, 5, seed=51))[0]
    start = gaussian(7, 5, seed=52)
    plain, turned = torch.nn.Parameter(start.clone()), torch.nn.Parameter(left @ start @ right.mT)
    a, b = factory([plain], **options), factory([turned], **options)
    for seed in range(3):
        plain.grad = gaussian(7, 5, seed=60 + seed)
        turned.grad = left @ plain.grad @ right.mT
        a.step()
        b.step()
    difference = turned.detach() - left @ plain.detach() @ right.mT
    return float(difference.norm() / (plain.detach() - start).norm())


@pytest.mark.parametrize("name", EQUIVARIANT)
def test_equivariance(name: str) -> None:
    assert equivariance_error(FACTORIES[name]) < 1e-12


def test_aro_is_not_equivariant() -> None:
    # its frame starts at the coordinate axes
    assert equivariance_error(FACTORIES["aro"]) > 0.1


def test_adam_fails_equivariance() -> None:
    # a check that Adam passes is broken: its frame is the coordinate axes
    assert equivariance_error(lambda params: torch.optim.Adam(params, lr=0.02)) > 0.3


@pytest.mark.parametrize("shape", [(0, 3), (3, 0)])
@every
def test_a_matrix_without_entries_stays(factory: Factory, shape: tuple[int, int]) -> None:
    empty, full = torch.nn.Parameter(torch.zeros(shape)), torch.nn.Parameter(gaussian(4, 3))
    before = full.detach().clone()
    optimizer = factory([empty, full])
    for seed in range(3):
        empty.grad, full.grad = torch.zeros(shape), gaussian(4, 3, seed=seed)
        optimizer.step()
    assert empty.shape == shape
    assert not torch.equal(full, before)
