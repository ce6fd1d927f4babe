"""Finds a Chromium for the browser tests, or installs one by what this machine offers.

`python tests/chromium.py` prints its path, or says what to do and exits with 1.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from anisoscope.app.command.chromium import find_chromium

LAUNCH_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

PLAYWRIGHT_DOWNLOAD = (sys.executable, "-m", "playwright", "install", "chromium")
PLAYWRIGHT_LIBRARIES = (sys.executable, "-m", "playwright", "install-deps", "chromium")

# Package manager: the commands that install a Chromium with it.
SYSTEM_INSTALLS = {
    "apt-get": (("apt-get", "update", "-q"), ("apt-get", "install", "-q", "-y", "chromium")),
    "dnf": (("dnf", "install", "-y", "chromium"),),
    "yum": (("yum", "install", "-y", "chromium"),),
    "apk": (("apk", "add", "chromium"),),
    "pacman": (("pacman", "-Sy", "--noconfirm", "chromium"),),
    "zypper": (("zypper", "--non-interactive", "install", "chromium"),),
}

ADVICE = """\
No Chromium or Chrome was found, and none could be installed here. The browser tests need one:
install Chromium with this machine's package manager, or run `.venv/bin/playwright install chromium`
where there is a network, or name one: CHROMIUM=/path/to/chrome make test"""


def install_chromium() -> str | None:
    """Try Playwright's own download, then (as root) the system's package manager; the path, or None."""
    if _run(PLAYWRIGHT_DOWNLOAD):
        found = find_chromium()
        if found is None and _is_root() and _run(PLAYWRIGHT_LIBRARIES):
            found = find_chromium()
        if found:
            return found
    if not _is_root():
        return None
    manager = next((name for name in SYSTEM_INSTALLS if shutil.which(name)), None)
    if manager is None or not all(_run(command) for command in SYSTEM_INSTALLS[manager]):
        return None
    return find_chromium()


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _run(command: tuple[str, ...]) -> bool:
    print("Installing a browser for the tests:", " ".join(command), flush=True)
    quiet = {
        **os.environ,
        "DEBIAN_FRONTEND": "noninteractive",
        "PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT": "15000",
    }
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, env=quiet, timeout=600, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"{command[0]}: {error}", file=sys.stderr)
        return False
    return done.returncode == 0


def main() -> int:
    """Print the path of a Chromium, installed now if need be."""
    path = find_chromium() or install_chromium()
    print(
        f"Chromium for the browser tests: {path}" if path else ADVICE, file=sys.stdout if path else sys.stderr
    )
    return 0 if path else 1


if __name__ == "__main__":
    sys.exit(main())
