"""Histograms, the outlined digit and the sandbox's bars: what is drawn is what was counted, chosen or typed."""

from __future__ import annotations

import numpy as np
import pytest

from anisoscope.app.frame import Frame
from anisoscope.app.lenses.ghosts import GhostsLens, probe


@pytest.mark.parametrize(("kind", "column"), [("bound", "y"), ("margin", "y"), ("exact", "top")])
def test_a_histogram_counts_every_sample_once_by_its_own_radius(
    opening: Frame, kind: str, column: str
) -> None:
    found = probe.radii(probe.probe("mlp_layernorm", "converged", "-gradient", 0, ""), 1.0)
    bins = opening.tables["bins"]["x"]
    counts, _ = np.histogram(np.log10(getattr(found, kind).numpy()), bins)
    assert counts.sum() == 1438
    np.testing.assert_array_equal(opening.tables[f"histogram_{kind}"][column], counts)


def test_the_batch_has_the_radius_of_its_tightest_sample(opening: Frame) -> None:
    found = probe.radii(probe.probe("mlp_layernorm", "converged", "-gradient", 0, ""), 1.0)
    for name in ("bound", "margin", "exact"):
        assert opening.facts[f"batch_{name}"] == getattr(found, name).min().item()
    of_sample = (found.top_two / found.exact)[384].item()
    assert opening.facts["top_two_over_exact"] == pytest.approx(of_sample, rel=1e-6)


@pytest.mark.parametrize("place", [0, 7, 8, 23])
def test_the_outline_stands_around_the_chosen_digit(opening: Frame, place: int) -> None:
    index = int(opening.tables["tiles"]["index"][place])
    lens = GhostsLens()
    frame = next(iter(lens.frames(lens.validated({"sample": index}))))
    assert frame is not None and frame.facts["sample"] == index
    outline, mosaic = frame.tables["chosen_tile"], frame.tables["thumbnails"]["image"]
    row, column = divmod(place, 8)
    assert (min(outline["x"]), min(outline["y"])) == (column, 2 - row)
    # Nine pixels a tile, row 0 the lowest; the digit inside the outline is the sample's.
    bottom, left = 9 * (2 - row), 9 * column
    digit = mosaic[bottom : bottom + 8, left : left + 8][::-1] / 255
    images = probe.probe("mlp_layernorm", "converged", "-gradient", 0, "").images
    np.testing.assert_allclose(digit, images[index].reshape(8, 8).numpy(), atol=0.003)


def test_no_digit_is_outlined_that_is_not_in_the_brush(opening: Frame) -> None:
    assert 384 not in opening.tables["tiles"]["index"]
    assert len(opening.tables["chosen_tile"]["x"]) == 0


def test_the_bars_are_the_sandboxs_numbers() -> None:
    logits, slopes = [1.0, 0.9, -1.0, 7.0, 0.0, 0.0], [0.5, 0.51, -2.0, -7.0, 0.0, 0.0]
    values = {"source": "sandbox", "classes": 3, "logits": logits, "slopes": slopes}
    tables = GhostsLens().compute(values).tables
    for table, column in (("sandbox_bars", "top"), ("sandbox_handles", "y")):
        assert list(tables[table][column]) == logits[:3] + slopes[:3]
    middle = (tables["sandbox_bars"]["left"] + tables["sandbox_bars"]["right"]) / 2
    np.testing.assert_allclose(tables["sandbox_handles"]["x"], middle, atol=1e-12)
    assert list(tables["sandbox_values"]["logits"]) == logits, "classes that are not shown keep their bars"
