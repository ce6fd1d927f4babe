"""*Muon versus Adam*: the default pair trained before the reader's eyes, its step scrubbed, a recording opened."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import torch
from playwright.sync_api import Page
from torch import nn

from anisoscope.app.lenses.spectra.lens import SpectraLens
from anisoscope.app.lenses.spectra.problems import problem_of
from anisoscope.engine.spectra import SpectraRecorder
from anisoscope.engine.training import LaneSpec, LiveTraining, SubspaceTracker, TrainingSpec, recording

from .browser import LENSES, TIMED, opened, served

STEPS, TRAININGS, RECORDS, OPENINGS = 240, 2, 1000, 2
LANES = (LaneSpec("muon", 0.02), LaneSpec("adamw", 1e-3))

COUNT_BYTES = """
window.__bytes = 0
window.WebSocket = class extends WebSocket {
  constructor(...args) {
    super(...args)
    this.addEventListener("message", ({data}) => { window.__bytes += data.length ?? data.byteLength ?? data.size })
  }
}"""

# When frames come (one serial number each) and in which animation frames they are painted, from now on.
LISTEN = """() => {
  const packet = [...Bokeh.documents[0]._all_models.values()].find((m) => m.type === 'Packet')
  window.__seen = {came: [], painted: [], last: 0}
  window.__bytes = 0
  packet.properties.serial.change.connect(() => __seen.came.push(performance.now()))
  packet.properties.echo.change.connect(() => {
    __seen.painted.push(document.timeline.currentTime)
    __seen.last = performance.timeOrigin + performance.now()
  })
}"""
SEEN = "() => ({...window.__seen, bytes: window.__bytes})"

# Moves the step over every recorded row; milliseconds to the drawn canvas.
SCRUB = f"""async ([count, pause]) => {{
  {TIMED}
  const models = [...Bokeh.documents[0]._all_models.values()]
  const slider = models.find((m) => String(m.name).startsWith('dial-step-')).data
  const lines = models.find((m) => m.name === 'figure-spectrum_lead').renderers.filter((r) => r.glyph.type === 'Line')
  const source = lines.map((r) => r.data_source).reduce((a, b) => (b.data.x?.length > (a.data.x?.length ?? 0) ? b : a))
  const times = []
  for (let step = 0; step < count; step++) {{
    await rest(pause)
    times.push(await timed(source.properties.data.change, () => {{ slider.value = step }}))
  }}
  return times.filter((time) => time).map(([, drawn]) => drawn)
}}"""


def rows() -> Iterator[dict[str, Any]]:
    """The engine alone in this process, then the page through the real command."""
    torch.set_num_threads(1)
    rate, found = _engine()
    yield from found
    with tempfile.TemporaryDirectory() as folder:
        path = _recorded(Path(folder) / "run.spec")
        read = _read(path)
        with _page() as page:
            yield from _live(page, rate)
            scrubbed = page.evaluate(SCRUB, [STEPS + 1, 20])
            name = f"scrub, {len(scrubbed)} of {STEPS + 1} recorded steps: drawn"
            yield _row(name, statistics.median(scrubbed), "ms")
            size = path.stat().st_size / 1e6
            name = f"{RECORDS} records, {size:.1f} MB: read and computed"
            yield _row(name, read, "ms")
            yield _row("the same dropped on the page: drawn", _dropped(page, path), "ms", ratio_to=name)


def _row(name: str, value: float, unit: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, **more}


def _engine() -> tuple[float, list[dict[str, Any]]]:
    """Steps a second of both lanes with all records, and what a step of the pair costs."""
    problem = problem_of("digits")
    alone = _trained(TrainingSpec(LANES, STEPS, every=STEPS), STEPS)
    with ExitStack() as stack:
        parts = {
            "singular values": stack.enter_context(_timed(recording, "measured")),
            "rotation": stack.enter_context(_timed(SubspaceTracker, "look")),
            "loss and accuracy on all digits": stack.enter_context(_timed(type(problem), "report")),
        }
        whole = _trained(TrainingSpec(LANES, STEPS), 10)
    plain = "a step of Muon and AdamW, trained alone"
    found = [_row(plain, alone, "ms"), _row("the same with every record", whole, "ms", ratio_to=plain)]
    found += [
        _row(f"  of that: {name}", 1e3 * sum(taken) / STEPS, "ms", ratio_to="the same with every record")
        for name, taken in parts.items()
    ]
    return 1e3 / whole, found


def _trained(spec: TrainingSpec, report_every: int) -> float:
    """Milliseconds of wall clock a step."""
    training = LiveTraining(problem_of("digits"), spec, report_every=report_every)
    began = time.perf_counter()
    while not training.done:
        training.advance(1.0)
    return 1e3 * (time.perf_counter() - began) / spec.steps


@contextmanager
def _timed(owner: Any, name: str) -> Iterator[list[float]]:
    """Seconds of each call of a function meanwhile."""
    plain: Callable[..., Any] = getattr(owner, name)
    taken: list[float] = []

    def timed(*args: Any, **options: Any) -> Any:
        began = time.perf_counter()
        try:
            return plain(*args, **options)
        finally:
            taken.append(time.perf_counter() - began)

    setattr(owner, name, timed)
    try:
        yield taken
    finally:
        setattr(owner, name, plain)


@contextmanager
def _page() -> Iterator[Page]:
    """The page of the lens once it rests."""
    with served(*LENSES) as (chromium, port, _):
        yield _ready(opened(chromium, port, "spectra", COUNT_BYTES))


def _ready(page: Page) -> Page:
    """The page in its opening state, once it rests."""
    page.wait_for_selector("canvas", state="attached", timeout=60_000)
    page.get_by_text("Ready", exact=True).first.wait_for(timeout=60_000)
    page.wait_for_timeout(5000)
    return page


def _live(page: Page, alone: float) -> Iterator[dict[str, Any]]:
    """The default pair trained anew, some times: frames, bytes and steps."""
    came, painted, steps, size = [], [], [], []
    for _ in range(TRAININGS):
        page.evaluate(LISTEN)
        page.get_by_role("button", name="Train live").click()
        seen = _rested(page)
        seconds = (seen["came"][-1] - seen["came"][0]) / 1000
        came.append((len(seen["came"]) - 1) / seconds)
        painted.append((len(set(seen["painted"])) - 1) / seconds)
        steps.append(STEPS / seconds)
        size.append(seen["bytes"] / len(seen["came"]) / 1000)
    yield _row("steps a second, no page", alone, "1/s")
    yield _row("steps a second, live", statistics.median(steps), "1/s", ratio_to="steps a second, no page")
    yield _row("frames a second, written", statistics.median(came), "1/s")
    yield _row("frames a second, painted", statistics.median(painted), "1/s")
    yield _row("all messages, a frame", statistics.median(size), "kB")


def _rested(page: Page) -> dict[str, Any]:
    """What was seen, once no frame has come for two seconds."""
    count = -1
    for _ in range(40):
        page.wait_for_timeout(2000)
        seen = page.evaluate(SEEN)
        if len(seen["came"]) == count:
            return seen
        count = len(seen["came"]) or -1
    raise RuntimeError(f"frames still come after 80 s: {count}")


def _recorded(path: Path) -> Path:
    """A recording of the digits' network, every step of it."""
    problem = problem_of("digits")
    model: nn.Module = problem.model(0)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3)
    with SpectraRecorder(path, model, optimizer, every=1, budget=None) as recorder:
        for step in range(1, RECORDS + 1):
            optimizer.zero_grad()
            loss = problem.loss(model, step, 0)
            recorder.scalar(loss=loss)
            loss.backward()
            optimizer.step()
            while not recorder.idle:
                time.sleep(0.0005)
    assert not recorder.dropped
    return path


def _read(path: Path) -> float:
    """Milliseconds from a file's content to its frame, in this process."""
    times = []
    for run in range(OPENINGS):
        lens = SpectraLens()
        began = time.perf_counter()
        lens.restore(lens.open_file(f"run{run}.spec", path.read_bytes()))
        lens.compute()
        times.append(1e3 * (time.perf_counter() - began))
    return statistics.median(times)


def _dropped(page: Page, path: Path) -> float:
    """Milliseconds from the choice of a file to its picture."""
    times, address = [], page.url.partition("?")[0]
    for run in range(OPENINGS):
        # a second recording would join the first
        page.goto(address)
        _ready(page).evaluate(LISTEN)
        content = path.read_bytes()
        began = time.time()
        page.locator("input[type=file]").set_input_files(
            {"name": f"run{run}.spec", "mimeType": "", "buffer": content}
        )
        times.append(_rested(page)["last"] - 1e3 * began)
    return statistics.median(times)
