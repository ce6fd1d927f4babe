"""The views over all places, of tables, and of the adviser."""

import math

import numpy as np
import pytest
import torch

from anisoscope.app.errors import RequestError
from anisoscope.app.frame import Frame
from anisoscope.app.lenses.psf import LENS, maps_view, tables_view, words_beside
from anisoscope.app.lenses.psf.encoding import ANCHOR, encoding_of
from anisoscope.app.lenses.psf.nothing import tables as empty_tables
from anisoscope.engine.hashgrid import (
    advise,
    asymptotic_beta,
    collision_partners,
    fwhm,
    gradient_flow_psf,
    speckle_map,
    two_point_dip,
)

SMALL = {"levels": 6, "base": 8, "growth": 1.5, "log2_table": 8, "pixels": 32, "partner_level": 5}


def facts_of(**values):
    return LENS().compute(values).facts


@pytest.mark.parametrize("view", ["maps", "tables", "adviser"])
@pytest.mark.parametrize("dimension", [2, 3])
def test_all_tables_are_there_and_finite(view, dimension):
    frame = LENS().compute({**SMALL, "view": view, "dimension": dimension})
    assert set(empty_tables()) <= set(frame.tables)
    assert frame.final
    for name, values in frame.numeric_columns().items():
        assert np.isfinite(values).all(), name
    drawn = {layer.table for figure in LENS().figures(frame) for layer in figure.layers}
    assert drawn <= set(frame.tables)
    assert LENS().readouts(LENS().validated({**SMALL, "view": view}), frame)


def test_the_first_frame_has_every_table_or_leaves_it_as_it_was():
    for view in ("maps", "tables", "adviser"):
        lens = LENS()
        first = next(iter(lens.frames(lens.validated({**SMALL, "view": view}))))
        assert isinstance(first, Frame)
        late = [name for name in empty_tables() if name not in first.tables]
        assert all(name.startswith(("flow_", "used", "snr_measured", "partners", "advice_")) for name in late)


@pytest.mark.parametrize("kernel", ["cell", "adam_cell"])
@pytest.mark.parametrize("turn", [0.0, 30.0])
def test_widths_at_many_places_are_those_of_the_engine(kernel, turn):
    encoding = encoding_of(LENS().validated({"turn": turn}))
    torch.manual_seed(1)
    sources = torch.tensor(ANCHOR[:2], dtype=torch.float64) + torch.rand(5, 2) / encoding.average
    found = maps_view.widths_at(encoding, sources, kernel)
    phi = torch.arange(8, dtype=torch.float64) * math.pi / 8
    units = torch.stack([phi.cos(), phi.sin()], 1)
    for source, widths in zip(sources, found, strict=True):
        exact = fwhm(encoding.levels, units, kernel, encoding.rotation, source) * encoding.average
        torch.testing.assert_close(widths, exact, rtol=0.02, atol=0)


def test_over_all_places_adam_is_wider_by_the_closed_form():
    least, adam = (facts_of(view="maps", kernel=kernel)["beta_mean"] for kernel in ("cell", "adam_cell"))
    axis = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    closed = asymptotic_beta(axis, "adam") / asymptotic_beta(axis, "averaged")
    assert adam / least == pytest.approx(float(closed), rel=0.08)
    assert least == pytest.approx(8 * math.exp(-11 / 6), rel=0.04)


def test_gradient_flow_is_the_slice_of_the_engines_image():
    request = LENS().validated({**SMALL, "tau": 5.0, "kernel": "averaged", "view": "maps"})
    # an image of four coarsest cells: half the unit square
    image = gradient_flow_psf(encoding_of(request).levels.scales / 2, 5.0, maps_view.SIDE)
    distances, values = maps_view._flow_profile(maps_view.asked(request), "averaged", 5.0)
    half = maps_view.SIDE // 2
    np.testing.assert_allclose(values, image[half:, half].numpy(), atol=1e-12)
    assert distances[1] == pytest.approx(0.5 / maps_view.SIDE)


def test_flow_narrows_with_time_and_starts_as_the_kernel():
    facts = [facts_of(**SMALL, view="maps", kernel="averaged", tau=tau) for tau in (0.001, 1.0, 100.0)]
    widths = [each["flow_beta"] for each in facts]
    assert widths == sorted(widths, reverse=True)
    assert widths[0] == pytest.approx(facts[0]["flow_single"], rel=0.02)


def test_two_points_are_told_apart_where_the_dip_says():
    request = LENS().validated({"view": "maps", "kernel": "averaged", "dip": 0.4})
    encoding = encoding_of(request)
    _, facts = maps_view.two_points(request, encoding)
    distance = torch.tensor([facts["two_point"] / encoding.average])
    found = two_point_dip(encoding.levels, distance, torch.tensor([1.0, 0.0]))
    assert found.item() == pytest.approx(0.4, abs=1e-6)


def test_speckle_is_measured_near_its_law():
    # levels far beyond the table: near V = T the prime hash is better than a random one
    facts = facts_of(view="tables", levels=12, base=8, growth=1.5, log2_table=8, pixels=32)
    assert facts["snr_formula"] == pytest.approx(12 * math.sqrt(2**8 / facts["hashed_levels"]))
    assert facts["snr_measured"] == pytest.approx(facts["snr_formula"], rel=0.2)


def test_what_collisions_add_is_the_engines_speckle():
    request = LENS().validated({**SMALL, "view": "tables", "levels": 10, "log2_table": 6})
    grid, encoding = tables_view.grid_of(request), encoding_of(request)
    points, inside = tables_view._square(grid, encoding, request["field_of_view"], 24)
    assert inside.all()
    image = tables_view.speckle(request, grid, encoding, 24)["speckle"]["image"]
    found = speckle_map(grid, encoding.x0, points).numpy().reshape(24, 24)
    assert np.ptp(image.astype(int)) > 5
    assert np.corrcoef(found.ravel(), image.ravel())[0, 1] > 0.9


def test_nothing_collides_in_an_ample_table():
    frame = LENS().compute({**SMALL, "view": "tables", "log2_table": 16})
    assert frame.facts["hashed_levels"] == 0 and frame.facts["snr_formula"] is None
    assert frame.facts["partners"] == 0 and len(frame.tables["partners"]["x"]) == 0
    assert set(np.unique(frame.tables["speckle"]["image"])) <= {127, 128}


def test_partners_are_the_engines():
    request = LENS().validated({**SMALL, "view": "tables"})
    frame = LENS().compute(request)
    found = collision_partners(tables_view.grid_of(request), encoding_of(request).x0, 5)
    assert frame.facts["partners"] == len(found.rows) > 0
    np.testing.assert_allclose(frame.tables["partners"]["x"], found.positions[:, 0].numpy())


def test_integer_growth_starves_the_table_and_jitter_feeds_it():
    shape = {"view": "tables", "levels": 10, "base": 8, "log2_table": 11, "pixels": 128}
    starved = facts_of(**shape, growth=2.0)
    assert starved["rows_read"] == 7539
    assert starved["utilisation"] == pytest.approx(7539 / 15795)
    assert facts_of(**shape, growth=1.9)["utilisation"] > 0.98
    assert facts_of(**shape, growth=2.0, jitter=True)["utilisation"] > 0.95


def test_the_adviser_is_the_engines_and_its_button_takes_it():
    lens = LENS()
    lens.param.update(view="adviser", width=2.0, pixels=64, budget=0.1, base=8)
    facts = lens.compute().facts
    best = advise(2.0, 64, 100_000, base_resolution=8)
    assert (facts["advice_levels"], facts["advice_log2_table"]) == (best.levels, best.log2_table_size)
    assert facts["advice_growth"] == best.growth
    assert facts["advice_narrow"] < 2.0 < facts["advice_wide"] + 1
    checked, unknown = lens.check(lens.act("use_advice"))
    assert not unknown
    lens.param.update(**checked)
    assert (lens.levels, lens.log2_table, lens.base) == (best.levels, best.log2_table_size, 8)
    assert lens.growth == pytest.approx(best.growth, rel=1e-5)


@pytest.mark.parametrize(
    ("values", "parameter"),
    [
        ({"view": "tables", "log2_table": 24, "levels": 24, "growth": 1.9, "base": 16}, "log2_table"),
        (
            {
                "view": "adviser",
                "budget": 0.01,
                "width": 0.25,
                "pixels": 512,
                "features": 8,
                "regime": "paper",
            },
            "budget",
        ),
        ({"view": "adviser", "width": 64.0, "base": 128}, "width"),
    ],
)
def test_what_cannot_be_is_refused_by_name(values, parameter):
    with pytest.raises(RequestError) as caught:
        LENS().compute(values)
    assert caught.value.parameter == parameter
    if parameter == "log2_table":
        assert "bytes" in str(caught.value)


def test_readouts_wait_for_their_numbers():
    assert words_beside.beside("tables", {}) == ()


def test_a_width_that_is_refused_moves_no_axis() -> None:
    lens = LENS()
    asked = {"view": "adviser", "pixels": 128, "width": 2.0}
    shown = lens.compute(asked)
    axes = [(figure.x, figure.y) for figure in lens.figures(shown)]
    frames = lens.frames(lens.validated({**asked, "width": 19.5}))
    before: list[Frame] = []
    with pytest.raises(RequestError, match="width"):
        before.extend(frame for frame in frames if isinstance(frame, Frame))
    assert before
    for frame in before:
        shown = frame.after(shown)
    assert [(figure.x, figure.y) for figure in lens.figures(shown)] == axes
