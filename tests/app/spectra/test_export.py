"""The export of a training: every singular value of it, the request that gives it again, and its figures."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

import numpy as np
import pytest
import torch

from anisoscope.app.export import export_bundle
from anisoscope.app.export.restore import read_dropped
from anisoscope.app.lenses.spectra import SpectraLens, trained
from anisoscope.app.lenses.spectra.trained import training_of
from anisoscope.engine.training import KINDS

GIVEN: dict[str, Any] = {
    "steps": 20, "step": 12, "take": 90, "optimizer_3": "adamw", "rate_3": 1e-2, "branch_3": (2.0, 10.0),
}  # fmt: skip
FIGURES = {
    "training": {"spectrum_lead", "spectrum_beside", "heat", "metric", "loss"},
    "layers": {"cells", "rotation", "product"},
}


def exported(**values: Any) -> zipfile.ZipFile:
    sink = io.BytesIO()
    request = SpectraLens().validated({**GIVEN, **values})
    export_bundle(request.to_json(), sink, formats=("svg",), widths_mm=(180,))
    return zipfile.ZipFile(sink)


@pytest.fixture(scope="module")
def bundle() -> zipfile.ZipFile:
    return exported()


def drawn(archive: zipfile.ZipFile) -> set[str]:
    return {n.split("/")[1].split("-")[0] for n in archive.namelist() if n.startswith("figures/")}


def test_every_singular_value_is_there_and_is_that_of_the_weights(bundle: zipfile.ZipFile) -> None:
    arrays = np.load(io.BytesIO(bundle.read("spectra/training.npz")))
    training = training_of(SpectraLens().validated(GIVEN))
    for k, spec in enumerate(training.spec.lanes):
        lane = f"lane_{k + 1}_{spec.optimizer}"
        assert arrays[f"{lane}/steps"].tolist() == list(range(21))
        for m in training.timelines[k].layers:
            for kind in KINDS:
                values = arrays[f"{lane}/{m.name}/{kind}"]
                assert values.shape == (21, min(m.rows, m.columns))
                assert np.isnan(values[0]).all() == (kind != "W"), "the start has weights alone"
            start = training.weights(k, 0)[m.name].double()
            for step in (0, 9, 10, 11, 20):
                weights = training.weights(k, step)[m.name].double()
                for kind, matrix in (("W", weights), ("D", weights - start)):
                    if step or kind == "W":
                        check(arrays, f"{lane}/{m.name}/{kind}", step, matrix)


def check(arrays: Any, name: str, step: int, matrix: torch.Tensor) -> None:
    """Above the floor to float32, below it no worse than the floor."""
    wanted, found = torch.linalg.svdvals(matrix).numpy(), arrays[name][step]
    floor = float(arrays[f"{name}_floor"][step])
    assert 0 <= floor < wanted[0] and (found > floor).any()
    assert (np.abs(found - wanted) <= 4 * floor + 3e-6 * wanted).all(), (name, step)


def test_the_update_is_the_difference_of_two_weights(bundle: zipfile.ZipFile) -> None:
    arrays = np.load(io.BytesIO(bundle.read("spectra/training.npz")))
    training = training_of(SpectraLens().validated(GIVEN))
    name, rate = training.timelines[1].layers[1].name, 1e-3
    moved = training.weights(1, 5)[name].double() - training.weights(1, 4)[name].double()
    wanted, found = torch.linalg.svdvals(moved).numpy(), arrays[f"lane_2_adamw/{name}/U"][5]
    ratio = found[0] / wanted[0]
    assert ratio == pytest.approx(1, rel=1e-3) or ratio == pytest.approx(1 / rate, rel=1e-3)
    np.testing.assert_allclose(found[:8] / found[0], wanted[:8] / wanted[0], rtol=1e-3)


def test_the_request_inside_restores_the_training_with_its_branch(bundle: zipfile.ZipFile) -> None:
    slug, values = read_dropped("request.json", bundle.read("request.json"))
    lens = SpectraLens()
    assert (slug, lens.restore(values)) == ("spectra", [])
    assert lens.request() == lens.validated(GIVEN) and lens.branch_3 == (2.0, 10.0)
    assert training_of(lens.request()) is training_of(lens.validated(GIVEN))


def test_the_figures_are_those_of_the_view(bundle: zipfile.ZipFile) -> None:
    assert drawn(bundle) >= FIGURES["training"]
    for name in bundle.namelist():
        if name.startswith("figures/"):
            # what is embedded as base64 may spell anything
            drawing = re.sub(r"base64,[^\"')]*", "", bundle.read(name).decode())
            assert "<svg" in drawing and "nan" not in drawing.lower().replace("provenance", ""), name
    other = exported(view="layers")
    assert drawn(other) >= FIGURES["layers"]
    assert "spectra/training.npz" in other.namelist()


def test_panes_carry_no_training() -> None:
    for view in ("polar", "edge"):
        archive = exported(view=view)
        assert "spectra/training.npz" not in archive.namelist()
        assert any(name.startswith(view) for name in drawn(archive))


def test_a_training_that_was_let_go_is_made_again_for_the_file() -> None:
    """Others were asked for between the frame and the attachment."""
    lens = SpectraLens()
    asked = lens.validated({**GIVEN, "take": 91})
    frame = lens.compute(asked)
    trained._kept.clear()
    (attachment,) = lens.attachments(asked, frame).values()
    arrays = np.load(io.BytesIO(attachment.content))
    assert arrays["lane_1_muon/steps"].tolist() == list(range(21))
    shown = frame.tables["lane_1"]["loss"]
    np.testing.assert_allclose(
        arrays["lane_1_muon/loss"], shown[: len(arrays["lane_1_muon/loss"])], rtol=1e-6
    )
