"""The true network's view: its numbers are the engine's, it can be cancelled, and kinks are said in words."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from anisoscope.app.frame import Frame
from anisoscope.app.lenses.ghosts import GhostsLens, beyond_networks, beyond_state, beyond_tables
from anisoscope.app.lenses.ghosts.beyond_networks import source_in_parts
from anisoscope.app.lenses.ghosts.beyond_view import COARSE
from anisoscope.engine.digits import Snapshot, train
from anisoscope.engine.ghosts import partition_zeros, true_radius


def request(**more: Any) -> dict[str, Any]:
    return {"view": "beyond", **more}


def frame_at(lens: GhostsLens, stage: int, values: dict[str, Any]) -> Frame:
    """The first frame of this stage: later ones look at more samples, which takes seconds."""
    found: Frame | None = None
    frames = lens.frames(lens.validated(values))
    for item in frames:
        if isinstance(item, Frame):
            found = item.after(found)
            if found.stage[0] >= stage:
                break
    frames.close()  # pyright: ignore[reportAttributeAccessIssue]
    assert found is not None
    return found


@pytest.fixture(scope="module")
def linear(lens: GhostsLens) -> Frame:
    return frame_at(lens, 2, request(network="linear"))


@pytest.fixture(scope="module")
def normalised(lens: GhostsLens) -> Frame:
    return frame_at(lens, 3, request())


def test_of_the_linear_network_both_planes_are_one(linear: Frame) -> None:
    facts = linear.facts
    assert facts["beyond_ratio"] == pytest.approx(1.0, rel=1e-9) and facts["beyond_part"] == "output"
    nearest, ghosts = linear.tables["beyond_nearest"], linear.tables["beyond_ghosts"]
    first = np.argmin(ghosts["distance"])
    assert nearest["distance"][0] == pytest.approx(ghosts["distance"][first], rel=1e-9)
    assert abs(nearest["x"][0]) == pytest.approx(abs(ghosts["x"][first]), rel=1e-9)
    assert [str(name) for name in linear.tables["beyond_layers"]["name"]] == ["output"]


def test_the_picture_of_a_linear_network_is_that_of_its_logits(linear: Frame) -> None:
    """Two ways to the same colours: complex steps through the network, and a product of matrices."""
    from anisoscope.app.lenses.ghosts.plane import field

    lens = GhostsLens()
    one = _state(lens, request(network="linear"))
    true = linear.tables["beyond_field"]["image"]
    straight = field(one, one.window, true.shape[1])["image"]
    assert true.shape == straight.shape
    hue = (true.astype(int) - straight.astype(int)) % 64
    assert np.mean(np.minimum(hue, 64 - hue) <= 1) > 0.99


def _state(lens: GhostsLens, values: dict[str, Any]) -> beyond_state.Beyond:
    wanted = lens.validated(values)
    parts = source_in_parts(wanted)
    try:
        while True:
            next(parts)
    except StopIteration as end:
        source = end.value
    return beyond_state.beyond(source, wanted["sample"], float(wanted["temperature"]))


def test_the_numbers_are_the_engines(lens: GhostsLens, normalised: Frame) -> None:
    one = _state(lens, request())
    inputs = one.source.images[one.index : one.index + 1]
    found = true_radius(one.source.model(), inputs, one.source.direction)
    assert normalised.facts["beyond_radius"] == pytest.approx(found.radius, rel=1e-12)
    assert normalised.facts["beyond_ratio"] == pytest.approx(0.72507, abs=1e-4)
    assert 0 < normalised.facts["beyond_clear"] <= normalised.facts["beyond_radius"]
    assert normalised.facts["bound_radius"] == pytest.approx(found.bound, rel=1e-12)
    window = normalised.facts["beyond_window"]
    ghosts = partition_zeros(one.z, one.a, (-window, window, 0.0, 0.55 * window)).zeros
    assert len(normalised.tables["beyond_ghosts"]["x"]) == 2 * len(ghosts[ghosts.imag > 0])


def test_entire_layers_say_so_and_the_kink_measure_stands_beside(normalised: Frame) -> None:
    layers = normalised.tables["beyond_layers"]
    values = zip(layers["singularity"], layers["own"], layers["kinks"], strict=True)
    rows = dict(zip(layers["name"], values, strict=True))
    assert rows["GELU, 5"][:2] == ("none, entire", "∞") and rows["GELU, 5"][2] not in ("–", "∞")
    assert rows["LayerNorm, 4"][0] == "variance = 0" and rows["LayerNorm, 4"][2] == "–"
    assert normalised.facts["beyond_limit_all"] == "output"
    assert normalised.facts["beyond_limit_kinks"] == "feed-forward"


def test_a_kink_has_words_in_place_of_a_picture(lens: GhostsLens) -> None:
    frame = frame_at(lens, 5, request(network="mlp"))
    assert "beyond_radius" not in frame.facts and frame.facts["beyond_refusal"] == "relu in module 1"
    assert frame.tables["beyond_field"]["image"].shape == (1, 1)
    assert any("continuation" in text for text in frame.tables["beyond_names"]["text"])
    assert any("smooth" in note for note in frame.notes)
    kinks = frame.tables["beyond_feed_points"]
    assert len(kinks["x"]) >= 3 and not np.any(kinks["y"])
    assert min(kinks["distance"]) == pytest.approx(frame.facts["beyond_kink_over_bound"])
    assert frame.facts["beyond_limit_all"] == "feed-forward"


def test_another_activation_is_trained_here_and_has_a_picture(lens: GhostsLens) -> None:
    frame = frame_at(lens, 2, request(network="mlp", beyond_activation="tanh"))
    assert frame.facts["test_accuracy"] > 0.93
    assert frame.facts["beyond_radius"] > 0 and frame.tables["beyond_field"]["image"].shape[1] >= COARSE
    assert [row.split(",")[0] for row in frame.tables["beyond_layers"]["name"]] == ["tanh", "output"]
    again = frame_at(lens, 1, request(network="mlp", beyond_activation="tanh"))
    assert again.facts["beyond_radius"] == frame.facts["beyond_radius"]


def test_the_sandbox_and_a_flat_sample_say_why_there_is_nothing(lens: GhostsLens) -> None:
    frame = lens.compute(request(source="sandbox"))
    assert any("straight lines" in note for note in frame.notes)
    assert not len(frame.tables["beyond_unit"]["bound"])


def test_it_can_be_cancelled_between_parts(lens: GhostsLens) -> None:
    """A training and a search have places to stop: many more items than frames."""
    frames = lens.frames(
        lens.validated(request(network="mlp", beyond_activation="sigmoid", direction="random"))
    )
    items = [next(frames) for _ in range(40)]
    frames.close()  # pyright: ignore[reportAttributeAccessIssue]
    assert sum(item is None for item in items) > 30


def test_a_picture_is_whole_or_not_there(lens: GhostsLens) -> None:
    """Whatever is cancelled, and whoever is overtaken by a page that draws the same more finely."""
    known = _state(lens, request(network="linear"))

    def fresh() -> beyond_state.Beyond:
        return replace(known, picture=None)

    whole = fresh()
    places = len(list(beyond_state.find_picture(whole, 64)))
    assert whole.picture is not None and len(whole.picture.zeros) > 0
    cancelled = fresh()
    parts = beyond_state.find_picture(cancelled, 64)
    for _ in range(places):
        next(parts)
    parts.close()  # pyright: ignore[reportAttributeAccessIssue]
    assert cancelled.picture is None
    for _ in beyond_state.find_picture(cancelled, 64):
        pass
    assert cancelled.picture is not None and cancelled.picture.zeros == whole.picture.zeros
    slow = beyond_state.find_picture(overtaken := fresh(), 64)
    next(slow)
    for _ in (*beyond_state.find_picture(overtaken, 96), *slow):
        pass
    assert overtaken.picture is not None
    assert overtaken.picture.columns == overtaken.picture.image.shape[1] == 96


def test_a_network_is_trained_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """On one of torch's threads wherever it is asked for: the same bits come out."""
    seen: list[int] = []

    def watched(*args: Any) -> Iterator[Snapshot]:
        for snapshot in train(*args):
            seen.append(torch.get_num_threads())
            yield snapshot

    monkeypatch.setattr(beyond_networks, "train", watched)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        asked = GhostsLens().validated(request(network="mlp", beyond_activation="silu", stage="middle"))
        for _ in source_in_parts(asked):
            assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert len(seen) > 5 and set(seen) == {1}


def test_the_step_is_in_units_of_the_bound(lens: GhostsLens, normalised: Frame) -> None:
    asked = lens.validated(request(r=1.7))
    disc = lens.hand(asked, normalised)["beyond_step_disc"]
    np.testing.assert_allclose(np.hypot(disc["x"], disc["y"]), 1.7)
    first = lens.readouts(asked, normalised)[0]
    assert first.beside == "1.70" and first.role == "hand"


def test_words_have_numbers_and_no_not_a_number(lens: GhostsLens, normalised: Frame) -> None:
    asked = lens.validated(request())
    for claim in lens.claims(asked, normalised):
        assert "nan" not in claim.ours and "not a number" not in claim.ours
    table = lens.table(asked, normalised)
    assert table is not None and len(table.rows) == 5 and len(table.headings) == len(table.rows[0])
    assert "output" in [row[0] for row in table.rows if "sample" in row[-1]]


def test_wanted_samples_are_spread_over_the_training_set() -> None:
    wanted = beyond_state.Others.wanted(1438)
    assert len(wanted) == beyond_state.SAMPLES and (wanted[0], wanted[-1]) == (0, 1437)


def test_a_radius_that_was_not_found_is_no_point(lens: GhostsLens) -> None:
    one = _state(lens, request(network="linear", direction="momentum"))
    known = beyond_state.others(one.source, one.temperature).found
    for index in beyond_state.Others.wanted(len(one.source.labels))[:2]:
        known[index] = true_radius(
            one.source.model(), one.source.images[index : index + 1], one.source.direction
        )
    key = min(known)
    known[key] = known[key]._replace(radius=math.nan)
    tables = beyond_tables.sample_tables(one)
    assert (
        sum(len(tables[f"beyond_samples_{name}"]["x"]) for name in beyond_tables.PARTS.values())
        == len(known) - 1
    )
