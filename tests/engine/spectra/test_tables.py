"""Tables of a record of spectra: what does not fit its header is refused by name."""

from pathlib import Path

import numpy as np
import pytest

from anisoscope.engine.records import ForeignRecord, RecordWriter
from anisoscope.engine.spectra import spectra_run


def test_other_contents_are_no_spectra(tmp_path: Path) -> None:
    path = tmp_path / "run.spec"
    RecordWriter(path, {"content": "radii", "content_version": 3}).close()
    with pytest.raises(ForeignRecord, match=r"run\.spec: records 'radii', version 3"):
        spectra_run(path)


def spectra_file(path: Path, changed_header: dict, changed_fields: dict, changed_arrays: dict) -> Path:
    """A record of one layer, 2 × 3, one kind, one step, with something changed."""
    layer = {"name": "a", "rows": 2, "columns": 3, "kept_columns": 3, "values": 2}
    header = {"content": "spectra", "content_version": 1, "kinds": ["W"], "layers": [layer], **changed_header}
    tables = {"sigma": (2,), "floor": (1, 1), "status": (1, 1), "alignment": (1, 2), "learning_rate": (1,)}
    values = {name: np.ones(shape, dtype=np.float32) for name, shape in tables.items()} | changed_arrays
    with RecordWriter(path, header) as writer:
        writer.append("spectra", {"step": 1, "seconds": 0.5, **changed_fields}, values)
    return path


def test_the_smallest_file_of_spectra(tmp_path: Path) -> None:
    run = spectra_run(spectra_file(tmp_path / "run.spec", {}, {}, {}))
    assert run.sigma("a", "W").tolist() == [[1, 1]]


@pytest.mark.parametrize(
    ("header", "fields", "changed"),
    [
        ({"layers": 3}, {}, {}),
        ({"layers": [{"name": "a", "values": -2}]}, {}, {}),
        ({"layers": [{"name": "a", "values": 10**30}]}, {}, {}),
        ({"layers": [{"values": 2}]}, {}, {}),
        ({"layers": [{"name": "a", "values": 1}] * 2}, {}, {}),
        ({"layers": ["a"]}, {}, {}),
        ({"kinds": None}, {}, {}),
        ({"content_version": 2}, {}, {}),
        ({}, {"step": 2**70}, {}),
        ({}, {"step": "one"}, {}),
        ({}, {"notes": 3}, {}),
        ({}, {"scalars": ["loss"]}, {}),
        ({}, {}, {"sigma": np.ones(3, dtype=np.float32)}),
        ({}, {}, {"status": np.ones((2, 1), dtype=np.uint8)}),
    ],
)
def test_tables_that_do_not_fit_are_refused_by_name(
    tmp_path: Path, header: dict, fields: dict, changed: dict
) -> None:
    path = spectra_file(tmp_path / "odd.spec", header, fields, changed)
    with pytest.raises(ForeignRecord, match=r"odd\.spec: "):
        spectra_run(path)
