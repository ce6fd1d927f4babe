"""Slopes of real networks: exact, traceless, and by which backend."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from anisoscope.engine.ghosts import InvalidDirection, InvalidModelOutput, convergence_radius, logit_jvp


class Masked(nn.Module):
    """The last class is masked."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(6, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x).masked_fill(torch.tensor([False, False, False, True]), -torch.inf)


class Tied(nn.Module):
    """One matrix used twice, under two names."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(6, 6)
        self.second = nn.Linear(6, 6)
        self.second.weight = self.first.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.second(torch.tanh(self.first(x)))


class Transformer(nn.Module):
    """Three tokens of two numbers each through `nn.TransformerEncoder`."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.2, batch_first=True)
        self.embed = nn.Linear(2, 8)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.encoder(self.embed(x.reshape(-1, 3, 2))).mean(1))


MODELS = {
    "mlp": lambda: nn.Sequential(nn.Linear(6, 9), nn.GELU(), nn.Linear(9, 4)),
    "layer norm": lambda: nn.Sequential(nn.Linear(6, 9), nn.LayerNorm(9), nn.Tanh(), nn.Linear(9, 4)),
    "batch norm": lambda: nn.Sequential(nn.Linear(6, 9), nn.BatchNorm1d(9), nn.SiLU(), nn.Linear(9, 4)),
    "dropout": lambda: nn.Sequential(nn.Linear(6, 9), nn.ReLU(), nn.Dropout(0.5), nn.Linear(9, 4)),
    "tied": Tied,
    "transformer": Transformer,
}


def build(name: str, dtype: torch.dtype = torch.float64) -> tuple[Any, Tensor, dict[str, Tensor]]:
    torch.manual_seed(0)
    model = MODELS[name]().to(dtype)
    inputs = torch.randn(7, 6, dtype=dtype)
    model(inputs)  # gives batch normalisation something to remember
    return model, inputs, {n: torch.randn_like(p) for n, p in model.named_parameters()}


def traces(model: nn.Module) -> list[Tensor]:
    state = [tensor.clone() for tensor in model.state_dict().values()]
    return [*state, torch.get_rng_state(), torch.tensor([module.training for module in model.modules()])]


@pytest.fixture(autouse=True)
def _keep_the_generator():
    with torch.random.fork_rng():
        yield


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("backend", ["auto", "finite_difference"])
def test_slopes_are_the_derivative_and_leave_no_trace(name, backend):
    """Against reverse-mode differentiation, logit by logit."""
    model, inputs, direction = build(name)
    next(model.children()).eval()  # a frozen part, in a mode of its own
    before = traces(model)
    found = logit_jvp(model, inputs, direction, backend)
    assert all(torch.equal(b, a) for b, a in zip(before, traces(model), strict=True))
    assert all(p.grad is None for p in model.parameters())
    model.eval()
    z = model(inputs)
    names, parameters = zip(*model.named_parameters(), strict=True)
    truth = torch.zeros_like(z)
    for row in range(z.shape[0]):
        for column in range(z.shape[1]):
            gradients = torch.autograd.grad(z[row, column], parameters, retain_graph=True)
            truth[row, column] = sum((g * direction[n]).sum() for n, g in zip(names, gradients, strict=True))
    torch.testing.assert_close(found.z, z.detach())
    exact = found.backend == "jvp"
    scale = truth.abs().max().item()
    torch.testing.assert_close(found.a, truth, rtol=0, atol=(1e-12 if exact else 1e-7) * scale)
    assert exact == (backend == "auto" and name != "transformer")


def test_forward_mode_alone_refuses_where_a_kernel_has_none():
    model, inputs, direction = build("transformer")
    before = traces(model)
    with pytest.raises(RuntimeError):
        logit_jvp(model, inputs, direction, "jvp")
    assert all(torch.equal(b, a) for b, a in zip(before, traces(model), strict=True))


def test_linear_model_is_exact_and_its_radius_true():
    model = nn.Linear(3, 4, dtype=torch.float64)
    x = torch.randn(5, 3, dtype=torch.float64)
    v = {n: torch.randn_like(p) for n, p in model.named_parameters()}
    for backend, tolerance in (("jvp", 1e-14), ("finite_difference", 1e-9)):
        a = logit_jvp(model, x, v, backend).a
        torch.testing.assert_close(
            a, x @ v["weight"].T + v["bias"], rtol=0, atol=tolerance * a.abs().max().item()
        )
        assert convergence_radius(model(x).detach(), a, "exact").isfinite().all()


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e6])
def test_finite_difference_does_not_care_how_long_the_direction_is(scale):
    model, inputs, direction = build("layer norm")
    scaled = {n: scale * v for n, v in direction.items()}
    exact, found = (logit_jvp(model, inputs, scaled, b).a for b in ("jvp", "finite_difference"))
    torch.testing.assert_close(found, exact, rtol=0, atol=1e-7 * exact.abs().max().item())


def test_missing_and_zero_directions_stand_still():
    model, inputs, direction = build("mlp")
    for nothing in ({}, {n: torch.zeros_like(v) for n, v in direction.items()}):
        for backend in ("jvp", "finite_difference"):
            assert logit_jvp(model, inputs, nothing, backend).a.abs().max() == 0
    part = {"2.bias": direction["2.bias"]}
    torch.testing.assert_close(logit_jvp(model, inputs, part).a, direction["2.bias"].expand(7, 4))


def test_frozen_parameter_moves_when_it_is_told_to():
    model, inputs, direction = build("mlp")
    free = logit_jvp(model, inputs, direction).a
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    torch.testing.assert_close(logit_jvp(model, inputs, direction).a, free)


def test_tied_parameter_goes_by_either_name_but_not_by_both():
    model, inputs, direction = build("tied")
    alias = {"second.weight": direction["first.weight"]}
    torch.testing.assert_close(
        logit_jvp(model, inputs, alias).a,
        logit_jvp(model, inputs, {"first.weight": direction["first.weight"]}).a,
    )
    with pytest.raises(InvalidDirection, match="twice"):
        logit_jvp(model, inputs, {**direction, **alias})


@pytest.mark.parametrize("backend", ["jvp", "finite_difference"])
def test_masked_class_stays_masked_with_slope_zero(backend):
    model = Masked()
    found = logit_jvp(
        model, torch.randn(3, 6), {n: torch.ones_like(p) for n, p in model.named_parameters()}, backend
    )
    assert (found.z[:, 3] == -torch.inf).all()
    assert (found.a[:, 3] == 0).all()
    assert convergence_radius(found.z, found.a).shape == (3,)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("backend", ["jvp", "finite_difference"])
def test_half_precision_is_computed_in_float32(dtype, backend):
    model, inputs, direction = build("mlp", torch.float32)
    half = model.to(dtype)
    found = logit_jvp(half, inputs.to(dtype), {n: v.to(dtype) for n, v in direction.items()}, backend)
    assert found.z.dtype == found.a.dtype == torch.float32
    lifted = {n: v.to(dtype).float() for n, v in direction.items()}
    truth = logit_jvp(half.float(), inputs.to(dtype).float(), lifted, "jvp").a
    torch.testing.assert_close(found.a, truth, rtol=0, atol=1e-5 * truth.abs().max().item())


def test_model_that_insists_on_float32_is_differenced_in_float32():
    """A constant of a fixed type in the middle: float64 fails, a wider step in float32 does it."""

    class Fixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(6, 6)

        def forward(self, x: Tensor) -> Tensor:
            return torch.tanh(self.layer(x)) @ torch.eye(6)

    torch.manual_seed(0)
    model, inputs = Fixed(), torch.randn(5, 6)
    v = {n: torch.randn_like(p) for n, p in model.named_parameters()}
    exact, found = (logit_jvp(model, inputs, v, b).a for b in ("jvp", "finite_difference"))
    torch.testing.assert_close(found, exact, rtol=0, atol=3e-3 * exact.abs().max().item())


def test_inputs_may_be_positional_or_named():
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Bilinear(2, 3, 4)

        def forward(self, left: Tensor, right: Tensor) -> Tensor:
            return self.layer(left, right)

    model = Two()
    left, right = torch.randn(5, 2), torch.randn(5, 3)
    v = {n: torch.randn_like(p) for n, p in model.named_parameters()}
    positional, named = (
        logit_jvp(model, (left, right), v),
        logit_jvp(model, {"left": left, "right": right}, v),
    )
    assert torch.equal(positional.a, named.a)


def test_directions_that_do_not_fit_are_named():
    model, inputs, direction = build("mlp")
    wrongs: list[tuple[Any, str]] = [
        ({"weight": torch.zeros(1)}, "no parameter 'weight'"),
        ({"0.weight": torch.zeros(3)}, "shape"),
        ({"0.bias": 1.0}, "float"),
        ({"0.bias": torch.full((9,), math.nan)}, "NaN"),
    ]
    for wrong, word in wrongs:
        with pytest.raises(InvalidDirection, match=word):
            logit_jvp(model, inputs, wrong)
    model.register_parameter("count", nn.Parameter(torch.zeros(2, dtype=torch.int64), requires_grad=False))
    with pytest.raises(InvalidDirection, match="int64"):
        logit_jvp(model, inputs, {"count": torch.zeros(2)})
    with pytest.raises(ValueError, match="backend"):
        logit_jvp(model, inputs, direction, "dual")


@pytest.mark.parametrize("backend", ["auto", "jvp", "finite_difference"])
def test_outputs_that_are_no_logits_are_refused(backend):
    model, inputs, direction = build("mlp")
    with pytest.raises(InvalidModelOutput, match="empty"):
        logit_jvp(model, inputs[:0], direction, backend)
    with pytest.raises(InvalidModelOutput, match=r"\(batch, classes\)"):
        logit_jvp(model, inputs[0], direction, backend)
    with pytest.raises(InvalidModelOutput, match="inputs finite"):
        logit_jvp(model, inputs * math.nan, direction, backend)
    with torch.no_grad():
        model[2].weight[1, 2] = math.nan
    before = traces(model)
    with pytest.raises(ValueError, match=r"not finite in \['2.weight'\]"):
        logit_jvp(model, inputs, direction, backend)
    assert all(
        torch.equal(b.nan_to_num(7.0), a.nan_to_num(7.0)) for b, a in zip(before, traces(model), strict=True)
    )


def test_fault_of_the_model_is_its_own():
    model, inputs, direction = build("mlp")
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        logit_jvp(model, inputs[:, :5], direction)
