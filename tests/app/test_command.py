"""The command: what it calls, what it refuses, and that a refusal is one line with status 2."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import anisoscope.app as app
from anisoscope.app import server
from anisoscope.app.command import doctor, main, serving
from anisoscope.app.request import Request

ENTRIES = {
    "ghosts": SimpleNamespace(slug="ghosts", title="Ghosts of softmax", error=None, distribution=""),
    "ill": SimpleNamespace(slug="ill", title="ill", error="ImportError: no such thing", distribution="skies"),
}


@pytest.fixture
def lenses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.__dict__, "available_lenses", lambda: ENTRIES)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch, lenses: None) -> list[tuple[Any, dict[str, Any]]]:
    calls: list[tuple[Any, dict[str, Any]]] = []
    monkeypatch.setitem(app.__dict__, "serve", lambda slugs, **options: calls.append((slugs, options)))
    return calls


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, Path, tuple[str, ...]]]:
    """Replaces the lens and the export by ones that only remember."""
    calls: list[tuple[Any, Path, tuple[str, ...]]] = []
    module = ModuleType("anisoscope.app.export")
    module.__dict__["export_bundle"] = lambda request, path, formats: calls.append((request, path, formats))
    monkeypatch.setitem(sys.modules, "anisoscope.app.export", module)
    monkeypatch.setitem(
        app.__dict__,
        "open_lens",
        lambda slug, **values: SimpleNamespace(request=lambda: Request.of(slug, {"r": 1.0, **values})),
    )
    return calls


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line with which the command refuses these arguments."""
    try:
        status = main(arguments)
    except SystemExit as end:
        status = end.code
    shown = capsys.readouterr()
    assert status == 2
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    return shown.err


def test_serve_takes_slugs_host_and_port(served: list[Any]) -> None:
    port = free_port()
    assert main(["serve", "ghosts", "--port", str(port), "--no-browser"]) == 0
    assert served == [(["ghosts"], {"host": "127.0.0.1", "port": port, "open_browser": False})]


def test_serve_opens_a_browser_only_where_there_is_a_screen(
    served: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for screen in (True, False):
        monkeypatch.setattr(serving, "has_screen", lambda screen=screen: screen)
        main(["serve", "--port", str(free_port())])
    assert [options["open_browser"] for _, options in served] == [True, False]


def test_no_screen_in_continuous_integration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("CI", "true")
    assert not serving.has_screen()


def test_serve_refuses_a_port_in_use(served: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        message = refused(capsys, "serve", "--port", str(port))
    assert f"port = {port}" in message
    assert "in use" in message
    assert not served


def test_serve_refuses_what_is_not_there(served: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert "known lenses are ghosts" in refused(capsys, "serve", "goats", "--port", str(free_port()))
    assert "host = '192.0.2.1'" in refused(capsys, "serve", "--host", "192.0.2.1", "--port", str(free_port()))
    assert "from 1 to 65535" in refused(capsys, "serve", "--port", "0")
    assert not served


def test_list_is_slug_first_and_says_what_is_broken(lenses: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.split(maxsplit=1) == ["ghosts", "Ghosts of softmax"]
    assert second.split()[0] == "ill"
    assert "no such thing" in second


def test_export_of_the_opening_state(tmp_path: Path, exported: list[Any]) -> None:
    target = tmp_path / "out.zip"
    assert main(["export", "ghosts", "--output", str(target), "--formats", "svg,pdf"]) == 0
    assert exported == [({"lens": "ghosts", "parameters": {"r": 1.0}}, target, ("svg", "pdf"))]


def test_export_of_a_saved_request(tmp_path: Path, exported: list[Any]) -> None:
    saved = tmp_path / "request.json"
    saved.write_text(json.dumps({"lens": "ghosts", "parameters": {"r": 2.5}}))
    assert main(["export", "ghosts", "--request", str(saved), "--output", str(tmp_path / "out.zip")]) == 0
    assert exported[0][0]["parameters"] == {"r": 2.5}


def test_export_refuses_what_it_cannot_read_or_write(
    tmp_path: Path, exported: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    output = ("--output", str(tmp_path / "out.zip"))
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    other = tmp_path / "other.json"
    other.write_text('{"lens": "overlap", "parameters": {}}')
    missing = str(tmp_path / "missing.json")
    assert "cannot be read" in refused(capsys, "export", "ghosts", "--request", missing, *output)
    assert "request.json" in refused(capsys, "export", "ghosts", "--request", str(broken), *output)
    assert "'overlap'" in refused(capsys, "export", "ghosts", "--request", str(other), *output)
    assert "is a folder" in refused(capsys, "export", "ghosts", "--output", str(tmp_path))
    nowhere = str(tmp_path / "nowhere" / "out.zip")
    assert "does not exist" in refused(capsys, "export", "ghosts", "--output", nowhere)
    assert "svg,pdf,png" in refused(capsys, "export", "ghosts", "--formats", "bmp", *output)
    assert not exported


def test_unknown_lenses_and_presets_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "'goats'" in refused(capsys, "cite", "goats")
    output = ("--output", str(tmp_path / "out.zip"))
    assert "'goats'" in refused(capsys, "export", "goats", "--preset", "x", *output)
    assert "preset = 'goats'" in refused(capsys, "export", "ghosts", "--preset", "goats", *output)


def test_cite_prints_bibtex(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cite", "ghosts"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("@")
    assert "2603.13552" in printed


def test_doctor_says_that_nothing_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ANISOSCOPE_DEVICE", "cpu")
    assert main(["doctor"]) == 0
    printed = capsys.readouterr().out
    for word in ("python", "torch", "panel-material-ui", "cuda", "mps", "fonts", "port 5006", "chromium"):
        assert word in printed
    assert printed.endswith("Nothing is wrong with this machine.\n")


def test_doctor_names_what_is_broken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ANISOSCOPE_DEVICE", "cuda:99")
    monkeypatch.setattr(doctor, "NEEDED_ASSETS", ("unobtainable",))
    monkeypatch.setattr(doctor, "requires", lambda name: ["numpy>=999", "no-such-package"])
    assert main(["doctor"]) == 1
    wrong = capsys.readouterr().out.partition("What is wrong with this machine:")[2]
    for word in ("cuda:99", "assets/unobtainable", "numpy>=999", "no-such-package is not installed"):
        assert word in wrong


def test_the_installed_command_answers() -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "anisoscope.app.command", "frobnicate"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("anisoscope: ")
    assert "Traceback" not in done.stderr


def test_in_a_notebook_serving_is_refused_with_what_to_do() -> None:
    async def cell() -> None:
        server.serve(["ghosts"], port=0, open_browser=False)

    # on a thread of its own: the browser tests keep a loop on this one
    with ThreadPoolExecutor(1) as pool, pytest.raises(RuntimeError, match="open_lens"):
        pool.submit(lambda: asyncio.run(cell())).result(timeout=20)
