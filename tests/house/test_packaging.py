"""What is installed is what is in the tree."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from checkout import PACKAGES, ROOT, dotted, modules, project


def test_package_list_is_the_tree() -> None:
    tree = {dotted(path) for package in PACKAGES for path in modules(package) if path.name == "__init__.py"}
    assert set(project()["tool"]["setuptools"]["packages"]) == tree


def test_every_module_lies_in_a_package() -> None:
    stray = [
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in modules(package)
        if not (path.parent / "__init__.py").exists()
    ]
    assert not stray


def test_type_checkers_find_the_packages() -> None:
    for package in PACKAGES:
        assert (ROOT / "typings" / "anisoscope" / package).resolve() == ROOT / package


@pytest.fixture(scope="module")
def wheel_names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Names in a wheel built from a copy, so that nothing is left behind in the checkout."""
    copy = tmp_path_factory.mktemp("copy")
    for name in (*PACKAGES, "pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy / name)
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", "dist"],
        cwd=copy, check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    (wheel,) = Path(copy, "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.mark.slow
def test_wheel_holds_every_module_and_asset(wheel_names: set[str]) -> None:
    wanted = {
        f"anisoscope/{path.relative_to(ROOT).as_posix()}"
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file()
        and "__pycache__" not in path.parts
        and (package == "assets" or path.suffix == ".py")
    }
    assert not wanted - wheel_names


@pytest.mark.slow
def test_wheel_holds_nothing_else(wheel_names: set[str]) -> None:
    top = {name.split("/")[0] for name in wheel_names}
    assert {name for name in top if not name.endswith(".dist-info")} == {"anisoscope"}
    assert not [name for name in wheel_names if "__pycache__" in name or name.startswith("anisoscope/tests")]
