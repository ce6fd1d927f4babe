"""`anisoscope doctor`: versions, devices, and what is wrong with this machine, in words."""

from __future__ import annotations

import argparse
import os
import platform
from importlib import resources
from importlib.metadata import PackageNotFoundError, requires, version

from .chromium import find_chromium
from .errors import CommandError
from .serving import check_address, has_screen

NEEDED_ASSETS = (
    "fonts",
    "theme",
    "components",
    "ghosts/checkpoints",
    "ghosts/story.md",
    "ghosts/presets.json",
)


def doctor(asked: argparse.Namespace) -> int:
    """Print what is here; status 1 when something that is needed is broken."""
    broken: list[str] = []
    for title, section in (("Versions", _versions), ("Devices", _devices), ("Assets", _assets)):
        _print(title, section(broken))
    _print("Serving", _serving(asked.port))
    if not broken:
        print("\nNothing is wrong with this machine.")
        return 0
    print("\nWhat is wrong with this machine:")
    for sentence in broken:
        print(f"- {sentence}")
    return 1


def _print(title: str, rows: list[tuple[str, str]]) -> None:
    print(title)
    for name, value in rows:
        print(f"  {name:<20} {value}")


def _versions(broken: list[str]) -> list[tuple[str, str]]:
    from packaging.requirements import Requirement

    rows = [("python", platform.python_version()), ("platform", platform.platform())]
    rows.append(("anisoscope", version("anisoscope")))
    for line in requires("anisoscope") or ():
        requirement = Requirement(line)
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            found = version(requirement.name)
        except PackageNotFoundError:
            found = "missing"
            broken.append(f"{requirement.name} is not installed; {requirement} is needed.")
        else:
            if not requirement.specifier.contains(found, prereleases=True):
                broken.append(f"{requirement.name} is {found}; {requirement} is needed.")
        rows.append((requirement.name, found))
    return rows


def _devices(broken: list[str]) -> list[tuple[str, str]]:
    wanted = os.environ.get("ANISOSCOPE_DEVICE", "auto")
    rows = [("ANISOSCOPE_DEVICE", wanted)]
    try:
        import torch
    except (ImportError, OSError) as error:
        broken.append(f"torch cannot be imported: {error}.")
        return rows
    cuda = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    rows.append(("cpu", f"{os.cpu_count()} cores, {torch.get_num_threads()} threads"))
    rows.append(("cuda", ", ".join(cuda) or "none"))
    rows.append(("mps", "yes" if torch.backends.mps.is_available() else "none"))
    here = {"auto", "cpu", *(f"cuda:{i}" for i in range(len(cuda)))}
    here |= {"cuda"} if cuda else set()
    here |= {"mps"} if torch.backends.mps.is_available() else set()
    if wanted not in here:
        broken.append(
            f"ANISOSCOPE_DEVICE is {wanted!r}; on this machine it can be {', '.join(sorted(here))}."
        )
    return rows


def _assets(broken: list[str]) -> list[tuple[str, str]]:
    root = resources.files("anisoscope.assets")
    rows = []
    for path in NEEDED_ASSETS:
        place = root.joinpath(*path.split("/"))
        present = place.is_file() or (place.is_dir() and any(place.iterdir()))
        rows.append((path, "present" if present else "missing"))
        if not present:
            broken.append(f"The installed package lacks assets/{path}; install it again.")
    return rows


def _serving(port: int) -> list[tuple[str, str]]:
    try:
        check_address("127.0.0.1", port)
        state = "free"
    except CommandError as error:
        state = str(error)
    screen = "can be opened" if has_screen() else "no screen here: open the printed address elsewhere"
    chromium = find_chromium() or "not found (only `make test` needs one, and installs it)"
    return [(f"port {port}", state), ("browser", screen), ("chromium", chromium)]
