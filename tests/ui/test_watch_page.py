"""A training recorded by one process and watched in a browser, served by the command in another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from lens_page import DRAWN, at, layer, link, value
from playwright.sync_api import Page, expect
from recorded import RadiusWriting, written
from served import as_command, until
from torch import nn

from anisoscope.engine.spectra import SpectraRecorder

pytestmark = pytest.mark.browser

WATCH = ("-m", "anisoscope.app.command", "watch")


@contextmanager
def training(path: Path, seed: int = 0) -> Iterator[Callable[[int], None]]:
    """Yields a function that trains so many steps and returns when all of them are in the file."""
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(16, 24), nn.Tanh(), nn.Linear(24, 8))
    optimizer = torch.optim.AdamW(model.parameters(), 1e-2)
    with SpectraRecorder(path, model, optimizer, every=1, budget=None) as recorder:

        def advance(steps: int) -> None:
            for _ in range(steps):
                optimizer.zero_grad()
                loss = model(torch.randn(32, 16)).square().mean()
                recorder.scalar(loss=loss)
                loss.backward()
                optimizer.step()
                until(lambda: recorder.idle)

        yield advance


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the files that are watched: three recordings that have ended, and mine.spec, which is not there yet."""
    found = tmp_path_factory.mktemp("recordings")
    for seed, name in enumerate(("one", "two")):
        with training(found / f"{name}.spec", seed) as advance:
            advance(6 + seed)
    written(found / "long.spec", range(10, 1010, 10))
    return found


@pytest.fixture(scope="module")
def watching(folder: Path) -> Iterator[str]:
    files = [str(folder / f"{name}.spec") for name in ("mine", "one", "two", "long")]
    with as_command(*files, "--no-browser", command=WATCH) as served:
        yield served


def shown(page: Page, address: str, names: str) -> None:
    page.goto(f"{address}spectra?watch={names}&step=1000000")
    page.wait_for_selector("canvas", state="attached")
    until(lambda: page.evaluate(DRAWN) >= 1, 30)


def recorded(page: Page, lane: int = 1) -> list[float]:
    """Steps of a lane as the browser has them."""
    script = """(lane) => Array.from(Bokeh.documents[0]._all_models.values())
        .filter((m) => m.type === "ColumnDataSource" && m.data.smooth && m.data.top_lead)[lane - 1]
        .data.step"""
    found = page.evaluate(f"(lane) => Array.from(({script})(lane)).filter(Number.isFinite)", lane)
    return [float(step) for step in found]


def test_the_page_waits_for_a_training_and_follows_it(page: Page, watching: str, folder: Path) -> None:
    shown(page, watching, "mine")
    expect(page.get_by_text("waiting for mine.spec").first).to_be_visible(timeout=15_000)
    with training(folder / "mine.spec") as advance:
        advance(4)
        until(lambda: recorded(page)[-1:] == [4])
        expect(page.get_by_text("at step 4", exact=True).first).to_be_visible()
        expect(page.get_by_text("waiting for mine.spec")).to_have_count(0)
        advance(5)
        until(lambda: recorded(page)[-1:] == [9])
        expect(page.get_by_text("at step 9", exact=True).first).to_be_visible()
        until(lambda: value(page, "step") == 9)
        assert "watch=mine" in link(page) and str(folder) not in link(page)
        # many records in a row: the page keeps up with a training that does not wait for it
        advance(60)
        until(lambda: recorded(page)[-1:] == [69])
    expect(page.get_by_text("at step 69", exact=True).first).to_be_visible()


def test_two_trainings_stand_side_by_side(page: Page, watching: str) -> None:
    shown(page, watching, "one,two")
    until(lambda: (recorded(page, 1)[-1:], recorded(page, 2)[-1:]) == ([6], [7]))
    expect(page.get_by_text("at step 7", exact=True).first).to_be_visible()


def test_a_link_reaches_no_file_that_is_not_watched(page: Page, watching: str) -> None:
    page.goto(f"{watching}spectra?watch=/etc/passwd&step=1000000")
    expect(page.get_by_text("must be names of recordings", exact=False).first).to_be_visible(timeout=15_000)


def test_a_link_to_a_step_of_a_longer_recording_stands_there(page: Page, watching: str) -> None:
    page.goto(f"{watching}spectra?watch=long&step=510")
    page.wait_for_selector("canvas", state="attached")
    until(lambda: recorded(page)[-1:] == [1000], 30)
    expect(page.get_by_text("at step 510", exact=True).first).to_be_visible()
    assert value(page, "step") == 510


def drawn_steps(page: Page) -> list[float]:
    """Steps of the blue curve, reach taken, as the browser has them."""
    return [float(step) for step in layer(page, "watch_reach", 3, "x")]


def test_a_record_of_radii_is_waited_for_and_followed(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "mine.radius"
    with as_command(str(path), "--no-browser", command=WATCH) as address:
        page.goto(f"{address}ghosts?watch=mine&view=watch&watch_step=1000000000")
        page.wait_for_selector("canvas", state="attached")
        expect(page.get_by_text("waiting for mine.radius").first).to_be_visible(timeout=30_000)
        writing = RadiusWriting(path)
        writing.steps(range(4))
        until(lambda: drawn_steps(page) == [0, 1, 2, 3], 30)
        expect(page.get_by_text("at step 3", exact=True).first).to_be_visible()
        writing.steps(range(4, 40))
        until(lambda: drawn_steps(page)[-1:] == [39], 30)
        expect(page.get_by_text("at step 39", exact=True).first).to_be_visible()
        # back over what was recorded, in the browser alone
        page.mouse.click(*at(page, "watch_reach", 17.2, 0.0))
        expect(page.get_by_text("at step 17", exact=True).first).to_be_visible()
        writing.end()
        expect(page.get_by_text("mine, finished").first).to_be_visible()
        assert "watch=mine" in link(page) and str(tmp_path) not in link(page)
