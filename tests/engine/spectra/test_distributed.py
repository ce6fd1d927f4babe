"""Two processes over gloo: one record, the same weights, and whole matrices from sharded ones."""

import warnings
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import torch
import torch.distributed as dist
from processes import run_over_gloo
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from anisoscope.engine.records import RecordWriter
from anisoscope.engine.spectra import SpectraRecorder, spectra_run

pytestmark = pytest.mark.slow
RANKS, STEPS = 2, 6


def network() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(8)
        return nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 4))


def train(model: nn.Module, rank: int, ranks: int, optimizer: torch.optim.Optimizer | None = None) -> None:
    """Some steps on this rank's part of the batches."""
    optimizer = optimizer or torch.optim.AdamW(model.parameters(), lr=0.02)
    for step in range(STEPS):
        x = torch.randn(8, 6, generator=torch.Generator().manual_seed(step)).chunk(ranks)[rank]
        optimizer.zero_grad()
        model(x).square().mean().backward()
        optimizer.step()


def recorded(path: Path, model: nn.Module, rank: int, ranks: int, **more: Any) -> SpectraRecorder:
    """The same under a recorder, which is returned."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.02)
    recorder = SpectraRecorder(path, model, optimizer, every=2, queue_length=9, **{"budget": None, **more})
    with recorder:
        train(model, rank, ranks, optimizer)
    return recorder


def data_parallel(rank: int, folder: Path) -> None:
    plain, watched = network(), network()
    train(DistributedDataParallel(plain), rank, RANKS)
    # each rank has a path of its own: a second file would be seen
    recorder = recorded(folder / f"rank{rank}.spec", DistributedDataParallel(watched), rank, RANKS)
    assert recorder.step == (STEPS if rank == 0 else 0) and recorder.dropped == 0
    for ours, theirs in zip(plain.parameters(), watched.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    if rank == 0:
        torch.save([p.detach() for p in plain.parameters()], folder / "weights.pt")


def sharded_model() -> nn.Module:
    """Every parameter cut along its rows, the batch whole on both ranks."""
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.tensor import Replicate, Shard, distribute_module, distribute_tensor

    mesh = init_device_mesh("cpu", (RANKS,))

    def cut(_: str, module: nn.Module, mesh: Any) -> None:
        for name, p in list(module.named_parameters(recurse=False)):
            module.register_parameter(name, nn.Parameter(distribute_tensor(p.detach(), mesh, [Shard(0)])))

    def whole(_: nn.Module, inputs: Any, mesh: Any) -> Any:
        return tuple(distribute_tensor(x, mesh, [Replicate()]) for x in inputs)

    model = distribute_module(network(), mesh, cut)
    model.register_forward_pre_hook(lambda module, inputs: whole(module, inputs, mesh))
    return model


def sharded(rank: int, folder: Path) -> None:
    plain, watched = sharded_model(), sharded_model()
    train(plain, 0, 1)
    recorder = recorded(folder / f"rank{rank}.spec", watched, 0, 1, subspace=2, budget=0.05)
    assert recorder.step == STEPS and recorder.budget.fraction is None
    for ours, theirs in zip(plain.parameters(), watched.parameters(), strict=True):
        assert torch.equal(ours.to_local(), theirs.to_local())  # pyright: ignore[reportAttributeAccessIssue]


def sharded_with_a_full_disk(rank: int, folder: Path) -> None:
    """Rank 0 stops writing; it must go on gathering, or the other waits for ever."""
    with (
        mock.patch.object(RecordWriter, "append", side_effect=OSError("no space")),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        recorder = recorded(folder / f"rank{rank}.spec", sharded_model(), 0, 1)
    assert recorder.step == STEPS and isinstance(recorder.failure, OSError if rank == 0 else type(None))


TASKS = (data_parallel, sharded, sharded_with_a_full_disk)


def member(rank: int, folder: Path) -> None:
    """One of the processes: every task in turn, since starting takes longer than all of them."""
    for task in TASKS:
        task(rank, folder / task.__name__)


def together(folder: Path) -> None:
    """Runs the tasks in processes of their own."""
    for task in TASKS:
        (folder / task.__name__).mkdir()
    run_over_gloo(member, RANKS, folder)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ranks")
    together(folder)
    return folder


def test_rank_zero_alone_writes_and_weights_are_bit_equal(done: Path, tmp_path: Path) -> None:
    assert not (done / "data_parallel" / "rank1.spec").exists()
    run = spectra_run(done / "data_parallel" / "rank0.spec")
    assert run.steps.tolist() == [1, 3, 5]
    # names are those of the model, not of the wrapper
    assert [layer["name"] for layer in run.layers] == ["0.weight", "2.weight"]
    model = network()
    torch.testing.assert_close(run.sigma(0, "W")[0], torch.linalg.svdvals(model.get_parameter("0.weight")))
    # gradients are the mean over both halves of the batch, as on one process
    recorded(tmp_path / "one.spec", model, 0, 1)
    one = spectra_run(tmp_path / "one.spec")
    for kind in run.kinds:
        torch.testing.assert_close(run.sigma(1, kind), one.sigma(1, kind), rtol=1e-3, atol=1e-5)
    for ours, theirs in zip(
        torch.load(done / "data_parallel" / "weights.pt"), model.parameters(), strict=True
    ):
        torch.testing.assert_close(ours, theirs.detach(), rtol=1e-4, atol=1e-6)


def test_sharded_matrices_are_gathered(done: Path, tmp_path: Path) -> None:
    """Spectra, floors, alignments and rotations of the unsharded training, on the sampled steps."""
    assert not (done / "sharded" / "rank1.spec").exists()
    recorded(tmp_path / "one.spec", network(), 0, 1, subspace=2)
    run, one = spectra_run(done / "sharded" / "rank0.spec"), spectra_run(tmp_path / "one.spec")
    assert run.steps.tolist() == one.steps.tolist() == [1, 3, 5]
    assert [layer["shape"] for layer in run.layers] == [[8, 6], [4, 8]]
    for name in ("floor", "status", "alignment", "learning_rate", "rotation", "_sigma"):
        torch.testing.assert_close(
            getattr(run, name), getattr(one, name), rtol=1e-4, atol=1e-5, equal_nan=True, msg=name
        )


def test_a_failure_of_rank_zero_stops_nobody(done: Path) -> None:
    assert len(spectra_run(done / "sharded_with_a_full_disk" / "rank0.spec").steps) == 0


def test_without_gloo_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(dist, "is_gloo_available", lambda: False)
    with pytest.raises(AssertionError, match="built without gloo"):
        together(tmp_path)
