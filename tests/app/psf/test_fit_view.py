"""One image fitted four ways: what is drawn and said, and what becomes of files that are no image."""

import io
import math

import numpy as np
import pytest
import torch
from PIL import Image

from anisoscope.app.errors import RequestError
from anisoscope.app.frame import Frame
from anisoscope.app.lenses.psf import LENS, fits, images
from anisoscope.app.lenses.psf.fit_view import axis_excess
from anisoscope.app.lenses.psf.fits import fits_of
from anisoscope.app.lenses.psf.nothing import tables as empty_tables
from anisoscope.app.lenses.psf.scales import WAYS
from anisoscope.engine.hashgrid import ImageFit, fit_image, power_spectrum

SMALL = {"view": "fit", "fit_steps": 10, "fit_levels": 4, "fit_log2_table": 6, "splits": 2}


def file_of(values: np.ndarray, form: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(values).save(stream, form, **options)
    return stream.getvalue()


def npy_of(values: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, values, allow_pickle=True)
    return stream.getvalue()


def dropped(name: str, content: bytes, **values: object) -> LENS:
    lens = LENS()
    lens.restore({**SMALL, **values})
    lens.restore(lens.open_file(name, content))
    return lens


@pytest.fixture(autouse=True)
def no_fits_of_other_tests():
    fits._kept.clear()


@pytest.mark.parametrize("picture", [*images.PHOTOGRAPHS, "grating", "zone plate", "star"])
def test_all_tables_are_there_and_finite(picture):
    lens = LENS()
    frame = lens.compute({**SMALL, "picture": picture, "held_out": 0.25})
    assert frame.final and set(empty_tables()) <= set(frame.tables)
    for name, values in frame.numeric_columns().items():
        assert np.isfinite(values).all(), name
    assert {layer.table for figure in lens.figures(frame) for layer in figure.layers} <= set(frame.tables)
    asked = lens.validated({**SMALL, "picture": picture})
    assert len(lens.readouts(asked, frame)) == 5 and len(lens.claims(asked, frame)) == 2
    table = lens.table(asked, frame)
    assert table is not None and all(
        len(row) == len(table.headings) == len(table.copies) for row in table.rows
    )


def test_each_way_is_the_fit_of_the_engine():
    frame = LENS().compute({**SMALL, "picture": "camera", "held_out": 0.2, "seed": 3, "fit_turn": "cycle"})
    torch.set_num_threads(1)
    for way, mode in zip(WAYS, ("plain", "cycle", "split", "hash-only"), strict=True):
        more = {"splits": 2, "levels": 4, "log2_table_size": 6, "held_out": 0.2, "seed": 3}
        states = list(fit_image(images.target("camera", "").values, mode, steps=10, **more))
        np.testing.assert_allclose(frame.tables[f"fit_psnr_{way}"]["y"], [s.psnr for s in states], rtol=1e-6)
        np.testing.assert_allclose(
            frame.tables[f"fit_held_{way}"]["y"], [s.held_out_psnr for s in states], rtol=1e-6
        )
        assert frame.facts[f"psnr_{way}"] == pytest.approx(states[-1].psnr, rel=1e-6)
        drawn = frame.tables[f"fit_{way}"]["image"][::-1] / 255
        assert states[-1].prediction is not None
        np.testing.assert_allclose(drawn, states[-1].prediction[..., 0].clamp(0, 1), atol=0.51 / 255)
        fit = ImageFit(images.target("camera", "").values, mode, **more)
        assert frame.facts[f"parameters_{way}"] == fit.parameter_count
        assert frame.facts[f"gathers_{way}"] == fit.gathers_per_point


def test_a_fit_gives_the_same_bits_again():
    first = LENS().compute(SMALL)
    fits._kept.clear()
    second = LENS().compute({**SMALL, "fit_take": 1})
    for name, values in first.numeric_columns().items():
        np.testing.assert_array_equal(values, second.numeric_columns()[name], err_msg=name)


def test_a_paused_fit_stands_still_and_goes_on_where_it_was():
    lens = LENS()
    fit = fits_of(lens.validated(SMALL))
    while fit.head < 3:
        fit.advance(0.001)
    head = fit.head
    paused = lens.compute({**SMALL, "fit_running": False})
    assert fit.head == head and len(paused.tables["fit_psnr_plain"]["x"]) == head + 1
    assert not paused.facts["ended"] and not lens.claims(lens.validated(SMALL), paused)
    assert f"paused at step {head} of 10" in paused.notes
    assert lens.compute(SMALL).facts["head"] == 10 and fit.done


def test_pictures_and_numbers_are_of_one_step():
    """A frame that is asked for when the first ways have gone on and the last have not."""
    lens = LENS()
    fit = fits_of(lens.validated(SMALL))
    while fit.head < 2:
        fit.advance(0.001)
    while len(fit._pictures) != 1:
        fit._step()
    paused = lens.compute({**SMALL, "fit_running": False})
    assert f"paused at step {fit.head} of 10" in paused.notes
    for k, way in enumerate(WAYS):
        error = (fit.turn.pictures[k] - fit.target.values).square().mean().item()
        assert paused.facts[f"psnr_{way}"] == pytest.approx(-10 * math.log10(error), abs=1e-4)
        drawn = paused.tables[f"fit_{way}"]["image"][::-1] / 255
        np.testing.assert_allclose(drawn, images.luminance(fit.turn.pictures[k]), atol=0.51 / 255)


def test_the_first_frame_comes_before_any_fit_and_all_are_of_one_kind():
    lens = LENS()
    frames = [step for step in lens.frames(lens.validated(SMALL)) if isinstance(step, Frame)]
    assert frames[0].facts["head"] == 0 and not frames[0].final and frames[-1].final
    shapes = {tuple(len(figure.layers) for figure in lens.figures(frame)) for frame in frames}
    assert len(shapes) == 1 and len({frozenset(frame.tables) for frame in frames}) == 1


def test_a_cross_in_the_spectrum_is_told_from_a_round_one():
    noise = torch.randn(96, 128, 1, generator=torch.Generator().manual_seed(0))
    assert axis_excess(power_spectrum(noise)) == pytest.approx(1, abs=0.15)
    stripes = noise + 2 * torch.randn(96, 1, 1, generator=torch.Generator().manual_seed(1))
    assert axis_excess(power_spectrum(stripes)) > 2


def test_a_spectrum_of_white_noise_is_flat_at_its_power():
    from anisoscope.app.lenses.psf.fit_view import _radial

    noise = 0.1 * torch.randn(128, 128, 3, generator=torch.Generator().manual_seed(0))
    y = _radial(power_spectrum(noise))["y"]
    assert np.median(y) == pytest.approx(10 * math.log10(0.01), abs=0.2)


def test_files_of_every_kind_become_images():
    rng = np.random.default_rng(0)
    grey, colour = rng.integers(0, 256, (9, 14), np.uint8), rng.integers(0, 256, (9, 14, 4), np.uint8)
    assert torch.equal(
        images.read("a.png", file_of(grey)).values, torch.from_numpy(grey / np.float32(255))[..., None]
    )
    assert images.read("a.jpg", file_of(colour[..., :3], "JPEG")).values.shape == (9, 14, 3)
    white = images.read("a.png", file_of(np.dstack([colour[..., :3], np.zeros_like(grey)]))).values
    assert bool((white == 1).all())
    deep = grey.astype(np.uint16) * 257
    assert torch.equal(images.read("a.png", file_of(deep)).values, images.read("b.png", file_of(grey)).values)
    assert torch.equal(images.read("a.npy", npy_of(grey)).values, images.read("b.png", file_of(grey)).values)
    assert images.read("a.png", file_of(grey > 127)).values.unique().tolist() == [0, 1]


def test_a_jpeg_is_put_upright():
    values = np.zeros((8, 16, 3), np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    assert images.read("a.jpg", file_of(values, "JPEG", exif=exif)).values.shape == (16, 8, 3)


def test_a_large_image_is_averaged_and_says_so():
    values = np.repeat(np.repeat(np.random.default_rng(0).integers(0, 256, (64, 128), np.uint8), 3, 0), 3, 1)
    lens = dropped("large.png", file_of(values))
    assert (lens.view, lens.picture) == ("fit", "own")
    frame = lens.compute()
    assert frame.facts["fit_pixels"] == (64, 128, 1)
    assert "192 × 384 pixels averaged to 64 × 128" in " ".join(frame.notes)
    small = torch.from_numpy(values[::3, ::3] / np.float32(255))[..., None]
    torch.testing.assert_close(images.target("own", lens.image).values, small)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.png", b"not a picture", "cannot be read"),
        ("a.png", file_of(np.zeros((64, 64), np.uint8))[:60], "cannot be read"),
        ("a.npy", b"\x93NUMPY", "cannot be read"),
        ("a.npy", npy_of(np.zeros((4, 4), object)), "object"),
        ("a.npy", npy_of(np.full((4, 4), np.nan)), "nan"),
        ("a.npy", npy_of(np.zeros((4, 4, 7), np.uint8)), r"\(4, 4, 7\)"),
        ("a.npy", npy_of(np.zeros(9)), r"\(9,\)"),
        ("a.npy", npy_of(np.zeros((4, 4), np.int32)), "int32"),
        ("a.npy", npy_of(np.full((4, 4), 7.0)), "0 to 1"),
        ("a.npy", npy_of(np.zeros((1, 4), np.uint8)), r"\(1, 4"),
        ("a.png", file_of(np.zeros((6000, 9000), bool)), "54.0 megapixels"),
    ],
)  # fmt: skip
def test_what_is_no_image_is_refused_by_name(name, content, says):
    lens = LENS()
    before = lens.request()
    with pytest.raises(RequestError, match=says) as refusal:
        lens.open_file(name, content)
    assert refusal.value.parameter == "image" and refusal.value.value == name
    assert lens.request() == before


def test_settings_that_cannot_be_are_refused_with_a_way_out():
    for values, parameter, repair in (
        ({"splits": 3, "fit_features": 4}, "splits", 2),
        ({"fit_growth": 3.0, "fit_levels": 16}, "fit_growth", 2.18),
        ({"picture": "own"}, "picture", "cat"),
    ):
        with pytest.raises(RequestError) as refusal:
            LENS().compute({**SMALL, **values})
        assert (refusal.value.parameter, refusal.value.repair) == (parameter, repair)
        LENS().compute({**SMALL, **values, parameter: repair})


def test_fitting_again_gives_the_same_numbers():
    lens = LENS()
    lens.restore(SMALL)
    lens.param.update(fit_running=False)
    lens.param.update(**lens.act("fit_again"))
    assert (lens.fit_take, lens.fit_running) == (1, True)
