"""Trainings that are not like ours: gradients overwritten in the step, closures, steps in steps, things that break."""

import math
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from anisoscope.engine.records import ForeignRecord, RecordWriter, read_record
from anisoscope.engine.spectra import (
    InvalidRecorder,
    SpectraRecorder,
    SpectraRun,
    Status,
    spectra_run,
    spectrum,
)
from anisoscope.engine.spectra.layers import watched_layers
from anisoscope.engine.spectra.snapshot import Snapshot, measured


class Overwriting(torch.optim.Optimizer):
    """Mixes the momentum into p.grad in place, as Muon's first publication does."""

    def __init__(self, params: Any, lr: float = 0.1):
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> Any:
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for p in group["params"]:
                buffer = self.state[p].setdefault("momentum_buffer", torch.ones_like(p))
                buffer.lerp_(p.grad, 0.5)
                p.sub_(p.grad.lerp_(buffer, 0.9), alpha=group["lr"])
        return loss


class Doubling(torch.optim.SGD):
    """Calls its parent's step, as many optimizers of projects do; the parent's hooks fire inside."""

    def step(self, closure: Any = None) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        return super().step(closure)


def watch(path: Path, model: nn.Module, *optimizers: torch.optim.Optimizer, **more: Any) -> SpectraRecorder:
    settings = {"every": 1, "budget": None, "queue_length": 50, **more}
    return SpectraRecorder(path, model, list(optimizers), **settings)


def network() -> nn.Linear:
    with torch.random.fork_rng():
        torch.manual_seed(4)
        return nn.Linear(5, 3, bias=False)


def loss_of(model: nn.Module, step: int) -> Tensor:
    x = torch.randn(7, 5, generator=torch.Generator().manual_seed(step))
    return model(x).tanh().square().mean()


def gradient(model: nn.Module, step: int) -> Tensor:
    return torch.autograd.grad(loss_of(model, step), list(model.parameters()))[0]


def check(run: SpectraRun, kind: str, wanted: list[Tensor]) -> None:
    assert len(run.steps) == len(wanted)
    assert bool((run.status[:, 0, run.kinds.index(kind)] == Status.MEASURED).all())
    for row, matrix in zip(run.sigma(0, kind), wanted, strict=True):
        torch.testing.assert_close(row, spectrum(matrix).float(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("closure", [False, True, "by name"])
@pytest.mark.parametrize("make", [Overwriting, Doubling, torch.optim.LBFGS])
def test_gradients_are_those_before_the_step(tmp_path: Path, make: Any, closure: bool | str) -> None:
    """However the gradient comes to be, G is the one at W, untouched; and nothing else changes."""
    if make is torch.optim.LBFGS and not closure:
        pytest.skip("LBFGS has no step without a closure")
    torch.optim.SGD(network().parameters(), lr=1)  # its step carries hooks from here on
    results, wanted = [], []
    for watched in (False, True):
        model = network()
        optimizer = make(model.parameters(), lr=0.1)
        if watched:
            recorder = watch(tmp_path / "run.spec", model, optimizer)
            recorder.attach()
        for step in range(1, 6):

            def again(step: int = step, model: nn.Module = model, optimizer: Any = optimizer) -> Tensor:
                optimizer.zero_grad()
                loss = loss_of(model, step)
                loss.backward()
                return loss

            if watched:
                wanted.append(gradient(model, step))
            if not closure:
                again()
                optimizer.step()
            else:
                loss = optimizer.step(closure=again) if closure == "by name" else optimizer.step(again)
                assert isinstance(loss, Tensor)
        results.append(model.weight.detach())
    assert torch.equal(*results)
    recorder.detach()
    assert recorder.step == 5 and recorder.failure is None and not optimizer._optimizer_step_pre_hooks
    check(spectra_run(tmp_path / "run.spec"), "G", wanted)


@pytest.mark.parametrize("fused", [False, True])
def test_scaled_losses_have_gradients_of_their_own_size(tmp_path: Path, fused: bool) -> None:
    """A fused optimizer is stepped with gradients that still have the scale of the loss."""
    model, wanted = network(), []
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, fused=fused)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    with watch(tmp_path / "run.spec", model, optimizer):
        for step in range(3):
            optimizer.zero_grad()
            wanted.append(gradient(model, step))
            scaler.scale(loss_of(model, step)).backward()
            scaler.step(optimizer)
            scaler.update()
    check(spectra_run(tmp_path / "run.spec"), "G", wanted)
    check(spectra_run(tmp_path / "run.spec"), "U", wanted)


def test_a_step_in_a_step_is_one_step(tmp_path: Path) -> None:
    torch.optim.SGD(network().parameters(), lr=1)
    model = network()
    optimizer, fired = Doubling(model.parameters(), lr=0.1), []
    optimizer.register_step_pre_hook(lambda *_: fired.append(1))
    with watch(tmp_path / "run.spec", model, optimizer) as recorder:
        for step in range(3):
            optimizer.zero_grad()
            loss_of(model, step).backward()
            optimizer.step()
    run = spectra_run(tmp_path / "run.spec")
    # the test is of something: torch does fire twice
    assert len(fired) == 6
    assert recorder.step == 3 and run.steps.tolist() == [1, 2, 3]
    assert bool((run.status[:, 0, :2] == 0).all()) and bool((run.status[:, 0, 3] == 0).all())


def test_a_step_that_raises_is_left_behind(tmp_path: Path) -> None:
    model = network()
    optimizer = Doubling(model.parameters(), lr=0.1)

    def failing() -> Tensor:
        raise ZeroDivisionError

    with watch(tmp_path / "run.spec", model, optimizer) as recorder:
        for step in range(1, 6):
            optimizer.zero_grad()
            loss_of(model, step).backward()
            if step == 2:
                with pytest.raises(ZeroDivisionError):
                    optimizer.step(failing)
            else:
                optimizer.step()
    run = spectra_run(tmp_path / "run.spec")
    assert recorder.step == 5 and run.steps.tolist() == [1, 2, 3, 4, 5]
    assert run.status[:, 0, run.kinds.index("U")].tolist() == [0, Status.ABSENT, 0, 0, 0]


def test_what_breaks_in_a_hook_ends_the_recording_alone(tmp_path: Path) -> None:
    """A matrix that grows another row in the middle of a training: pruning and growing do such things."""
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch(tmp_path / "run.spec", model, optimizer) as recorder:
        for step in range(1, 7):
            if step == 3:
                model.weight.data = torch.ones(4, 5)
            optimizer.zero_grad()
            loss_of(model, step).backward()
            if step == 3:
                with pytest.warns(
                    RuntimeWarning, match=r"run\.spec: recording ended at step 3: RuntimeError"
                ):
                    optimizer.step()
            else:
                with warnings.catch_warnings():
                    warnings.simplefilter("error")
                    optimizer.step()
    assert recorder.step == 6 and isinstance(recorder.failure, RuntimeError)
    assert spectra_run(tmp_path / "run.spec").steps.tolist() == [1, 2]


def test_what_breaks_at_the_end_ends_the_recording_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A device that is gone when the last copies are awaited; a disk that is found full when the file is closed."""

    def broken(*_: object) -> None:
        raise OSError("gone")

    def closed(writer: RecordWriter) -> None:
        close(writer)
        broken()

    close = RecordWriter.close
    models = nn.ModuleList([network(), network()])
    optimizers = [torch.optim.SGD(model.parameters(), lr=0.1) for model in models]
    for name, method, failing in (("copies", Snapshot, "mark_copied"), ("disk", RecordWriter, "close")):
        with monkeypatch.context() as patched:
            patched.setattr(method, failing, broken if name == "copies" else closed)
            recorder = watch(tmp_path / name, models, *optimizers)
            recorder.attach()
            loss_of(models[0], 1).backward()
            optimizers[0].step()  # of two: the step ends with the watching
            with pytest.warns(RuntimeWarning, match=rf"{name}: recording ended at step 1: OSError: gone"):
                recorder.detach()
        assert len(spectra_run(tmp_path / name).steps) == (name == "disk")
        assert read_record(tmp_path / name).of_kind("end")
        assert not [thread for thread in threading.enumerate() if thread.name == "spectra-recorder"]


def test_two_optimizers_that_take_turns(tmp_path: Path) -> None:
    """Five steps of one to one of the other, as adversaries train: every step of each is told apart."""
    first, second = network(), network()
    both = nn.ModuleList([first, second])
    one, other = torch.optim.SGD(first.parameters(), lr=0.1), Overwriting(second.parameters(), lr=0.1)
    wanted = []
    with watch(tmp_path / "run.spec", both, one, other) as recorder:
        for step in range(1, 9):
            loss_of(first, step).backward()
            one.step()
            one.zero_grad()
            if step % 4 == 0:
                wanted.append(gradient(second, step))
                loss_of(second, step).backward()
                other.step()
                other.zero_grad()
    run = spectra_run(tmp_path / "run.spec")
    assert recorder.step == 8 and run.steps.tolist() == list(range(1, 9))
    there = run.status[:, 1, run.kinds.index("G")] == Status.MEASURED
    assert there.tolist() == [False, False, False, True] * 2
    for row, matrix in zip(run.sigma("1.weight", "G")[there], wanted, strict=True):
        torch.testing.assert_close(row, spectrum(matrix).float(), rtol=1e-4, atol=1e-6)


def test_nan_from_a_closure(tmp_path: Path) -> None:
    model = network()
    optimizer = Overwriting(model.parameters())

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = loss_of(model, 1)
        (loss * torch.nan).backward()
        return loss

    with watch(tmp_path / "run.spec", model, optimizer) as recorder:
        optimizer.step(closure)
        optimizer.step(closure)
    run = spectra_run(tmp_path / "run.spec")
    assert recorder.failure is None
    assert run.status[:, 0].tolist() == [[0, Status.NAN, Status.NAN, Status.NAN], [Status.NAN] * 4]


def test_what_float32_cannot_hold_is_infinite() -> None:
    model = nn.Linear(2, 2, bias=False).double()
    layers = watched_layers(model, [torch.optim.SGD(model.parameters())], 9, None)
    for size, status in ((1e38, Status.MEASURED), (1e39, Status.INFINITE), (1.0, Status.MEASURED)):
        matrix = torch.eye(2, dtype=torch.float64) * size
        found = measured(Snapshot(1, 0.0, {(0, "W"): matrix, (0, "G"): matrix / size}), layers, ["W", "G"])
        assert found["status"].tolist() == [[status, Status.MEASURED]]
        assert np.isfinite(found["sigma"][:2]).all() == (status is Status.MEASURED)
        assert not np.isinf(found["sigma"]).any() and found["sigma"][2:].tolist() == [1, 1]


def test_devices_without_float64(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their matrices come to the processor; the processor itself stands in for such a device."""
    model = network()
    layers = watched_layers(model, [torch.optim.SGD(model.parameters())], 9, None)
    matrix = torch.arange(15.0).reshape(3, 5)
    found = [measured(Snapshot(1, 0.0, {(0, "U"): matrix, (0, "G"): matrix}), layers, ["G", "U"])]
    monkeypatch.setattr("anisoscope.engine.spectra.snapshot.WITHOUT_FLOAT64", {"cpu"})
    found.append(measured(Snapshot(1, 0.0, {(0, "U"): matrix, (0, "G"): matrix}), layers, ["G", "U"]))
    for name, values in found[0].items():
        np.testing.assert_array_equal(values, found[1][name])


def test_scalars_that_are_none_are_refused_where_they_are_given(tmp_path: Path) -> None:
    recorder = watch(tmp_path / "run.spec", model := network(), torch.optim.SGD(model.parameters()))
    complexes = [torch.ones(1, dtype=torch.complex64), 1j, np.complex128(1j), np.ones((), dtype=complex)]
    for wrong in ("low", None, torch.ones(2), np.ones(2), 10**400, [1.0], *complexes):
        with pytest.raises(InvalidRecorder, match="scalar loss is"):
            recorder.scalar(loss=wrong)
    recorder.scalar(loss=np.float32(1.5), count=3, inf=math.inf, one=torch.ones(1, 1))


def test_going_on_in_another_process(tmp_path: Path) -> None:
    """A training broken off and taken up again, by a recorder that never saw the first: one record."""
    model, path = network(), tmp_path / "run.spec"
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def go_on(steps: int, start: int = 0, **more: Any) -> None:
        recorder = watch(path, model, optimizer, mode="a", **more)
        recorder.step = start
        with recorder:
            for step in range(steps):
                optimizer.zero_grad()
                loss_of(model, step).backward()
                optimizer.step()

    go_on(3)
    # killed while it wrote its last record
    with open(path, "r+b") as file:
        file.truncate(path.stat().st_size - 1)
    go_on(2)
    go_on(1, start=9)
    run = spectra_run(path)
    assert run.steps.tolist() == [1, 2, 3, 4, 5, 10]
    assert bool((run.seconds.diff() > 0).all())
    assert len(run.record.of_kind("end")) == 2
    with pytest.raises(ForeignRecord, match="another run: its header differs"):
        go_on(1, kinds=("W",))
    assert read_record(path).end == path.stat().st_size


@pytest.mark.parametrize(("first", "then"), [(2, None), (None, 2)])
def test_going_on_with_other_tables_is_refused(tmp_path: Path, first: int | None, then: int | None) -> None:
    """Records with and without rotations in one file, and none of it could be read."""
    model, path = network(), tmp_path / "run.spec"
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for step, subspace in enumerate((first, then, first)):
        recorder = watch(path, model, optimizer, mode="a", subspace=subspace)
        if step == 1:
            with pytest.raises(ForeignRecord, match="another run: its header differs"):
                recorder.attach()
            continue
        with recorder:
            loss_of(model, step).backward()
            optimizer.step()
    assert spectra_run(path).steps.tolist() == [1, 2]


def test_names_that_are_one_without_their_wrapper_stay_two(tmp_path: Path) -> None:
    class Wrapping(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight, self.module = nn.Parameter(torch.ones(3, 5)), network()

        def forward(self, x: Tensor) -> Tensor:
            return self.module(x) + x @ self.weight.T

    for model, names in ((Wrapping(), ["weight", "module.weight"]), (nn.DataParallel(network()), ["weight"])):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        with watch(tmp_path / f"{len(names)}.spec", model, optimizer):
            loss_of(model, 0).backward()
            optimizer.step()
        assert [layer["name"] for layer in spectra_run(tmp_path / f"{len(names)}.spec").layers] == names


def test_another_stream_is_awaited(monkeypatch: pytest.MonkeyPatch) -> None:
    """CUDA's order of work between the training's stream and the thread's, on a stand-in for the device."""
    told: list[str] = []
    training = SimpleNamespace(record_event=lambda: told.append("made") or "event")
    thread = SimpleNamespace(wait_event=lambda event: told.append(f"awaited {event}"))
    snapshot = Snapshot(1, 0.0)
    snapshot.matrices[0, "W"] = SimpleNamespace(device="cuda:0", is_cuda=True)  # pyright: ignore
    snapshot.matrices[0, "G"] = torch.ones(1, 1)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: training)
    snapshot.mark_copied()
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: thread)
    snapshot.await_copies()
    assert told == ["made", "awaited event"]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_on_a_device(tmp_path: Path) -> None:
    """The same spectra from a training on a side stream of a CUDA device as on the processor."""
    runs = []
    for device in ("cpu", "cuda"):
        model = network().to(device)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        stream = torch.cuda.stream(torch.cuda.Stream() if device == "cuda" else None)
        with stream, watch(tmp_path / device, model, optimizer, subspace=2):
            for step in range(9):
                optimizer.zero_grad()
                x = torch.randn(7, 5, generator=torch.Generator().manual_seed(step)).to(device)
                model(x).square().mean().backward()
                optimizer.step()
        runs.append(spectra_run(tmp_path / device))
    for kind in "WGM":
        torch.testing.assert_close(runs[1].sigma(0, kind), runs[0].sigma(0, kind), rtol=1e-3, atol=1e-5)
