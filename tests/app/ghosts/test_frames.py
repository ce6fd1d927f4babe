"""What the lens computes: against the engine, against closed forms, coarse against fine, and at its edges."""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Generator

import numpy as np
import pytest
import torch
from torch import Tensor

from anisoscope.app.errors import RequestError
from anisoscope.app.frame import Frame
from anisoscope.app.lenses.ghosts import GhostsLens, probe, views
from anisoscope.app.lenses.ghosts.plane import HEIGHT_SHARE
from anisoscope.app.lenses.ghosts.state import TALLEST
from anisoscope.engine.ghosts import (
    ExactRadius,
    apply_temperature,
    convergence_radius,
    exact_radius,
    linearised_loss,
    partition_phase,
)


def sandbox(z: list[float], a: list[float], **more: object) -> dict[str, object]:
    rest = [0.0] * (6 - len(z))
    return {"source": "sandbox", "classes": len(z), "logits": z + rest, "slopes": a + rest, **more}


def coarse(lens: GhostsLens, values: dict[str, object]) -> Frame:
    return next(frame for frame in lens.frames(lens.validated(values)) if isinstance(frame, Frame))


def test_facts_are_the_engines_for_this_sample_in_steps_of_the_unit_direction(opening: Frame) -> None:
    one = probe.probe("mlp_layernorm", "converged", "-gradient", 0, "")
    z, a = one.z[384:385], one.a[384:385]
    exact = exact_radius(z, a)
    assert opening.facts["bound_radius"] == pytest.approx(convergence_radius(z, a).item(), rel=1e-12)
    assert opening.facts["margin_radius"] == pytest.approx(
        convergence_radius(z, a, "margin").item(), rel=1e-9
    )
    assert opening.facts["exact_radius"] == pytest.approx(exact.radius.item(), rel=1e-9)
    assert opening.facts["exact_certified"] and opening.facts["certified_share"] == 1.0
    assert opening.facts["batch_bound"] == pytest.approx(
        convergence_radius(one.z, one.a).min().item(), rel=1e-12
    )
    assert opening.facts["float32_difference"] < 1e-4


def test_radii_are_nested_for_every_sample_and_found_in_parts_as_at_once() -> None:
    one = probe.probe("mlp", "middle", "adam", 0, "")
    found = probe.radii(one, 1.0)
    assert bool((found.bound <= found.margin * (1 + 1e-9)).all())
    assert bool((found.margin <= found.exact * (1 + 1e-9)).all())
    torch.testing.assert_close(found.exact, exact_radius(one.z, one.a).radius, rtol=1e-9, atol=0.0)


def test_two_readers_of_one_request_share_its_parts() -> None:
    one = probe.probe("linear", "converged", "random", 5, "")
    first, second = probe.exact_in_parts(one, 0.7), probe.exact_in_parts(one, 0.7)
    pauses = sum(1 for pair in itertools.zip_longest(first, second) for _ in pair)
    assert len(probe._exact_parts(one, 0.7)) == math.ceil(1438 / probe.PART) <= pauses
    assert probe.radii(one, 0.7).exact.shape == (1438,)


def test_a_cancelled_request_keeps_the_parts_it_found(lens: GhostsLens) -> None:
    asked = lens.validated({"network": "linear", "stage": "middle", "temperature": 0.9})
    generator = lens.frames(asked)
    assert isinstance(generator, Generator)
    assert isinstance(next(generator), Frame)
    assert [next(generator) for _ in range(4)] == [None] * 4
    generator.close()
    one = probe.probe("linear", "middle", "-gradient", 0, "")
    assert 2 <= len(probe._exact_parts(one, 0.9)) < math.ceil(1438 / probe.PART)


def test_the_linearised_curve_is_the_engines_and_touches_the_true_loss_at_the_start(opening: Frame) -> None:
    one = probe.probe("mlp_layernorm", "converged", "-gradient", 0, "")
    x = np.asarray(opening.tables["true_loss"]["x"])
    label = torch.tensor(opening.facts["label"])
    tau = torch.as_tensor(x * opening.facts["bound_radius"])
    ours = linearised_loss(one.z[384], one.a[384], label, tau).numpy()
    np.testing.assert_allclose(opening.tables["linearised_loss"]["y"], ours, rtol=1e-9, atol=1e-12)
    true = np.asarray(opening.tables["true_loss"]["y"])
    middle, step = len(x) // 2, x[1] - x[0]
    assert true[middle] == pytest.approx(ours[middle], rel=1e-9)
    slope = (true[middle + 1] - true[middle - 1]) / (2 * step)
    assert slope == pytest.approx((ours[middle + 1] - ours[middle - 1]) / (2 * step), rel=0.05)


def test_coarse_and_fine_agree(lens: GhostsLens, opening: Frame) -> None:
    first = coarse(lens, {})
    shared = [k for k, v in first.facts.items() if isinstance(v, float)]
    assert all(first.facts[name] == opening.facts[name] for name in shared)
    small, large = first.tables["field"]["image"], opening.tables["field"]["image"]
    assert small.shape == (128, 256) and large.shape == (256, 512)
    hue = [image.astype(int) % 64 for image in (small, large[::2, ::2])]
    apart = np.abs((hue[0] - hue[1] + 32) % 64 - 32)
    assert np.mean(apart <= 2) > 0.98
    assert (
        first.tables["histogram_bound"]["y"].sum() == opening.tables["histogram_exact"]["top"].sum() == 1438
    )


def test_the_field_is_a_mirror_and_vanishes_at_the_ghosts(opening: Frame) -> None:
    image = opening.tables["field"]["image"].astype(int)
    assert not ((image + image[::-1]) % 64).any(), "hues of conjugate points are opposite"
    assert np.array_equal(image // 64, image[::-1] // 64)
    one = probe.probe("mlp_layernorm", "converged", "-gradient", 0, "")
    bound = opening.facts["bound_radius"]
    ghosts = opening.tables["ghosts"]
    assert len(ghosts["x"]) == 4
    for x, y in zip(ghosts["x"], ghosts["y"], strict=True):
        at = partition_phase(
            one.z[384], one.a[384] * bound, torch.tensor([x]).double(), torch.tensor([y]).double()
        )
        assert math.hypot(at.real.item(), at.imag.item()) < 1e-9
    assert min(ghosts["distance"]) == pytest.approx(opening.facts["exact_over_bound"], rel=1e-9)
    assert min(np.abs(ghosts["y"])) >= 1 and max(np.abs(ghosts["y"])) <= 6 * HEIGHT_SHARE


def test_ghosts_stand_above_corridors_only(opening: Frame) -> None:
    ends = opening.tables["corridors"]
    for x in opening.tables["ghosts"]["x"]:
        assert any(low - 1e-9 <= x <= high + 1e-9 for low, high in zip(ends["x0"], ends["x1"], strict=True))


@pytest.mark.parametrize(
    ("z", "a", "exact", "bound"),
    [
        ([0, 0], [0, 1], math.pi, math.pi),
        ([5, 0], [1, -1], math.hypot(5, math.pi) / 2, math.pi / 2),
        ([0, 0, 0], [-1, 0, 1], 2 * math.pi / 3, math.pi / 2),
        ([0, 0, -4, -4], [0, 1, 2, 3], math.hypot(4, math.pi) / 2, math.pi / 3),
        ([0, 0, 1], [0, 0, 1], math.hypot(1 - math.log(2), math.pi), math.pi),
        ([0, 0, -20], [0, 1, 40], 0.530752130403744, math.pi / 40),
        ([1, 0.9, -1], [0.5, 0.51, -2], 1.63944950701316, math.pi / 2.51),
    ],
    ids=["B1", "B3", "M1", "M3", "M7", "M11", "M12"],
)
def test_the_sandbox_gives_the_radius_of_the_closed_form(lens, z, a, exact, bound) -> None:
    facts = coarse(lens, sandbox(z, a)).facts
    assert facts["exact_radius"] == pytest.approx(exact, rel=1e-12)
    assert facts["bound_radius"] == pytest.approx(bound, rel=1e-12)
    assert (
        facts["bound_radius"] <= facts["margin_radius"] * (1 + 1e-12) <= facts["exact_radius"] * (1 + 2e-12)
    )
    assert facts["exact_certified"]


def test_a_double_ghost_is_one_ghost_of_multiplicity_two(lens: GhostsLens) -> None:
    frame = coarse(lens, sandbox([0, math.log(2), 0], [0, 1, 2], window=6))
    nearest = np.argmin(frame.tables["ghosts"]["distance"])
    assert frame.tables["ghosts"]["multiplicity"][nearest] == 2
    assert frame.facts["exact_radius"] == pytest.approx(math.pi, rel=1e-7)


@pytest.mark.parametrize("temperature", [0.1, 0.5, 4.0])
def test_temperature_scales_the_bound_and_moves_a_two_class_ghost_vertically(lens, temperature) -> None:
    facts = coarse(lens, sandbox([2, 0], [0, 1], temperature=temperature)).facts
    assert facts["bound_radius"] == pytest.approx(math.pi * temperature, rel=1e-12)
    assert facts["ghost_re"] == pytest.approx(2.0, rel=1e-12)
    assert facts["exact_radius"] == pytest.approx(math.hypot(2, math.pi * temperature), rel=1e-12)


def test_temperature_of_a_network_reaches_loss_and_batch(lens: GhostsLens, opening: Frame) -> None:
    cool = coarse(lens, {"temperature": 0.5})
    assert cool.facts["bound_radius"] == pytest.approx(opening.facts["bound_radius"] / 2, rel=1e-12)
    assert cool.facts["batch_bound"] == pytest.approx(opening.facts["batch_bound"] / 2, rel=1e-12)
    one = probe.probe("mlp_layernorm", "converged", "-gradient", 0, "")
    z, _ = apply_temperature(one.z[384], one.a[384], 0.5)
    loss = torch.logsumexp(z, 0) - z[cool.facts["label"]]
    middle = len(cool.tables["true_loss"]["x"]) // 2
    assert cool.tables["true_loss"]["y"][middle] == pytest.approx(loss.item(), rel=1e-9)


@pytest.mark.parametrize("kind", ["exact", "margin", "bound"])
def test_equal_slopes_draw_a_plane_without_ghosts_and_say_so(lens: GhostsLens, kind: str) -> None:
    frame = lens.compute(sandbox([2, 0, 1], [1, 1, 1], kind=kind, r=100))
    assert all(math.isinf(frame.facts[f"{name}_radius"]) for name in ("bound", "margin", "exact"))
    assert len(frame.tables["ghosts"]["x"]) == 0 and frame.notes
    assert all(np.isfinite(column).all() for column in frame.numeric_columns().values())
    assert [row.value for row in lens.readouts(lens.validated(sandbox([2, 0, 1], [1, 1, 1])), frame)][:3] == [
        "∞"
    ] * 3


@pytest.mark.parametrize("window", [3, 24, 120])
@pytest.mark.parametrize("temperature", [0.02, 20.0])
def test_the_ends_of_window_and_temperature_are_finite(lens, window, temperature) -> None:
    frame = coarse(lens, {"window": window, "temperature": temperature, "r": 100.0})
    assert all(np.isfinite(column).all() for column in frame.numeric_columns().values())


def test_the_tightest_sample_is_the_one_of_the_batch_bound(lens: GhostsLens) -> None:
    facts = coarse(lens, {"sample": -1}).facts
    assert facts["bound_radius"] == pytest.approx(facts["batch_bound"], rel=1e-12)
    assert facts["sample"] >= 0


@pytest.mark.parametrize("network", ["linear", "mlp", "mlp_layernorm", "cnn", "cnn_batchnorm", "transformer"])
@pytest.mark.parametrize(
    ("stage", "direction"), [("start", "adam"), ("middle", "momentum"), ("converged", "random")]
)
def test_every_network_stage_and_direction_gives_a_finite_first_frame(
    lens, network, stage, direction
) -> None:
    values = {"network": network, "stage": stage, "direction": direction, "direction_seed": 3}
    frame = coarse(lens, values)
    assert all(np.isfinite(column).all() for column in frame.numeric_columns().values())
    assert (
        0
        < frame.facts["batch_bound"]
        <= frame.facts["bound_radius"]
        <= frame.facts["exact_radius"]
        < math.inf
    )


@pytest.mark.parametrize(
    ("values", "name", "repair"),
    [
        ({"sample": 1438}, "sample", 1437),
        ({"sample": -2}, "sample", -1),
        ({"network": "resnet"}, "network", "mlp_layernorm"),
        ({"r": 0.0}, "r", 0.01),
        ({"r": math.nan}, "r", 2.45),
        ({"r": -1.0}, "r", 0.01),
        ({"order": 0}, "order", 1),
        ({"order": 49}, "order", 48),
        ({"stage": "late"}, "stage", "converged"),
        ({"direction": "uphill"}, "direction", "-gradient"),
        (sandbox([math.nan, 0], [0, 1]), "logits", GhostsLens.param["logits"].default),
        (sandbox([0, 0], [0, math.inf]), "slopes", GhostsLens.param["slopes"].default),
        ({"source": "sandbox", "classes": 7}, "classes", 6),
        ({"temperature": -1}, "temperature", 0.02),
        (sandbox([0, 0], [0, 1], label=2), "label", 1),
        (sandbox([800, 0], [0, 1]), "logits", (TALLEST, 0, 0, 0, 0, 0)),
        (sandbox([0, 0], [0, -1e300]), "slopes", (0, -TALLEST, 0, 0, 0, 0)),
        ({"slopes": [0, 1]}, "slopes", GhostsLens.param["slopes"].default),
    ],
)
def test_what_cannot_be_is_refused_by_name_with_a_repair_that_works(lens, values, name, repair) -> None:
    with pytest.raises(RequestError) as caught:
        coarse(lens, values)
    assert caught.value.parameter == name and caught.value.repair == repair
    coarse(lens, {**values, name: repair})


def test_the_thumbnails_are_the_tightest_samples_of_the_brush(lens: GhostsLens) -> None:
    one = probe.probe("mlp_layernorm", "converged", "-gradient", 0, "")
    logs = convergence_radius(one.z, one.a).log10()
    low, high = (float(logs.quantile(q)) for q in (0.4, 0.5))
    frame = coarse(lens, {"brush": (high, low)})
    index = frame.tables["tiles"]["index"]
    assert len(index) == 24 and len(set(index.tolist())) == 24
    assert (np.diff(logs[torch.as_tensor(index)].numpy()) >= 0).all()
    assert low <= logs[int(index[0])] and logs[int(index[-1])] <= high
    assert frame.tables["inside"]["count"][0] == int(((logs >= low) & (logs <= high)).sum())
    bottom = frame.tables["thumbnails"]["image"][18:26, 0:8][::-1].astype(float) / 255
    np.testing.assert_allclose(bottom, one.images[int(index[0])].reshape(8, 8).numpy(), atol=0.003)


def test_two_threads_that_find_one_part_at_once_count_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    one = probe.probe("linear", "middle", "random", 7, "")
    together = threading.Barrier(2, timeout=20)

    def exact(z: Tensor, a: Tensor) -> ExactRadius:
        together.wait()
        return exact_radius(z, a)

    monkeypatch.setattr(probe, "exact_radius", exact)
    readers = [threading.Thread(target=probe.radii, args=(one, 0.8)) for _ in range(2)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(60)
    found = probe.radii(one, 0.8)
    assert found.exact.shape == found.certified.shape == (1438,)


@pytest.mark.parametrize("window", [6, 24])
@pytest.mark.parametrize("view", ["step", *views.VIEWS])
def test_views_that_a_frame_says_nothing_of_are_drawn_as_they_would_be(view: str, window: int) -> None:
    lens = GhostsLens()
    frames = [coarse(lens, values) for values in ({"view": view, "window": window}, sandbox([2, 0], [0, 1]))]
    for frame in frames:
        drawn = tuple(figure for part in views.VIEWS.values() for figure in part.figures(frame))
        assert views.figures(frame) == drawn
