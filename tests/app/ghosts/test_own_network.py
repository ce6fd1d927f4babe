"""A reader's own network in the lens, handed over in Python: any inputs, frozen parts, batch normalisation, untouched."""

from __future__ import annotations

import gc
import io
import math
import zipfile
from typing import Any

import numpy as np
import panel as pn
import pytest
import torch
from torch import Tensor, nn

from anisoscope.app import open_lens
from anisoscope.app.errors import RequestError
from anisoscope.app.export import export_bundle
from anisoscope.app.frame import Frame
from anisoscope.app.lenses.ghosts import own_network
from anisoscope.app.words import explanation


def words() -> tuple[nn.Module, Tensor, Tensor]:
    """Sequences of three tokens, a frozen embedding, batch normalisation, dropout; in training mode."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = nn.Sequential(
            nn.Embedding(20, 8), nn.Flatten(), nn.Linear(24, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3),
            nn.Linear(16, 3),
        )  # fmt: skip
        next(model[0].parameters()).requires_grad_(False)
        return model, torch.randint(20, (40, 3)), torch.randint(3, (40,))


def test_the_direction_is_minus_the_gradient_on_the_given_inputs_and_the_model_is_untouched() -> None:
    model, x, y = words()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    lens = open_lens("ghosts", model=model, inputs=x, targets=y, r=0.5)
    frame = lens.compute()
    assert all(module.training for module in model.modules()) and all(
        p.grad is None for p in model.parameters()
    )
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    model.eval()
    moving = [p for p in model.parameters() if p.requires_grad]
    gradient = torch.autograd.grad(nn.functional.cross_entropy(model(x), y), moving)
    norm = math.sqrt(sum(float(part.square().sum()) for part in gradient))
    slopes = []
    with torch.no_grad():
        for sign in (1, -1):
            for p, part in zip(moving, gradient, strict=True):
                p -= sign * 1e-3 * part / norm
            slopes.append(model(x))
            for p, part in zip(moving, gradient, strict=True):
                p += sign * 1e-3 * part / norm
    a = (slopes[0] - slopes[1]) / 2e-3
    bounds = math.pi / (a.amax(1) - a.amin(1))
    assert frame.facts["batch_bound"] == pytest.approx(float(bounds.min()), rel=2e-3)
    assert frame.facts["sample"] == int(bounds.argmin()) and frame.facts["label"] == int(y[bounds.argmin()])
    with torch.no_grad():
        loss = nn.functional.cross_entropy(model(x), y, reduction="none")[frame.facts["sample"]]
    middle = len(frame.tables["true_loss"]["y"]) // 2
    assert frame.tables["true_loss"]["y"][middle] == pytest.approx(float(loss), rel=1e-5)
    assert 0.5 < frame.facts["loss_ratio_0.3"] < 1


def test_images_work_and_the_sweep_moves_the_network() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.Tanh(), nn.Flatten(), nn.Linear(108, 4)).double()
        x, y = torch.randn(12, 1, 8, 8, dtype=torch.float64), torch.randint(4, (12,))
    lens = open_lens("ghosts", model=model, inputs=x, targets=y, view="sweep")
    assert lens.request()["source"] == "own"
    first = next(frame for frame in lens.frames(lens.request()) if isinstance(frame, Frame))
    assert "no weights" not in first.tables["sweep_captions"]["value"], "they have only not been moved yet"
    frame = lens.compute()
    assert frame.facts["sweep_onset_r"] > 0 and len(frame.tables["sweep_kept"]["x"])
    for view in ("temperature", "spike", "watch"):
        lens.compute({**lens.request().as_dict(), "view": view, "spike_steps": 50})
    random = lens.compute({**lens.request().as_dict(), "view": "step", "direction": "random"})
    assert np.isfinite(random.facts["batch_bound"])
    with pytest.raises(RequestError, match="does not bring"):
        lens.compute({**lens.request().as_dict(), "direction": "momentum"})


@pytest.mark.parametrize("view", ["sweep", "compare"])
def test_the_words_count_the_samples_of_the_reader(view: str) -> None:
    model, x, y = words()
    lens = open_lens("ghosts", model=model, inputs=x, targets=y, view=view)
    frame = lens.compute()
    hero = next(one for one in lens.figures(frame) if one.name in ("sweep_kept", "compare_loss"))
    assert ", 40 samples" in hero.unit
    told = lens.table(lens.request(), frame)
    assert told is not None and (view == "sweep" or ", 40 samples;" in told.note)
    assert "digit" not in explanation(lens) and "1438" not in explanation(lens)


def test_a_link_opens_the_network_in_this_process_alone() -> None:
    model, x, y = words()
    lens = open_lens("ghosts", model=model, inputs=x, targets=y)
    slug, _, query = lens.link().partition("?")
    assert slug == "ghosts" and f"own={lens.request()['own']}" in query
    with pytest.raises(RequestError, match="own = 'network-0': the network is not here"):
        open_lens("ghosts", source="own", own="network-0").compute()


def test_the_lens_can_be_shown_in_a_notebook() -> None:
    model, x, y = words()
    assert isinstance(open_lens("ghosts", model=model, inputs=x, targets=y).__panel__(), pn.viewable.Viewable)


class Refusing(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        raise ValueError("three channels, please")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"model": None}, "model = 'NoneType': must be a torch.nn.Module"),
        ({"inputs": [1, 2]}, "inputs = 'list'"),
        (
            {"targets": torch.zeros(3, dtype=torch.long)},
            r"targets = 'torch.int64 \(3,\)': must be a tensor of 40",
        ),
        ({"targets": torch.zeros(40)}, r"targets = 'torch.float32 \(40,\)'"),
        ({"targets": torch.full((40,), 7)}, r"targets\[0\] = 7: must be from 0 to 2"),
        ({"model": Refusing()}, "the network refuses them: three channels"),
        ({"model": nn.Sequential(nn.Embedding(20, 3))}, r"must give logits \(40, classes\)"),
        ({"model": nn.Flatten()}, "must have a parameter that is not frozen"),
    ],
)
def test_what_cannot_be_opened_is_refused_by_name(changed: dict[str, Any], message: str) -> None:
    model, x, y = words()
    with pytest.raises(RequestError, match=message):
        open_lens("ghosts", **{"model": model, "inputs": x, "targets": y, **changed})


def test_the_three_belong_together() -> None:
    with pytest.raises(RequestError, match="inputs = None: must be given"):
        open_lens("ghosts", model=words()[0])


class Keeping(nn.Module):
    """Keeps a table that it makes in its first pass, and asks for a gradient within each."""

    kept: list[Tensor] = []  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        self.kept.append(torch.ones(3))
        with torch.enable_grad():
            push = torch.ones(3, requires_grad=True)
            pushed = torch.autograd.grad((push * self.kept[-1]).sum(), push)[0]
        return self.linear(x) * pushed


def test_what_a_network_does_in_its_pass_it_does_with_tensors_that_autograd_takes() -> None:
    Keeping.kept.clear()
    model = Keeping()
    lens = open_lens("ghosts", model=model, inputs=torch.rand(20, 4), targets=torch.randint(3, (20,)))
    frame = next(iter(lens.frames(lens.request())))
    assert isinstance(frame, Frame) and Keeping.kept
    assert not any(table.is_inference() for table in Keeping.kept)


class Remembering(nn.Module):
    """Keeps its last activations and counts its passes, and the count is in its logits."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 3)
        self.register_buffer("passes", torch.zeros(()))
        self.last: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        self.passes += 1
        self.last = self.linear(x)
        return self.last * self.passes


def test_what_a_network_keeps_of_its_pass_is_in_no_later_look() -> None:
    model, x, y = Remembering(), torch.eye(4), torch.tensor([0, 1, 2, 0])
    lens = open_lens("ghosts", model=model, inputs=x, targets=y)
    looks = [
        lens.compute({**lens.request().as_dict(), "direction": kind}) for kind in ("-gradient", "random")
    ]
    for look in looks:
        probabilities = torch.softmax(model.linear(x).detach(), 1)[range(4), y]
        assert look.facts["probability"] == pytest.approx(float(probabilities[look.facts["sample"]]))
    assert model.last is None and float(model.passes) == 0


def small(seed: int) -> dict[str, Any]:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return {"model": nn.Linear(4, 3), "inputs": torch.eye(4), "targets": torch.tensor([0, 1, 2, 0])}


def test_a_name_is_of_one_network_wherever_it_is_handed_over() -> None:
    names = [open_lens("ghosts", **small(seed)).request()["own"] for seed in (1, 2, 1)]
    assert names[0] == names[2] != names[1]
    found = small(1)
    found["inputs"][0, 0] = 2.0
    assert open_lens("ghosts", **found).request()["own"] not in names

    class Doubled(nn.Linear):
        def forward(self, input: Tensor) -> Tensor:
            return 2 * super().forward(input)

    doubled = Doubled(4, 3)
    doubled.load_state_dict(small(1)["model"].state_dict())
    assert open_lens("ghosts", **{**small(1), "model": doubled}).request()["own"] not in names


def test_a_lens_that_is_held_keeps_its_network() -> None:
    held = open_lens("ghosts", **small(11))
    let_go = open_lens("ghosts", **small(12)).request()
    for seed in range(20, 30):
        open_lens("ghosts", **small(seed))
    own_network._probed.cache_clear()
    # a lens goes with the next collection: its parts know one another
    gc.collect()
    assert held.compute().facts["sample"] >= 0
    with pytest.raises(RequestError, match="the network is not here"):
        open_lens("ghosts").compute(let_go)


def test_an_export_says_that_only_this_process_has_the_network() -> None:
    lens, sink = open_lens("ghosts", **small(3)), io.BytesIO()
    export_bundle(lens.request().to_json(), sink, formats=(), widths_mm=())
    told = zipfile.ZipFile(sink).read("README.txt").decode()
    assert "only in the process that has your network" in told and "--request" not in told
