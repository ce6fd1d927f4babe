"""Two processes over gloo: both take the step that the worst sample of either allows."""

from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest
import torch
import torch.distributed as dist
from processes import run_over_gloo
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from anisoscope.engine.ghosts import ClipStep, InvalidModelOutput, RadiusClip, RadiusRecorder, radius_run

pytestmark = pytest.mark.slow
RANKS, STEPS = 2, 5


def data(step: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(step)
    x = torch.randn(16, 6, generator=generator)
    x[step % 16] *= 6
    return x, torch.randint(4, (16,), generator=generator)


def network() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(8)
        return nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 4)).eval()


def train(
    model: nn.Module, rank: int, ranks: int, break_at: Callable[[int], bool] | None = None
) -> list[ClipStep]:
    """Steps on this rank's part of the batches; one of them may meet inputs that are not numbers."""
    optimizer = torch.optim.SGD(model.parameters(), lr=4.0)
    clip = RadiusClip(model, optimizer, backend="finite_difference")
    found = []
    for step in range(STEPS):
        x, y = (part.chunk(ranks)[rank] for part in data(step))
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        found.append(clip.step(x * torch.nan if break_at is not None and break_at(step) else x))
    return found


def member(rank: int, folder: Path) -> None:
    """One of the processes."""
    model = network()
    with mock.patch.object(dist, "all_reduce", wraps=dist.all_reduce) as reduced:
        found = train(DistributedDataParallel(model), rank, RANKS)
        sizes = [call.args[0].numel() for call in reduced.call_args_list]
    weights = [p.detach() for p in model.parameters()]
    broken = train(DistributedDataParallel(network()), rank, RANKS, lambda step: rank == 1 and step == 2)
    raised = False
    try:
        empty = DistributedDataParallel(network())
        clip = RadiusClip(empty, torch.optim.SGD(empty.parameters(), lr=1.0))
        nn.functional.cross_entropy(empty(data(0)[0]), data(0)[1]).backward()
        refused = clip.step(data(0)[0][: 0 if rank else 16]).refused
    except InvalidModelOutput:
        raised, refused = True, True
    path = folder / f"{rank}.radius"
    still = network()
    watched = RadiusClip(still, torch.optim.SGD(still.parameters(), lr=1.0))
    with RadiusRecorder(path, watched) as recorder:
        watched.step(data(0)[0])
        recorder.note("goes on")
    notes = radius_run(path).notes if path.exists() else None
    saved = {"found": found, "sizes": sizes, "weights": weights, "broken": broken, "notes": notes}
    torch.save({**saved, "raised": raised, "refused": refused}, folder / f"{rank}.pt")


@pytest.fixture(scope="module")
def ranks(tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    """What each of the two saw."""
    folder = tmp_path_factory.mktemp("ranks")
    run_over_gloo(member, RANKS, folder)
    return [torch.load(folder / f"{rank}.pt", weights_only=False) for rank in range(RANKS)]


def test_both_agree_with_one_process_that_sees_all(ranks: list[dict]) -> None:
    whole = network()
    alone = train(whole, 0, 1)
    assert any(step.clipped for step in alone)
    for ours, theirs, one in zip(ranks[0]["found"], ranks[1]["found"], alone, strict=True):
        assert ours.scale == theirs.scale
        assert ours.radius == pytest.approx(one.radius, rel=1e-4)
        assert ours.scale == pytest.approx(one.scale, rel=1e-4)
    for ours, theirs, one in zip(ranks[0]["weights"], ranks[1]["weights"], whole.parameters(), strict=True):
        assert torch.equal(ours, theirs)
        torch.testing.assert_close(ours, one.detach(), rtol=1e-3, atol=1e-4)


def test_one_scalar_is_reduced_a_step(ranks: list[dict]) -> None:
    assert all(rank["sizes"] == [1] * STEPS for rank in ranks)


def test_what_one_refuses_all_refuse(ranks: list[dict]) -> None:
    for rank in ranks:
        assert [step.refused for step in rank["broken"]] == [False, False, True, False, False]
    assert "another process" in ranks[0]["broken"][2].reason
    # Where one raises the other does not wait for it.
    assert [rank["raised"] for rank in ranks] == [False, True] and ranks[0]["refused"]


def test_the_bottleneck_is_named_where_it_is(ranks: list[dict]) -> None:
    for step, one in enumerate(train(network(), 0, 1)):
        rank, place = divmod(one.bottleneck_index, 16 // RANKS)
        assert ranks[rank]["found"][step].bottleneck_index == place
        assert ranks[1 - rank]["found"][step].bottleneck_index == -1
    assert ranks[0]["broken"][2].bottleneck_index == -1


def test_a_note_is_taken_in_every_process(ranks: list[dict]) -> None:
    assert [rank["notes"] for rank in ranks] == [[(1, "goes on")], None]
