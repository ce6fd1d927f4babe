"""The zip: every file is what it says, and the request inside gives the same state again."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import struct
import zipfile

import numpy as np
import pytest

from anisoscope.app import first_frame
from anisoscope.app.errors import RequestError, UnknownLensError
from anisoscope.app.export import export_bundle
from anisoscope.app.export.restore import read_dropped
from anisoscope.app.lenses.ghosts import GhostsLens
from anisoscope.app.presets import presets
from anisoscope.app.registry import lens_class

PARAMETERS = {"r": 1.7, "order": 12, "temperature": 0.5, "sample": 9}


@pytest.fixture(scope="module")
def bundle() -> zipfile.ZipFile:
    sink = io.BytesIO()
    export_bundle({"lens": "ghosts", "parameters": PARAMETERS}, sink, widths_mm=(85,))
    return zipfile.ZipFile(sink)


@pytest.fixture(scope="module")
def frame():
    return GhostsLens().compute(PARAMETERS)


def test_the_request_inside_restores_the_state_and_its_tables(bundle: zipfile.ZipFile, frame) -> None:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("request.json", bundle.read("request.json"))
    for name, content in (("request.json", bundle.read("request.json")), ("export.zip", sink.getvalue())):
        slug, parameters = read_dropped(name, content)
        lens = GhostsLens()
        assert (slug, lens.restore(parameters)) == ("ghosts", [])
        assert lens.request() == lens.validated(PARAMETERS)
    again = lens.compute()
    for name, values in frame.numeric_columns().items():
        np.testing.assert_array_equal(again.numeric_columns()[name], values, err_msg=name)


def test_provenance_names_versions_device_and_precision(bundle: zipfile.ZipFile) -> None:
    told = json.loads(bundle.read("request.json"))
    assert {"python", "torch", "numpy", "anisoscope"} <= told["versions"].keys()
    assert (told["device"], told["dtype"]) == ("cpu", "float64")
    assert told["seed"] == {"direction_seed": 0, "spike_seed": 0}


def test_arrays_and_csv_hold_the_numbers_of_the_figures(bundle: zipfile.ZipFile, frame) -> None:
    lens = GhostsLens(**PARAMETERS)
    drawn = {layer.table for figure in lens.figures(frame) if figure.shown(lens) for layer in figure.layers}
    assert {f"tables/{name}.csv" for name in drawn} == {
        n for n in bundle.namelist() if n.startswith("tables/")
    }
    with np.load(io.BytesIO(bundle.read("data.npz")), allow_pickle=False) as arrays:
        for name, values in frame.numeric_columns().items():
            if name.split("/")[0] in drawn:
                np.testing.assert_array_equal(arrays[name], values)
    rows = list(csv.DictReader(io.StringIO(bundle.read("tables/true_loss.csv").decode())))
    assert [float(row["y"]) for row in rows] == list(frame.tables["true_loss"]["y"]) and set(rows[0]) == {
        "x",
        "y",
    }
    veil = list(csv.DictReader(io.StringIO(bundle.read("tables/veil.csv").decode())))
    assert {row["ring"] for row in veil} == {"0", "1"}
    field = bundle.read("tables/field.csv").decode().splitlines()
    assert [int(v) for v in field[1].split(",")] == frame.tables["field"]["image"][0].tolist()


def test_beside_a_logarithm_stands_the_value(bundle: zipfile.ZipFile, frame) -> None:
    (dot,) = csv.DictReader(io.StringIO(bundle.read("tables/error_dot.csv").decode()))
    assert float(dot["10^y"]) == pytest.approx(frame.facts["taylor_error"], rel=1e-9) and "10^x" not in dot
    (cursor,) = csv.DictReader(io.StringIO(bundle.read("tables/histogram_cursor.csv").decode()))
    assert float(cursor["10^x"]) == pytest.approx(10 ** float(cursor["x"])) and "10^y" not in cursor
    with np.load(io.BytesIO(bundle.read("data.npz"))) as arrays:
        np.testing.assert_allclose(np.log10(arrays["error/10^y"]), arrays["error/y"])
    told = bundle.read("README.txt").decode()
    assert "y: Error of the Taylor model, log" in told and "x: radius as a step τ, log" in told


@pytest.mark.parametrize("slug", ["ghosts", "overlap", "spectra", "psf"])
def test_an_axis_says_that_it_is_logarithmic_where_its_words_do(slug: str) -> None:
    """Ticks at log₁₀ of the numbers they name, in every state that a preset opens."""
    numbers = {
        f"10{''.join('⁻⁰¹²³⁴⁵⁶⁷⁸⁹'['-0123456789'.index(c)] for c in str(k))}": 10.0**k for k in range(-30, 31)
    }
    seen = 0
    for preset in presets(slug):
        lens = lens_class(slug)()
        lens.restore(lens.validated(preset.params).as_dict())
        for figure in lens.figures(first_frame.load(slug)):
            for axis in (figure.x, figure.y):
                read = [(at, numbers.get(words) or _number(words)) for at, words in axis.ticks]
                known = [(at, value) for at, value in read if value is not None]
                as_powers = [value > 0 and abs(np.log10(value) - at) < 0.02 for at, value in known]
                as_they_are = [abs(value - at) < 1e-6 * max(1.0, abs(at)) for at, value in known]
                if all(as_powers) != all(as_they_are):
                    assert axis.logarithmic == all(as_powers), (preset.name, figure.name, axis.ticks)
                    seen += axis.logarithmic
    assert seen > 0 or slug == "overlap"


def _number(words: str) -> float | None:
    try:
        return float(words.replace("−", "-"))
    except ValueError:
        return None


def test_attachments_hold_the_values_behind_colours_and_codes(bundle: zipfile.ZipFile, frame) -> None:
    with np.load(io.BytesIO(bundle.read("ghosts/samples.npz"))) as samples:
        assert samples["z"].shape == samples["a"].shape and len(samples["z"]) == len(samples["exact"])
        assert (samples["bound"] <= samples["margin"] * (1 + 1e-12)).all()
        assert samples["exact"][frame.facts["sample"]] == pytest.approx(frame.facts["exact_radius"], rel=1e-9)
    assert "ghosts/samples.npz" in bundle.read("README.txt").decode()


def exported(slug: str, **parameters: object) -> zipfile.ZipFile:
    sink = io.BytesIO()
    export_bundle({"lens": slug, "parameters": parameters}, sink, formats=(), widths_mm=())
    return zipfile.ZipFile(sink)


def test_the_point_spread_function_and_its_maps_are_exported_as_values() -> None:
    found = exported("psf", turn=20.0, logarithmic=False)
    with np.load(io.BytesIO(found.read("psf/point_spread.npz"))) as file:
        x, values = file["x"], file["values"]
    assert values.shape == (len(x), len(x)) == (512, 512) and 0.98 < values.max() <= 1
    with np.load(io.BytesIO(found.read("data.npz"))) as arrays:
        np.testing.assert_allclose(arrays["psf/image"], 255 * values.clip(0, 1), atol=0.51)
    with np.load(io.BytesIO(exported("psf", view="maps").read("psf/places.npz"))) as maps:
        assert maps["beta"].shape == maps["ratio"].shape and (maps["ratio"] >= 1).all()


def test_the_sky_is_exported_as_its_coefficients() -> None:
    rows = list(csv.DictReader(io.StringIO(exported("overlap").read("overlap/sky.csv").decode())))
    assert [(int(row["l"]), int(row["m"])) for row in rows[:4]] == [(0, 0), (1, -1), (1, 0), (1, 1)]
    assert float(rows[0]["c_lm"]) == pytest.approx(math.sqrt(4 * math.pi))
    assert len(rows) == 121


def test_every_shown_figure_is_there_in_every_format(bundle: zipfile.ZipFile) -> None:
    names = {name.split("/")[1] for name in bundle.namelist() if name.startswith("figures/")}
    shown = {"plane", "loss", "error", "histogram", "coefficients", "thumbnails", "estimates"}
    assert names == {f"{figure}-85mm.{ending}" for figure in shown for ending in ("svg", "pdf", "png")}


def test_figures_have_the_width_of_the_column(bundle: zipfile.ZipFile) -> None:
    svg = bundle.read("figures/loss-85mm.svg").decode()
    assert re.search(r'<svg[^>]* width="85mm" height="[\d.]+mm"', svg)
    png = bundle.read("figures/loss-85mm.png")
    assert struct.unpack(">I", png[16:20])[0] == pytest.approx(85 / 25.4 * 300, abs=1)


def test_fonts_are_embedded_and_text_stays_text(bundle: zipfile.ZipFile) -> None:
    pdf = bundle.read("figures/loss-85mm.pdf")
    assert b"/FontFile2" in pdf and b"/Type3" not in pdf and b"Inter" in pdf
    svg = bundle.read("figures/loss-85mm.svg").decode()
    assert "What the optimiser sees" in svg and "data:font/woff2;base64," in svg


def test_two_exports_of_one_state_have_equal_figures(bundle: zipfile.ZipFile) -> None:
    sink = io.BytesIO()
    export_bundle({"lens": "ghosts", "parameters": PARAMETERS}, sink, formats=("svg",), widths_mm=(85,))
    name = "figures/coefficients-85mm.svg"
    assert zipfile.ZipFile(sink).read(name) == bundle.read(name)


def test_the_citation_is_bibtex_of_the_paper_and_of_us(bundle: zipfile.ZipFile) -> None:
    text = bundle.read("cite.bib").decode()
    assert text.count("@") == 2 and "2603.13552" in text and text.count("{") == text.count("}")


def test_refusals_name_what_is_wrong() -> None:
    with pytest.raises(UnknownLensError, match="known lenses"):
        export_bundle({"lens": "nothing", "parameters": {}}, io.BytesIO())
    with pytest.raises(RequestError, match="formats"):
        export_bundle({"lens": "ghosts", "parameters": {}}, io.BytesIO(), formats=("gif",))
    with pytest.raises(RequestError, match="widths_mm"):
        export_bundle({"lens": "ghosts", "parameters": {}}, io.BytesIO(), widths_mm=(5,))
    with pytest.raises(RequestError, match="known parameters"):
        export_bundle({"lens": "ghosts", "parameters": {"basis": 1}}, io.BytesIO())


def test_files_that_are_no_exports_are_refused() -> None:
    with pytest.raises(RequestError, match="damaged"):
        read_dropped("a.zip", b"PK\x03\x04 not a zip")
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("other.txt", "x")
    with pytest.raises(RequestError, match=r"holds no request\.json"):
        read_dropped("a.zip", sink.getvalue())
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("request.json", " " * 70_000_000)
    with pytest.raises(RequestError, match="too large"):
        read_dropped("bomb.zip", sink.getvalue())
    with pytest.raises(RequestError, match=r"request\.json"):
        read_dropped("a.json", b"\x00\x01")
    with pytest.raises(RequestError, match="at most"):
        read_dropped("a.json", b" " * 62_000_000)


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_any_damage_to_a_zip_is_a_refusal(method: int) -> None:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", method) as archive:
        archive.writestr("request.json", '{"lens": "ghosts", "parameters": {"r": 1.5}}')
    whole = sink.getvalue()
    refused = 0
    for place in range(len(whole)):
        for byte in (0x00, 0x7F, 0xFF):
            try:
                slug, _ = read_dropped("a.zip", whole[:place] + bytes([byte]) + whole[place + 1 :])
            except RequestError:
                refused += 1
            else:
                assert isinstance(slug, str)
    assert refused > len(whole)


def test_a_request_of_another_lens_is_refused(bundle: zipfile.ZipFile) -> None:
    other = json.dumps({"lens": "elsewhere", "parameters": {}}).encode()
    with pytest.raises(RequestError, match="this lens is ghosts"):
        GhostsLens().open_file("request.json", other)
    assert GhostsLens().open_file("request.json", bundle.read("request.json"))["order"] == 12
