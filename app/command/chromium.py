"""Looks for a Chromium or Chrome on this machine: the tests drive it, `anisoscope doctor` mentions it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC_APPLICATIONS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
PLAYWRIGHT_PATTERNS = (
    "chromium-*/chrome-linux*/chrome",
    "chromium-*/chrome-mac*/*.app/Contents/MacOS/*",
    "chromium-*/chrome-win*/chrome.exe",
)


def find_chromium() -> str | None:
    """Path of a Chromium that starts: the variable CHROMIUM, the command path, then Playwright's own."""
    return next((candidate for candidate in _candidates() if _starts(candidate)), None)


def _candidates() -> Iterator[str]:
    named = os.environ.get("CHROMIUM")
    if named:
        yield named
    yield from filter(None, map(shutil.which, COMMANDS))
    yield from MAC_APPLICATIONS
    for pattern in PLAYWRIGHT_PATTERNS:
        # The newest download first.
        yield from map(str, sorted(_playwright_downloads().glob(pattern), reverse=True))


def _playwright_downloads() -> Path:
    named = os.environ.get("PLAYWRIGHT_BROWSERS_PATH")
    if named:
        return Path(named)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "ms-playwright"
    if sys.platform == "win32":
        return Path.home() / "AppData" / "Local" / "ms-playwright"
    return Path.home() / ".cache" / "ms-playwright"


def _starts(candidate: str) -> bool:
    # Some distributions ship a `chromium-browser` that only asks for another package; it must answer.
    try:
        answer = subprocess.run(
            [candidate, "--version"], capture_output=True, stdin=subprocess.DEVNULL, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0
