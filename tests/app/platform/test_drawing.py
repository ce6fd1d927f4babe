"""Every kind of mark: the columns written in place are those HoloViews draws when it draws afresh."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace
from typing import Any, get_args

import holoviews as hv
import numpy as np
import pytest
from bokeh.models import CustomJS, DataRange1d, GlyphRenderer, Range1d
from holoviews.plotting.bokeh import BokehRenderer

from anisoscope.app.drawing.columns import source_data
from anisoscope.app.drawing.elements import element
from anisoscope.app.drawing.screen import Screen
from anisoscope.app.drawing.style import options
from anisoscope.app.figure import Axis, Figure, Kind, Layer, Style
from anisoscope.app.frame import Frame


def example(kind: str, count: int = 5) -> dict[str, Any]:
    x = np.linspace(0.1, 0.9, count)
    y = np.sin(7 * x)
    hole = np.array([[0.5, 0.1], [0.6, 0.1], [0.6, 0.2]]) * count / 5
    return {
        "curve": {"x": x, "y": y},
        "points": {"x": x, "y": y, "m": x**2},
        "steps": {"x": np.linspace(0, 1, count + 1), "y": y},
        "area": {"x": x, "y": y + 1, "y2": y - 1},
        "path": {"xs": [x, x[:3]], "ys": [y, y[:3] + 1]},
        "polygons": {"xs": [np.array([0.0, 1, 1])], "ys": [np.array([0.0, 0, 1])], "holes": [[hole]]},
        "segments": {"x0": x, "y0": y, "x1": x + 0.1, "y1": y + 0.2},
        "image": {
            "x0": [-1],
            "x1": [1],
            "y0": [-2],
            "y1": [2],
            "image": np.arange(12, dtype=np.uint8).reshape(3, 4),
        },
        "bars": {"left": x, "right": x + 0.1, "top": y},
        "labels": {"x": x, "y": y, "text": [f"t{i}" for i in range(count)]},
        "vlines": {"x": x},
        "hlines": {"y": y},
        "vspans": {"x0": x, "x1": x + 0.1},
    }[kind]


def layer(kind: str) -> Layer:
    palette = "phase" if kind == "image" else None
    hover = ("m",) if kind == "points" else ()
    return Layer("table", kind, Style(standing="ring" if kind == "points" else "exact"), hover, palette)  # type: ignore[arg-type]


def figure(kind: str) -> Figure:
    return Figure("f", "A figure", [layer(kind)], Axis("x", (0, 1), ((0, "0"), (1, "1"))), Axis("y", (0, 1)))


def flat(value: Any) -> np.ndarray:
    if isinstance(value, (list, tuple)) and value and not isinstance(value[0], (str, float, int)):
        return np.concatenate([flat(piece) for piece in value])
    return np.asarray(value).ravel()


@pytest.mark.parametrize("count", [5, 9])
@pytest.mark.parametrize("kind", get_args(Kind))
def test_written_columns_equal_a_fresh_render(kind: str, count: int) -> None:
    mark = layer(kind)
    columns = example(kind, count)
    drawn = element(mark, columns).opts(**options(mark, "bokeh"), backend="bokeh")
    fresh = BokehRenderer.instance(webgl=False).get_plot(hv.Overlay([drawn])).subplots
    source = next(iter(fresh.values())).handles["source"].data
    written = {name: v for name, v in source_data(mark, columns).items() if name not in mark.hover}
    assert set(written) == set(source)
    for name, values in written.items():
        ours, theirs = flat(values), flat(source[name])
        assert ours.shape == theirs.shape, name
        if ours.dtype.kind in "fiu":
            np.testing.assert_allclose(ours.astype(float), theirs.astype(float), rtol=2e-7, err_msg=name)
        else:
            assert list(ours) == list(theirs)


@pytest.mark.parametrize("kind", get_args(Kind))
def test_a_drawn_figure_takes_a_newer_frame_of_another_length(kind: str) -> None:
    frame = Frame({"table": example(kind)})
    screen = Screen(figure(kind), frame, {})
    (renderer,) = screen.draw(frame).renderers
    ((source, data),) = screen.changes(Frame({"table": example(kind, 9)}))
    assert isinstance(renderer, GlyphRenderer) and renderer.data_source is source
    source.data = data
    assert set(source.data) == set(source_data(layer(kind), example(kind, 9)))


def test_numbers_travel_as_float32_and_indices_as_they_are() -> None:
    assert source_data(layer("curve"), example("curve"))["y"].dtype == np.float32
    assert source_data(layer("image"), example("image"))["image"][0].dtype == np.uint8


def test_image_rows_run_upward() -> None:
    data = source_data(layer("image"), example("image"))
    assert (data["x"], data["y"], data["dw"], data["dh"]) == ([-1.0], [-2.0], [2.0], [4.0])
    assert data["image"][0][0, 0] == 0


def test_shared_ranges_are_one_object_and_follow_the_frame() -> None:
    ranges: dict[str, Range1d] = {}
    frame = Frame({"table": example("curve")})
    shared = Axis("t", (-6, 6), share="tau")
    first = Screen(Figure("a", "A", [layer("curve")], shared, Axis("y", (0, 1))), frame, ranges)
    second = Screen(Figure("b", "B", [layer("curve")], shared, Axis("y")), frame, ranges)
    assert first.draw(frame).x_range is second.draw(frame).x_range
    assert isinstance(second.model.y_range, DataRange1d)
    wider = Figure("a", "A", [layer("curve")], Axis("t", (-12, 12), share="tau"), Axis("y", (0, 1)))
    first.follow(wider)
    assert isinstance(second.model.x_range, Range1d) and second.model.x_range.end == 12


def test_a_figure_that_is_drawn_late_is_drawn_as_it_is_by_then() -> None:
    ranges: dict[str, Range1d] = {}
    frame, newer = (Frame({"table": example("curve", count)}) for count in (5, 9))
    screen = Screen(figure("curve"), frame, ranges)
    called = CustomJS(code="")
    screen.on_event("tap", called)
    with pytest.raises(RuntimeError, match="not drawn yet"):
        _ = screen.model
    screen.follow(replace(figure("curve"), x=Axis("later", (3, 4))))
    model = screen.draw(newer)
    assert isinstance(model.x_range, Range1d) and model.xaxis[0].axis_label == "later"
    assert (model.x_range.start, model.x_range.end) == (3, 4)
    assert model.js_event_callbacks == {"tap": [called]}
    assert screen.draw(frame) is model


def test_a_missing_layer_is_not_drawn_over_silently() -> None:
    with pytest.raises(KeyError):
        Screen(figure("curve"), Frame({"other": example("curve")}), {})


def test_a_figure_drawn_outside_a_session_is_kept_by_nobody() -> None:
    frame = Frame({"table": example("curve")})
    screen = Screen(figure("curve"), frame, {})
    drawn = weakref.ref(screen.draw(frame))
    assert drawn() is not None
    del screen
    gc.collect()
    assert drawn() is None
