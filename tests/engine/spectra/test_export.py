"""Exports: what is read back from NPZ and CSV is what was recorded, and noise is called noise."""

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from anisoscope.engine.spectra import (
    SpectraRecorder,
    SpectraRun,
    Status,
    effective_rank,
    export_csv,
    export_npz,
    resolved,
    spectra_run,
    stable_rank,
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> SpectraRun:
    """Two layers; gradients of rank one, one of them NaN at the third step; scalars, a note, rotations."""
    path = tmp_path_factory.mktemp("run") / "run.spec"
    with torch.random.fork_rng():
        torch.manual_seed(3)
        model = nn.Sequential(nn.Linear(4, 6), nn.Linear(6, 3, bias=False))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    recorder = SpectraRecorder(path, model, optimizer, every=1, budget=None, queue_length=9, subspace=2)
    with recorder:
        for step in range(1, 6):
            optimizer.zero_grad()
            loss = model(torch.arange(4.0)[None] / step).square().sum()
            loss.backward()
            if step == 3:
                optimizer.param_groups[0]["params"][0].grad[0, 0] = torch.nan
                recorder.note('poisoned, "β"')
            recorder.scalar(loss=loss, constant=step)
            optimizer.step()
            if step == 3:
                torch.nn.init.ones_(model.get_parameter("0.weight"))
    return spectra_run(path)


def matrices(run: SpectraRun) -> list[tuple[int, str, int, str]]:
    return [(i, d["name"], p, kind) for i, d in enumerate(run.layers) for p, kind in enumerate(run.kinds)]


def test_npz_brings_everything_back(run: SpectraRun, tmp_path: Path) -> None:
    assert export_npz(run, tmp_path / "run.npz") == tmp_path / "run.npz"
    with np.load(tmp_path / "run.npz", allow_pickle=False) as kept:
        np.testing.assert_array_equal(kept["steps"], run.steps)
        np.testing.assert_array_equal(kept["seconds"], run.seconds)
        for index, name, place, kind in matrices(run):
            sigma, floor = run.sigma(index, kind), run.floor[:, index, place]
            np.testing.assert_array_equal(kept[f"sigma/{name}/{kind}"], sigma)
            np.testing.assert_array_equal(kept[f"floor/{name}/{kind}"], floor)
            np.testing.assert_array_equal(kept[f"status/{name}/{kind}"], run.status[:, index, place])
            np.testing.assert_array_equal(
                kept[f"below_floor/{name}/{kind}"], ~(sigma > floor[:, None]) & ~sigma.isnan()
            )
            assert run.rotation is not None
            np.testing.assert_array_equal(kept[f"rotation/{name}/{kind}"], run.rotation[:, index, place])
            np.testing.assert_array_equal(kept[f"alignment/{name}"], run.alignment[:, index])
            np.testing.assert_array_equal(kept[f"learning_rate/{name}"], run.learning_rate[:, index])
        np.testing.assert_array_equal(kept["scalar_steps/loss"], run.scalars["loss"][0])
        np.testing.assert_array_equal(kept["scalar_values/loss"], run.scalars["loss"][1])
        assert json.loads(str(kept["notes"])) == [[3, 'poisoned, "β"']]
        assert json.loads(str(kept["header"])) == run.record.header and int(kept["dropped"]) == 0


def table(path: Path) -> list[dict[str, str]]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_csv_brings_every_value_back_and_marks_noise(run: SpectraRun, tmp_path: Path) -> None:
    spectra, _ = export_csv(run, tmp_path / "run.csv")
    rows = {(int(r["step"]), r["layer"], r["kind"], int(r["index"])): r for r in table(spectra)}
    count = 0
    for index, name, place, kind in matrices(run):
        for at, step in enumerate(run.steps.tolist()):
            sigma, floor = run.sigma(index, kind)[at], run.floor[at, index, place]
            measured = run.status[at, index, place] == Status.MEASURED
            for i, value in enumerate(sigma, 1):
                row = rows.get((step, name, kind, i))
                assert (row is None) == (not measured)
                if row is not None:
                    count += 1
                    assert (
                        np.float32(row["sigma"]) == value.numpy()
                        and np.float32(row["floor"]) == floor.numpy()
                    )
                    assert row["below_floor"] == str(int(value <= floor))
                    assert float(row["seconds"]) == pytest.approx(float(run.seconds[at]), rel=1e-8)
    assert count == len(rows) == len(table(spectra))
    noise = [row for row in rows.values() if row["kind"] == "G" and row["index"] == "2"]
    # the second value of a gradient of rank one: there, not zero by decree, and marked
    assert noise and all(row["below_floor"] == "1" and row["sigma"] != "" for row in noise)


def test_csv_of_numbers(run: SpectraRun, tmp_path: Path) -> None:
    _, metrics = export_csv(run, tmp_path / "run.csv")
    assert metrics.name == "run-metrics.csv"
    rows = {(int(r["step"]), r["layer"], r["kind"], r["name"]): float(r["value"]) for r in table(metrics)}
    assert (
        rows[3, "0.weight", "G", "status"] == Status.NAN and (3, "0.weight", "G", "stable_rank") not in rows
    )
    assert rows[1, "0.weight", "M", "status"] == Status.ABSENT
    index, place = run.place("1.weight", "W")
    for at, step in enumerate(run.steps.tolist()):
        sigma = resolved(run.sigma(index, "W")[at], run.floor[at, index, place])
        assert rows[step, "1.weight", "W", "stable_rank"] == pytest.approx(
            float(stable_rank(sigma)), rel=1e-8
        )
        assert rows[step, "1.weight", "W", "effective_rank"] == pytest.approx(
            float(effective_rank(sigma)), rel=1e-8
        )
        assert rows[step, "1.weight", "", "cosine"] == pytest.approx(
            float(run.alignment[at, index, 0]), rel=1e-7
        )
        assert rows[step, "1.weight", "", "learning_rate"] == pytest.approx(0.1)
    assert run.rotation is not None
    assert rows[2, "1.weight", "W", "rotation_previous"] == pytest.approx(
        float(run.rotation[1, index, place, 0])
    )
    assert (1, "1.weight", "W", "rotation_previous") not in rows
    assert rows[1, "1.weight", "W", "rotation_first"] == 1
    steps, values = run.scalars["loss"]
    assert [rows[step, "", "", "loss"] for step in steps.tolist()] == pytest.approx(
        values.tolist(), nan_ok=True
    )
    # gradients of rank one say so, whatever noise lies below
    assert rows[1, "0.weight", "G", "effective_rank"] == pytest.approx(1)
    # bounds of what the noise allows, as on the page
    assert 0 < rows[1, "0.weight", "G", "flatness"] < 1e-3
    assert 1e3 < rows[1, "0.weight", "G", "condition_over_median"] < math.inf


def test_an_empty_run(tmp_path: Path) -> None:
    model = nn.Linear(2, 2)
    with SpectraRecorder(tmp_path / "run.spec", model, torch.optim.SGD(model.parameters(), lr=0.1)):
        pass
    run = spectra_run(tmp_path / "run.spec")
    export_npz(run, tmp_path / "run.npz")
    assert [table(path) for path in export_csv(run, tmp_path / "run.csv")] == [[], []]
    with np.load(tmp_path / "run.npz") as kept:
        assert kept["sigma/weight/W"].shape == (0, 2)


def test_a_failed_export_leaves_the_old_file(
    run: SpectraRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "run.npz"
    target.write_text("old")

    def full(*_: object, **__: object) -> None:
        raise OSError("no space")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(OSError, match="no space"):
        export_npz(run, target)
    assert target.read_text() == "old" and list(tmp_path.iterdir()) == [target]
