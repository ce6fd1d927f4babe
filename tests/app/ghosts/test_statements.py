"""Words with numbers in them: claims and story against a second computation, presets against their rules."""

from __future__ import annotations

import cmath
import itertools
import math
import re
import subprocess
import sys
from importlib import resources

import pytest
import torch

from anisoscope.app import words
from anisoscope.app.control import Card, Claim
from anisoscope.app.frame import Frame
from anisoscope.app.lenses.ghosts import GhostsLens, probe, sweep_shipped
from anisoscope.app.presets import presets
from anisoscope.engine.ghosts import convergence_radius, exact_radius, partition_zeros, top_two_radius
from anisoscope.engine.ghosts.sweep import KEPT


def ours(lens: GhostsLens, values: dict, start: str) -> str:
    frame = lens.compute(values)
    found = [c for c in lens.claims(lens.validated(values), frame) if c.text.startswith(start)]
    assert len(found) == 1, start
    return found[0].ours


def climbed(source: probe.Probe) -> probe.Ladder:
    found = probe.ladder(source)
    assert found is not None
    return found


def test_batch_claims_are_those_of_a_network_moved_by_hand() -> None:
    one = probe.probe("cnn", "converged", "+gradient", 0, "")
    before = [p.detach().clone() for p in one.model().parameters()]
    found = climbed(one)
    tau = 0.3 * convergence_radius(one.z, one.a).min()
    start = torch.nn.functional.cross_entropy(one.model()(one.images), one.labels).item()
    with torch.no_grad():
        try:
            for name, p in one.model().named_parameters():
                p += tau * one.direction[name]
            moved = one.model()(one.images)
        finally:
            for p, kept in zip(one.model().parameters(), before, strict=True):
                p.copy_(kept)
    loss = torch.nn.functional.cross_entropy(moved, one.labels).item()
    assert found.loss_ratio[0] == pytest.approx(loss / start, rel=1e-9)
    assert found.loss_ratio[0] > 1, "ascent raises the loss inside r < 1: the radius promises no descent"
    right = (moved.argmax(1) == one.labels).double().mean().item()
    assert found.accuracy_kept[0] == pytest.approx(right / found.start_accuracy, rel=1e-12)


def test_the_two_class_radius_is_too_large_for_most_samples_as_claimed(lens: GhostsLens) -> None:
    one = probe.probe("mlp_layernorm", "converged", "-gradient", 0, "")
    ratio = top_two_radius(one.z, one.a) / exact_radius(one.z, one.a).radius
    share, worst = (ratio > 1 + 1e-9).double().mean().item(), ratio.max().item()
    assert share > 0.5
    facts = lens.compute().facts
    assert facts["top_two_share"] == pytest.approx(share, abs=1e-9)
    assert facts["top_two_worst"] == pytest.approx(worst, rel=1e-6)
    assert f"{100 * share:.0f} %" in ours(lens, {}, "The two most probable classes")


def test_the_printed_sign_of_eq_13_is_no_zero_and_ours_is() -> None:
    delta, slope = 2.0, 1.5
    window = (-5.0, 5.0, 0.0, 5.0)
    (zero,) = partition_zeros(torch.tensor([delta, 0.0]), torch.tensor([slope, 0.0]), window).zeros.tolist()
    assert zero == pytest.approx((-delta + 1j * math.pi) / slope, rel=1e-6)
    assert abs(cmath.exp(delta + slope * zero) + 1) < 1e-5
    assert abs(cmath.exp(delta + slope * (delta + 1j * math.pi) / slope) + 1) > 1


def test_the_two_signs_are_those_of_this_samples_two_likeliest_classes(lens: GhostsLens) -> None:
    # Classes 2 and 1 of three; the third holds the nearest ghost and has no part in the claim.
    bars = {"logits": (0.9, 1.0, -1.0, 0.0, 0.0, 0.0), "slopes": (0.1, 0.6, -2.0, 0.0, 0.0, 0.0)}
    values = {"source": "sandbox", "classes": 3, "temperature": 0.5, **bars}
    facts = lens.compute(values).facts
    ghost = (-0.1 + 0.5j * math.pi) / 0.5
    assert complex(facts["top_two_re"], facts["top_two_im"]) == pytest.approx(ghost, rel=1e-12)
    assert facts["top_two_radius"] == pytest.approx(abs(ghost), rel=1e-12)
    assert facts["ghost_im"] < 0.5 * facts["top_two_im"]
    assert ours(lens, values, "Eq. 13 prints") == "−0.200 ± 3.14i"
    (claim,) = (
        c for c in lens.claims(lens.validated(values), lens.compute(values)) if c.source.endswith("eq. 13")
    )
    assert claim.paper.endswith("= 0.200 ± 3.14i") and claim.standing == "disagrees"


def test_the_poles_of_tanh_gelu_are_where_the_claim_says(lens: GhostsLens) -> None:
    # tanh(w) has its nearest poles at w = ±iπ/2, with w = √(2/π)(x + 0.044715 x³): three x for each.
    x = complex(0.6, 2.7)
    for _ in range(50):
        w = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3) - 0.5j * math.pi
        x -= w / (math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * x**2))
    assert ours(lens, {}, "The nearest poles of tanh-GELU") == f"±{x.real:.3f} ± {x.imag:.3f}i"
    assert abs(x) == pytest.approx(2.82687, abs=1e-5)


@pytest.mark.parametrize(
    ("start", "changed", "standing", "said"),
    [
        ("A radius is no", {"loss_ratio_0.3": 0.9, "loss_ratio_0.99": 0.8}, "ours", "it falls"),
        ("A radius is no", {"loss_ratio_0.3": 1.2, "loss_ratio_0.99": 0.8}, "ours", "it rises"),
        ("No architecture", {"accuracy_kept_0.99": 0.96, "accuracy_kept_1": 0.97}, "agrees", "96.0 % kept"),
        ("No architecture", {"accuracy_kept_0.3": 0.91}, "agrees", "91.0 % kept"),
        ("No architecture", {"accuracy_kept_1": 0.89}, "disagrees", "89.0 % kept"),
        (
            "r = 1 is no cliff",
            {"accuracy_kept_3.2": 0.95, "accuracy_kept_10": 0.33},
            "disagrees",
            "95 % and 33 % kept",
        ),
        ("r = 1 is no cliff", {"accuracy_kept_3.2": 0.4}, "agrees", "40 % and"),
        ("The two most probable", {"top_two_share": 0.0, "top_two_worst": 1.0}, "ours", "0 % of samples"),
        ("The two most probable", {"top_two_share": 0.2}, "disagrees", "20 % of samples"),
    ],
)
def test_a_verdict_follows_the_numbers_beside_it(lens, start, changed, standing, said) -> None:
    computed = lens.compute()
    frame = Frame(computed.tables, {**computed.facts, **changed})
    found = [c for c in lens.claims(lens.request(), frame) if c.text.startswith(start)]
    assert [c.standing for c in found] == [standing] and said in found[0].ours


def test_the_verdicts_of_step_and_sweep_have_one_level_and_name_their_steps(lens: GhostsLens) -> None:
    assert sweep_shipped.KEPT == KEPT
    texts = [claim.text for claim in lens.claims(lens.request(), lens.compute())]
    steps = ", ".join(f"{r:g}" for r in probe.LADDER[:2]) + f" and {probe.LADDER[2]:g}"
    assert any(text.startswith("No architecture") and f"kept at r = {steps}." in text for text in texts)


def test_equal_slopes_leave_no_number_that_is_none(lens: GhostsLens) -> None:
    values = {"source": "sandbox", "slopes": [1.0] * 6}
    said = [claim.ours for claim in lens.claims(lens.validated(values), lens.compute(values))]
    assert "no ghost" in said and not any("not a number" in text for text in said)


def test_what_is_claimed_of_one_sample_until_all_are_known(lens: GhostsLens) -> None:
    coarse = next(iter(lens.frames(lens.request())))
    assert isinstance(coarse, Frame)
    texts = [claim.text for claim in lens.claims(lens.request(), coarse)]
    assert len(texts) == 3 and not any("share of the samples" in text for text in texts)


def test_words_reach_the_page_escaped() -> None:
    trap = "<img src=x onerror=alert(1)>"
    page = words.claims([Claim(trap, trap, trap, trap)]) + words.card(Card(trap, trap, trap, [[1.0]]))
    assert "<img" not in page and page.count("&lt;img") == 7


def test_a_number_and_its_percent_sign_stay_on_one_line() -> None:
    from anisoscope.app.lenses.psf import LENS

    page = words.claims([Claim("keeps 16 % of it", "about 50 %", "5 % and 33 %", "ours")])
    assert page.count("\N{NO-BREAK SPACE}%") == 4 and " %" not in page
    told = words.lede(LENS()) + words.explanation(LENS())
    assert "16\N{NO-BREAK SPACE}%" in told and not re.search(r"\d %", told)


def test_the_sandbox_makes_no_claim_about_a_training_set(lens: GhostsLens) -> None:
    values = {"source": "sandbox"}
    texts = [claim.text for claim in lens.claims(lens.validated(values), lens.compute(values))]
    assert len(texts) == 3 and not any("accuracy" in text for text in texts)


def test_at_least_six_presets_name_a_place_in_the_paper() -> None:
    cited = [
        p for p in presets("ghosts") if re.search(r"arXiv:2603\.13552, (Fig|Theorem|Table|Sec|eq)", p.source)
    ]
    assert len(cited) >= 6
    assert len({p.name for p in presets("ghosts")}) == len(presets("ghosts"))
    assert 3 <= sum(p.attempt for p in presets("ghosts")) <= 4
    words = {p.name: [w for w in p.reason.split() if any(c.isalnum() for c in w)] for p in presets("ghosts")}
    assert {name: found for name, found in words.items() if not 2 <= len(found) <= 6} == {}


def test_the_opening_picture_has_the_disc_past_the_ghosts_and_the_loss_calm(lens: GhostsLens) -> None:
    facts = lens.compute().facts
    assert lens.r > facts["exact_over_bound"] > 1.5
    assert facts["taylor_error"] > 100 > 10 > facts["true_loss"]


def test_outside_the_radius_orders_do_not_worsen_one_by_one_as_the_lede_knows(lens: GhostsLens) -> None:
    """From order 20 to 48 the error grows more than tenfold, though not at each order."""
    frame = lens.compute()
    asked = [lens.validated({"order": order}) for order in range(20, 49)]
    errors = [lens.hand_facts(request, frame)["taylor_error"] for request in asked]
    steps = [after > before for before, after in itertools.pairwise(errors)]
    assert errors[-1] > 10 * errors[0] and any(steps) and not all(steps)
    assert "every" not in lens.lede[1] and "worse and worse" in lens.lede[1]


def test_the_story_says_what_we_measure(lens: GhostsLens) -> None:
    text = resources.files("anisoscope.assets").joinpath("ghosts", "story.md").read_text(encoding="utf-8")
    see, rest = re.split(r"## What we could not reproduce", text)
    assert len(see.split("## What you see")[1].split()) <= 90
    facts = lens.compute().facts
    assert f"for {100 * facts['top_two_share']:.0f} % of the samples" in rest
    assert f"by a factor of {round(facts['top_two_worst'], -2):.0f}" in rest
    kept = [
        climbed(probe.probe(network, "converged", "-gradient", 0, "")).accuracy_kept
        for network in GhostsLens.param["network"].objects
    ]
    for place, pattern in (
        (3, r"(\d+) to (\d+) % of their training accuracy at r = 3.2"),
        (4, r"(\d+) to (\d+) % at r = 10"),
    ):
        said = re.search(pattern, rest)
        assert said, pattern
        measured = [100 * one[place] for one in kept]
        assert [int(n) for n in said.groups()] == pytest.approx([min(measured), max(measured)], abs=1.0)
    linear = climbed(probe.probe("linear", "converged", "-gradient", 0, "")).accuracy_kept[2:]
    said = re.search(r"(\d+) % kept at r = 1, (\d+) % at 3.2 and (\d+) % at 10", rest)
    assert said and [int(n) for n in said.groups()] == [round(100 * share) for share in linear]


def test_the_module_is_imported_without_torch() -> None:
    code = "import sys, anisoscope.app.lenses.ghosts as lens; lens.LENS(); print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.split()[-1] == "False"
