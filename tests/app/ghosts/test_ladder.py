"""Claims about networks that readers bring: a start of nothing, logits that overflow, and slopes that agree."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from anisoscope.app import open_lens
from anisoscope.app.frame import Frame
from anisoscope.app.lens import Lens
from anisoscope.app.lenses.ghosts import GhostsLens, probe
from anisoscope.engine.ghosts import logit_jvp


class Sure(nn.Module):
    """Two classes, the first ahead of the second by twice the weight times the input."""

    def __init__(self, ahead: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(ahead, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack((self.weight * x[:, 0], -self.weight * x[:, 0]), 1)


class Exploding(Sure):
    """Ahead by exp(exp(w)): finite at r = 3.2, beyond the numbers at r = 10."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack((self.weight.exp().exp() * x[:, 0], torch.zeros_like(x[:, 0])), 1)


def shown(model: nn.Module, label: int) -> tuple[Lens, Frame]:
    inputs = torch.ones(3, 1, dtype=torch.float64)
    lens = open_lens("ghosts", model=model, inputs=inputs, targets=torch.full((3,), label))
    return lens, lens.compute()


@pytest.mark.parametrize(
    ("ahead", "label", "said"),
    [(2.0, 1, "no prediction is right at τ = 0"), (20.0, 0, "the loss at τ = 0 is below rounding")],
)
def test_a_start_of_nothing_gives_words_and_no_claim(ahead: float, label: int, said: str) -> None:
    lens, frame = shown(Sure(ahead), label)
    assert frame.stage == (2, 2) and any(said in note for note in frame.notes)
    assert not [name for name in frame.facts if name.startswith(("loss_ratio_", "accuracy_kept_"))]
    assert not any("accuracy" in claim.text for claim in lens.claims(lens.request(), frame))


def test_a_class_beyond_the_numbers_is_not_a_right_answer() -> None:
    lens, frame = shown(Exploding(0.0), 0)
    assert [frame.facts[f"accuracy_kept_{r}"] for r in ("1", "3.2", "10")] == [1.0, 1.0, 0.0]
    assert frame.facts["loss_ratio_10"] == math.inf
    (cliff,) = (c for c in lens.claims(lens.request(), frame) if c.text.startswith("r = 1 is no cliff"))
    assert cliff.ours == "100 % and 0 % kept"


def test_slopes_that_agree_leave_no_step_in_units_of_the_bound() -> None:
    model, inputs, labels = Sure(2.0), torch.ones(3, 1, dtype=torch.float64), torch.zeros(3, dtype=torch.long)
    still = {"weight": torch.zeros((), dtype=torch.float64)}
    z, a, backend = logit_jvp(model, inputs, still)
    assert probe.ladder(probe.Probe(model, still, inputs, labels, z, a, backend, math.nan, 0)) is None


@pytest.mark.parametrize(
    "name", ["loss_ratio_0.3", "accuracy_kept_0.3", "accuracy_kept_1", "accuracy_kept_3.2"]
)
def test_what_is_not_a_number_never_reads_as_safe(lens: GhostsLens, opening: Frame, name: str) -> None:
    frame = Frame(opening.tables, {**opening.facts, name: math.nan})
    texts = [claim.text for claim in lens.claims(lens.request(), frame)]
    assert len(texts) == 3 and not any("accuracy" in text for text in texts)
