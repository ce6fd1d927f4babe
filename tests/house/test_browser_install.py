"""A machine without a browser gets one by what it offers, or a clear message; never a silent skip."""

from __future__ import annotations

import chromium
import pytest

from anisoscope.app.command import chromium as finder


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """A machine without a browser, where every installation succeeds and none helps; what was run."""
    run: list[tuple[str, ...]] = []
    monkeypatch.setattr(chromium, "find_chromium", lambda: None)
    monkeypatch.setattr(chromium, "_run", lambda command: run.append(command) or True)
    return run


def test_without_root_only_playwright_is_tried(
    commands: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(chromium, "_is_root", lambda: False)
    assert chromium.main() == 1
    assert commands == [chromium.PLAYWRIGHT_DOWNLOAD]
    assert "CHROMIUM=" in capsys.readouterr().err


@pytest.mark.parametrize("manager", sorted(chromium.SYSTEM_INSTALLS))
def test_root_goes_on_to_the_package_manager(
    commands: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch, manager: str
) -> None:
    monkeypatch.setattr(chromium, "_is_root", lambda: True)
    monkeypatch.setattr(chromium.shutil, "which", lambda name: name if name == manager else None)
    assert chromium.main() == 1
    playwright = [chromium.PLAYWRIGHT_DOWNLOAD, chromium.PLAYWRIGHT_LIBRARIES]
    assert commands == [*playwright, *chromium.SYSTEM_INSTALLS[manager]]


def test_what_was_installed_is_used(
    commands: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(chromium, "find_chromium", lambda: "/opt/chrome" if commands else None)
    assert chromium.main() == 0
    assert commands == [chromium.PLAYWRIGHT_DOWNLOAD]
    assert "/opt/chrome" in capsys.readouterr().out


def test_a_stub_that_does_not_start_is_no_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finder, "_candidates", lambda: iter(["false", "no-such-command"]))
    assert finder.find_chromium() is None
