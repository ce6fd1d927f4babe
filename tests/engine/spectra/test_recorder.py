"""The recorder: it changes nothing, records what it says, costs what it may, and ends no training."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from anisoscope.engine.spectra import (
    InvalidRecorder,
    SpectraRecorder,
    Status,
    alignment,
    spectra_run,
    spectrum,
)
from anisoscope.engine.spectra.layers import kept_columns

from .recorded_trainings import MAKERS, matrices, network, others, sgd, train


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("every", [1, 3])
def test_weights_are_bit_equal_with_and_without(tmp_path: Path, make, every: int) -> None:
    plain, watched = network(), network()
    train(plain, make(plain), 25)
    optimizers = make(watched)
    state = torch.random.get_rng_state()
    with SpectraRecorder(
        tmp_path / "run.spec", watched, optimizers, every=every, queue_length=50, budget=None
    ):
        train(watched, optimizers, 25)
    assert torch.equal(torch.random.get_rng_state(), state)
    for name, value in plain.state_dict().items():
        assert torch.equal(value, watched.state_dict()[name]), name
    assert spectra_run(tmp_path / "run.spec").steps.tolist() == list(range(1, 26, every))


@pytest.mark.parametrize("make", MAKERS)
def test_values_are_those_of_the_matrices(tmp_path: Path, make) -> None:
    """Every kind against spectra taken by hand around each step."""
    model = network()
    optimizers = make(model)
    wanted: list[dict[str, Tensor]] = []
    layer, weight = "3.weight", model.get_parameter("3.weight")
    owner = next(o for o in optimizers if any(weight is p for g in o.param_groups for p in g["params"]))

    def before(*_: object) -> None:
        assert weight.grad is not None
        wanted.append({"W": weight.detach().clone(), "G": weight.grad.clone()})

    def after(step: int) -> None:
        state, now = owner.state[weight], wanted[-1]
        now["M"] = (state["momentum_buffer"] if "momentum_buffer" in state else state["exp_avg"]).clone()
        now["U"] = (now["W"] - weight.detach()) / owner.param_groups[0]["lr"]

    owner.register_step_pre_hook(before)
    with SpectraRecorder(tmp_path / "run.spec", model, optimizers, every=1, budget=None, queue_length=9):
        train(model, optimizers, 6, after)
    run = spectra_run(tmp_path / "run.spec")
    for row, now in enumerate(wanted):
        for kind, matrix in now.items():
            index, place = run.place(layer, kind)
            error = (run.sigma(layer, kind)[row] - spectrum(matrix)).abs().max()
            assert error <= run.floor[row, index, place] + 1e-6 * spectrum(matrix)[0], kind
        found = alignment(now["U"], now["G"])
        torch.testing.assert_close(
            run.alignment[row, run.place(layer, "U")[0]].double(),
            torch.stack([found.cosine, found.dual]),
            rtol=1e-5,
            atol=1e-6,
        )
    assert bool((run.status == Status.MEASURED).all())
    assert run.learning_rate[0].tolist() == pytest.approx(
        [optimizers[-1].param_groups[0]["lr"]] + [owner.param_groups[0]["lr"]] * 2
    )
    described = run.layers[0]
    assert (described["rows"], described["columns"], described["shape"]) == (6, 9, [6, 1, 3, 3])


@pytest.mark.parametrize(("poison", "status"), [(torch.nan, Status.NAN), (-torch.inf, Status.INFINITE)])
def test_broken_gradients_are_recorded_and_harm_nothing(
    tmp_path: Path, poison: float, status: Status
) -> None:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def spoil(*_: object) -> None:
        grad = model.get_parameter("3.weight").grad
        if recorder.step + 1 == 2 and grad is not None:
            grad[0, 0] = poison

    optimizer.register_step_pre_hook(spoil)
    recorder = SpectraRecorder(tmp_path / "run.spec", model, optimizer, every=1, budget=None, queue_length=9)
    with recorder:
        train(model, [optimizer], 4)
    run = spectra_run(tmp_path / "run.spec")
    index, place = run.place("3.weight", "G")
    assert run.status[:2, index, place].tolist() == [Status.MEASURED, status]
    assert run.sigma(index, "G").isnan().all(-1).tolist()[:2] == [False, True]
    assert run.floor[:, index, place].isnan().tolist()[:2] == [False, True]
    # plain SGD keeps no momentum: absent, which is not an error
    assert bool((run.status[:, :, run.kinds.index("M")] == Status.ABSENT).all())
    assert run.status[:3, index, run.kinds.index("W")].tolist() == [Status.MEASURED] * 2 + [status]
    assert len(run.steps) == 4 and recorder.failure is None


def test_missing_gradients_closures_and_zero_rates(tmp_path: Path) -> None:
    model = nn.Linear(3, 2, bias=False)
    frozen = nn.Linear(3, 2, bias=False)
    both = nn.ModuleList([model, frozen])
    optimizer = torch.optim.SGD(both.parameters(), lr=0.0)
    x = torch.ones(4, 3)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = model(x).square().sum()
        loss.backward()
        return loss

    with SpectraRecorder(tmp_path / "run.spec", both, optimizer, every=1, budget=None, queue_length=9):
        optimizer.step(closure)
        optimizer.param_groups[0]["lr"] = 0.1
        optimizer.step(closure=closure)
    run = spectra_run(tmp_path / "run.spec")
    assert not run.sigma("0.weight", "U")[0].any()
    torch.testing.assert_close(
        run.sigma("0.weight", "U")[1], run.sigma("0.weight", "G")[1], rtol=1e-4, atol=1e-5
    )
    assert run.status[:, 1, run.kinds.index("G")].tolist() == [Status.ABSENT] * 2
    assert not run.sigma("1.weight", "U").any()


def test_bfloat16_updates_keep_their_rounding_floor(tmp_path: Path) -> None:
    model = nn.Linear(64, 64, bias=False).to(torch.bfloat16)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    with SpectraRecorder(tmp_path / "run.spec", model, optimizer, every=1, budget=None):
        model(torch.ones(1, 64, dtype=torch.bfloat16)).sum().backward()
        optimizer.step()
    run = spectra_run(tmp_path / "run.spec")
    # the update has rank one; what else the difference of bf16 weights holds is rounding and is said to be
    assert run.sigma(0, "U")[0, 1] > 0.1
    assert run.sigma(0, "U")[0, 1] < run.floor[0, 0, run.kinds.index("U")]


def test_large_matrices_are_looked_at_in_some_columns(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(40, 20), nn.Linear(20, 4))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    weight = model.get_parameter("0.weight").detach().clone()
    with SpectraRecorder(tmp_path / "run.spec", model, optimizer, limit=10, budget=None):
        model(torch.ones(2, 40)).sum().backward()
        optimizer.step()
    run = spectra_run(tmp_path / "run.spec")
    assert [(d["columns"], d["kept_columns"], d["values"]) for d in run.layers] == [(40, 10, 10), (20, 20, 4)]
    torch.testing.assert_close(run.sigma(0, "W")[0], spectrum(weight[:, ::4]).float())
    assert [kept_columns(*shape, 1024) for shape in ((4096, 4096), (50257, 768), (768, 50257), (9, 9))] == [
        1024, 83, 5461, 9,
    ]  # fmt: skip
    assert kept_columns(10**9, 5, 10) == 1


def test_stacks_of_any_size_give_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = []
    for name, entries in (("one", 1), ("all", 1 << 21)):
        monkeypatch.setattr("anisoscope.engine.spectra.snapshot.STACKED_ENTRIES", entries)
        model = nn.Sequential(*(nn.Linear(6, 6) for _ in range(3)))
        nn.utils.vector_to_parameters(torch.linspace(-1, 1, 126).cos(), model.parameters())
        optimizer = torch.optim.AdamW(model.parameters())
        with SpectraRecorder(tmp_path / name, model, optimizer):
            model(torch.eye(6)).square().sum().backward()
            optimizer.step()
        runs.append(spectra_run(tmp_path / name))
    for kind in runs[0].kinds:
        for layer in range(3):
            torch.testing.assert_close(
                runs[0].sigma(layer, kind), runs[1].sigma(layer, kind), rtol=1e-5, atol=1e-6
            )


def test_a_run_without_a_step_is_an_empty_table(tmp_path: Path) -> None:
    model = network()
    with SpectraRecorder(tmp_path / "run.spec", model, sgd(model)):
        pass
    run = spectra_run(tmp_path / "run.spec")
    assert run.steps.shape == (0,) and run.sigma(0, "W").shape == (0, 6) and run.scalars == {}


def test_rounds_of_several_optimizers(tmp_path: Path) -> None:
    """A step is one round; an optimizer that sits a round out leaves absent matrices."""
    model = network()
    first, second = torch.optim.SGD(matrices(model), lr=0.1), torch.optim.SGD(others(model), lr=0.2)
    path = tmp_path / "run.spec"
    with SpectraRecorder(path, model, [first, second], every=1, budget=None, queue_length=9) as recorder:
        train(model, [first, second], 2)
        train(model, [first], 2)
    run = spectra_run(path)
    assert recorder.step == 4 and run.steps.tolist() == [1, 2, 3, 4]
    conv = run.place("1.weight", "W")[0]
    assert run.status[:, conv, 0].tolist() == [0, 0, Status.ABSENT, Status.ABSENT]
    assert run.learning_rate[:, conv].isnan().tolist() == [False, False, True, True]
    assert bool((run.status[:, 1, 0] == 0).all())


def test_notes_scalars_and_entering_again(tmp_path: Path) -> None:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    recorder = SpectraRecorder(tmp_path / "run.spec", model, optimizer, every=2, budget=None, queue_length=9)

    def after(step: int) -> None:
        recorder.scalar(loss=torch.tensor(float(step)), accuracy=torch.nan)
        if step == 2:
            recorder.note("lr drop")

    with recorder:
        with pytest.raises(RuntimeError, match="attached already"):
            recorder.attach()
        train(model, [optimizer], 4, after)
    train(model, [optimizer], 4)
    with recorder:
        train(model, [optimizer], 2)
    run = spectra_run(tmp_path / "run.spec")
    assert run.steps.tolist() == [1, 3, 5]
    assert run.notes == [(3, "lr drop")]
    steps, values = run.scalars["loss"]
    assert steps.tolist() == [3, 5] and values.tolist() == [2.0, 4.0]
    assert run.scalars["accuracy"][1].isnan().all()
    assert [e.fields["recorded"] for e in run.record.of_kind("end")] == [2, 1]
    with pytest.raises(KeyError, match="layer is 'x'"):
        run.sigma("x", "W")
    with pytest.raises(KeyError, match="kind is 'X'"):
        run.sigma(0, "X")


def test_refusals(tmp_path: Path) -> None:
    model, path = network(), tmp_path / "run.spec"
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for settings, why in (
        ({"every": 0}, "every is 0"),
        ({"every": 2.5}, "every is 2.5"),
        ({"limit": -1}, "limit is -1"),
        ({"queue_length": 0}, "queue_length is 0"),
        ({"budget": 0.0}, r"budget is 0\.0"),
        ({"budget": float("nan")}, "budget is nan"),
        ({"kinds": ()}, r"kinds is \(\)"),
        ({"kinds": ("W", "H")}, "kinds is"),
        ({"kinds": "WW"}, "kinds is 'WW'"),
        ({"select": lambda name, p: False}, "no matrix to record"),
    ):
        with pytest.raises(InvalidRecorder, match=why):
            SpectraRecorder(path, model, optimizer, **settings)
    with pytest.raises(InvalidRecorder, match="optimizer 1, SGD, moves no parameter"):
        SpectraRecorder(path, model, [optimizer, torch.optim.SGD(network().parameters(), lr=0.1)])
    with pytest.raises(InvalidRecorder, match="no optimizer"):
        SpectraRecorder(path, model, [])
    assert not path.exists()
    path.write_text("mine")
    with pytest.raises(FileExistsError, match=r"run\.spec"), SpectraRecorder(path, model, optimizer):
        pass
    assert path.read_text() == "mine"
