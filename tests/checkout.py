"""The checkout as the house tests see it."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("engine", "app", "assets")


def project() -> dict[str, Any]:
    """pyproject.toml, parsed."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def modules(package: str) -> list[Path]:
    """Python files of `engine`, `app` or `assets`."""
    return sorted(p for p in (ROOT / package).rglob("*.py") if "__pycache__" not in p.parts)


def dotted(path: Path) -> str:
    """Installed name of a module: engine/ghosts/radius.py is anisoscope.engine.ghosts.radius."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(("anisoscope", *(parts[:-1] if parts[-1] == "__init__" else parts)))


def tracked_files() -> list[Path]:
    """Files under version control; the whole tree where this is not a git checkout (a source archive)."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode == 0:
        paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
        return [path for path in paths if path.is_file() and not path.is_symlink()]
    folders = (*PACKAGES, "tests", "docs", "benchmarks", "notebooks", "examples")
    return [path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]
