"""Digits, characters and Sven's regressions against plain formulas, torch's own weights and the authors' draws."""

import math
from collections import Counter
from itertools import product

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from anisoscope.engine.optimizers import Sven
from anisoscope.engine.problems import (
    CharacterTransformer,
    DigitsMLP,
    InvalidProblem,
    SvenPolynomial,
    SvenToy,
)

TEXT = "".join(chr(97 + (7 * i * i + i // 5) % 11) + (" " if i % 6 == 0 else "") for i in range(900))


def digits(**options: object) -> DigitsMLP:
    generator = torch.Generator().manual_seed(5)
    images = torch.rand(61, 9, generator=generator)
    labels = torch.randint(0, 4, (61,), generator=generator)
    return DigitsMLP(**{"images": images, "labels": labels, "widths": (9, 7, 6, 4), "batch": 8, **options})  # pyright: ignore[reportArgumentType]


def transformer(**options: object) -> CharacterTransformer:
    sizes = {"text": TEXT, "width": 8, "heads": 2, "blocks": 2, "context": 12, "batch": 5}
    return CharacterTransformer(**{**sizes, **options})  # pyright: ignore[reportArgumentType]


def test_weights_are_those_of_torch_after_manual_seed() -> None:
    state = torch.get_rng_state()
    torch.manual_seed(11)
    theirs = nn.Sequential(nn.Linear(9, 7), nn.ReLU(), nn.Linear(7, 6), nn.ReLU(), nn.Linear(6, 4))
    torch.set_rng_state(state)
    ours = digits().model(11).state_dict()
    assert all(torch.equal(ours[name], value) for name, value in theirs.state_dict().items())


def test_digits_are_the_plain_network_and_cross_entropy() -> None:
    problem = digits()
    model = problem.model(2, torch.float64)
    w = dict(model.named_parameters())
    chosen = problem.batches.indices(9, 4)
    x = problem.images[chosen].double()
    for layer in ("0", "2"):
        x = (x @ w[f"{layer}.weight"].mT + w[f"{layer}.bias"]).clamp(min=0)
    logits = x @ w["4.weight"].mT + w["4.bias"]
    plain = logits.exp().sum(-1).log() - logits[torch.arange(8), problem.labels[chosen]]
    torch.testing.assert_close(problem.losses(model, 9, 4), plain, rtol=1e-12, atol=1e-12)
    ours = torch.autograd.grad(problem.loss(model, 9, 4), list(w.values()))
    theirs = torch.autograd.grad(plain.mean(), list(w.values()))
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-11, atol=1e-14)


def test_an_epoch_meets_no_image_twice_and_epochs_differ() -> None:
    problem = digits()
    epochs = [[problem.batches.indices(7 * epoch + k, 3) for k in range(1, 8)] for epoch in range(40)]
    flat = [torch.cat(epoch).tolist() for epoch in epochs]
    assert all(len(epoch) == 56 == len(set(epoch)) for epoch in flat)
    assert len({tuple(epoch) for epoch in flat}) == 40
    met = Counter(index for epoch in flat for index in epoch)
    assert set(met) == set(range(61)) and min(met.values()) > 28


def test_matrices_are_the_hidden_weights_or_all() -> None:
    assert digits().matrix_names(digits().model(0)) == ["2.weight"]
    every = digits(matrices="all")
    assert every.matrix_names(every.model(0)) == ["0.weight", "2.weight", "4.weight"]
    within = transformer().matrix_names(transformer().model(0))
    assert len(within) == 12 and all(name.startswith("blocks.") for name in within)
    every = transformer(matrices="all")
    assert every.matrix_names(every.model(0)) == [*within, "readout.weight"]


def plain_decoder(model: nn.Module, characters: Tensor, heads: int) -> Tensor:
    """The decoder by matrix products, softmax with a mask, and formulas for norm and GELU."""
    w = dict(model.named_parameters())

    def linear(name: str, x: Tensor) -> Tensor:
        return x @ w[f"{name}.weight"].mT + w[f"{name}.bias"]

    def norm(name: str, x: Tensor) -> Tensor:
        centred = x - x.mean(-1, keepdim=True)
        return (
            centred / (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt() * w[f"{name}.weight"]
            + w[f"{name}.bias"]
        )

    length = characters.shape[1]
    x = w["embedding.weight"][characters] + w["position.weight"][:length]
    later = torch.ones(length, length, dtype=torch.bool).triu(1)
    for block in ("blocks.0", "blocks.1"):
        h = norm(f"{block}.attention_norm", x)
        q, k, v = (linear(f"{block}.attention.{part}", h) for part in ("query", "key", "value"))
        size = q.shape[-1] // heads
        mixed = []
        for head in range(heads):
            part = slice(head * size, (head + 1) * size)
            scores = q[..., part] @ k[..., part].mT / math.sqrt(size)
            mixed.append(scores.masked_fill(later, -math.inf).softmax(-1) @ v[..., part])
        x = x + linear(f"{block}.attention.output", torch.cat(mixed, -1))
        h = linear(f"{block}.up", norm(f"{block}.feed_forward_norm", x))
        x = x + linear(f"{block}.down", 0.5 * h * (1 + torch.erf(h / math.sqrt(2))))
    return linear("readout", norm("norm", x))


def test_the_transformer_is_the_plain_decoder() -> None:
    problem = transformer()
    model = problem.model(6, torch.float64)
    windows = problem.windows_at(3, 1)
    assert windows.shape == (5, 13)
    logits = plain_decoder(model, windows[:, :-1], heads=2)
    picked = logits.gather(-1, windows[:, 1:, None])[..., 0]
    plain = (logits.exp().sum(-1).log() - picked).mean(-1)
    torch.testing.assert_close(problem.losses(model, 3, 1), plain, rtol=1e-11, atol=1e-12)
    parameters = list(model.parameters())
    ours = torch.autograd.grad(problem.loss(model, 3, 1), parameters)
    theirs = torch.autograd.grad(plain.mean(), parameters)
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-9, atol=1e-12)


def test_a_later_character_leaves_earlier_logits_as_they_are() -> None:
    problem = transformer()
    model = problem.model(0, torch.float64)
    window = problem.characters[None, :12]
    before = model(window)
    for place in range(12):
        changed = window.clone()
        changed[0, place] = (changed[0, place] + 1) % len(problem.alphabet)
        after = model(changed)
        torch.testing.assert_close(after[:, :place], before[:, :place], rtol=0, atol=1e-14)
        assert (after[:, place] - before[:, place]).abs().max() > 1e-6


def test_windows_are_pieces_of_the_training_text() -> None:
    problem = transformer()
    text = "".join(problem.alphabet[i] for i in problem.characters)
    assert TEXT.startswith(text) and len(TEXT) - len(text) == len(TEXT) // 20
    for window in problem.windows_at(5, 0):
        assert "".join(problem.alphabet[i] for i in window) in text
    starts = torch.cat([problem.windows_at(k, 0)[:, 0] for k in range(1, 60)])
    assert set(starts.tolist()) == set(range(len(problem.alphabet)))


def test_the_held_out_loss_is_that_of_the_last_characters() -> None:
    problem = transformer()
    model = problem.model(0, torch.float64)
    count = (len(problem.held_out) - 1) // 12
    total = 0.0
    for k in range(count):
        piece = problem.held_out[12 * k : 12 * k + 13]
        total -= model(piece[None, :-1]).log_softmax(-1)[0, torch.arange(12), piece[1:]].mean().item()
    report = problem.report(model)
    assert math.isclose(report["loss"], total / count, rel_tol=1e-12)
    assert abs(report["loss"] - math.log(len(problem.alphabet))) < 0.5


def test_the_polynomial_is_the_additive_one_of_the_code() -> None:
    """The authors' loop, term by term: powers are added to one, and exponents stay below the total degree."""
    problem = SvenPolynomial(samples=50, data_seed=3)
    exponents = [p for d in range(5) for p in product(range(d), repeat=6) if sum(p) == d]
    rng = np.random.default_rng(3)
    coefficients = rng.normal(size=len(exponents))
    x, x_validation = rng.normal(size=(50, 6)), rng.normal(size=(50, 6))

    def target(points: np.ndarray) -> np.ndarray:
        return sum(
            (
                c * (1 + sum(points[:, j] ** p[j] for j in range(6)))
                for c, p in zip(coefficients, exponents, strict=True)
            ),
            np.zeros(len(points)),
        )

    y = target(x)
    assert len(exponents) == 185 == len(problem.exponents)
    np.testing.assert_allclose(problem.inputs, x, rtol=1e-6)
    np.testing.assert_allclose(problem.targets, (y - y.mean()) / y.std(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(
        problem.validation_targets, (target(x_validation) - y.mean()) / y.std(), rtol=1e-4, atol=1e-5
    )


def test_the_toy_is_the_bump_with_standard_targets() -> None:
    problem = SvenToy()
    x = problem.inputs[:, 0].double()
    bump = torch.exp(-10 * x**2) * torch.sin(2 * x)
    assert len(x) == 10_000 == len(problem.validation_inputs) and x.abs().max() <= 1
    torch.testing.assert_close(
        problem.targets.double(), (bump - bump.mean()) / bump.std(), rtol=1e-4, atol=1e-5
    )
    assert problem.targets.mean().abs() < 1e-5 and abs(problem.targets.std() - 1) < 1e-5
    assert not torch.equal(problem.inputs, problem.validation_inputs)


@pytest.mark.parametrize("kind", [SvenToy, SvenPolynomial])
def test_regressions_are_the_plain_network_and_squares(kind: type[SvenToy] | type[SvenPolynomial]) -> None:
    problem = kind(samples=70)
    model = problem.model(2, torch.float64)
    w = dict(model.named_parameters())

    def predict(x: Tensor) -> Tensor:
        for layer in ("0", "2", "4"):
            h = x @ w[f"{layer}.weight"].mT + w[f"{layer}.bias"]
            x = 0.5 * h * (1 + torch.erf(h / math.sqrt(2)))
        return (x @ w["6.weight"].mT + w["6.bias"])[:, 0]

    chosen = problem.batches.indices(3, 1)
    plain = (predict(problem.inputs[chosen].double()) - problem.targets[chosen].double()) ** 2
    losses = problem.losses(model, 3, 1)
    assert losses.shape == (32,)
    torch.testing.assert_close(losses, plain, rtol=1e-12, atol=1e-13)
    errors = predict(problem.validation_inputs.double()) - problem.validation_targets.double()
    assert math.isclose(problem.report(model)["validation"], errors.square().mean().item(), rel_tol=1e-12)
    ours = torch.autograd.grad(losses.mean(), list(w.values()))
    theirs = torch.autograd.grad(plain.mean(), list(w.values()))
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-10, atol=1e-13)


def test_sven_trains_on_its_toy_through_the_contract() -> None:
    problem = SvenToy()
    model = problem.model(0)
    sven = Sven(model.parameters(), lr=0.05, model=model)
    for step in range(1, 313):
        sven.step(lambda step=step: problem.losses(model, step, 0))
    assert problem.report(model)["validation"] < 5e-3


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"widths": (9,)}, "widths is"),
        ({"widths": (9, 0, 4)}, "widths is 0"),
        ({"widths": (8, 4)}, r"images has shape \(61, 9\)"),
        ({"widths": (9, 3)}, "labels lie in"),
        ({"labels": torch.zeros(60)}, "labels has shape"),
        ({"images": torch.full((61, 9), math.nan)}, "images has values"),
        ({"images": torch.full((61, 9), 1.5)}, "images has values"),
        ({"batch": 62}, "batch is 62"),
        ({"batch": 0}, "batch is 0"),
        ({"matrices": "some"}, "matrices is 'some'"),
    ],
)
def test_digits_refuse(options: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidProblem, match=words):
        digits(**options)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"text": ""}, "text has 0"),
        ({"text": "ab" * 100}, "text has 200"),
        ({"heads": 3}, "heads is 3"),
        ({"width": 0}, "width is 0"),
        ({"context": 0}, "context is 0"),
        ({"batch": 0}, "batch is 0"),
        ({"matrices": "some"}, "matrices is 'some'"),
    ],
)
def test_transformers_refuse(options: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidProblem, match=words):
        transformer(**options)


def test_characters_outside_the_alphabet_are_refused() -> None:
    with pytest.raises(InvalidProblem, match="'Ω'"):
        transformer().encode("aΩ")


@pytest.mark.parametrize("options", [{"samples": 1}, {"samples": 20}, {"hidden": (4, 0)}, {"batch": 0}])
def test_regressions_refuse(options: dict[str, int]) -> None:
    with pytest.raises(InvalidProblem):
        SvenToy(**options)
    with pytest.raises(InvalidProblem):
        SvenPolynomial(**options)
