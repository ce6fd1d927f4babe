"""pyproject.toml, environment.yml and constraints.txt say the same."""

from __future__ import annotations

from importlib.metadata import distributions

import yaml
from checkout import ROOT, project
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name


def constraints() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").split()
    return {canonicalize_name(line.partition("==")[0]): line.partition("==")[2] for line in lines}


def asked_by_pyproject() -> list[Requirement]:
    metadata = project()["project"]
    extras = [line for lines in metadata["optional-dependencies"].values() for line in lines]
    return [Requirement(line) for line in [*metadata["dependencies"], *extras]]


def test_every_dependency_is_pinned_to_an_allowed_version() -> None:
    pins = constraints()
    wrong = [
        str(requirement)
        for requirement in asked_by_pyproject()
        if pins.get(canonicalize_name(requirement.name)) is None
        or not requirement.specifier.contains(pins[canonicalize_name(requirement.name)])
    ]
    assert not wrong


def test_constraints_hold_on_every_platform() -> None:
    pins = constraints()
    assert all(pins.values()), "every line is name==version"
    assert not [f"{name}=={pin}" for name, pin in pins.items() if "+" in pin]
    assert not [name for name in pins if name.startswith(("nvidia-", "cuda-", "triton", "anisoscope"))]


def test_environment_file_asks_for_the_same() -> None:
    listed = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    by_pip = next(entry["pip"] for entry in listed if isinstance(entry, dict))
    metadata = project()["project"]
    assert [line for line in by_pip if not line.startswith("--")] == metadata["dependencies"]
    assert f"python{metadata['requires-python']}" in listed
    assert "--constraint constraints.txt" in by_pip


def test_pinned_releases_are_for_the_oldest_python() -> None:
    # pip refuses the whole installation when one pin asks for a newer patch release of Python.
    oldest = project()["project"]["requires-python"].removeprefix(">=") + ".0"
    pins = constraints()
    too_new = [
        f"{found.name} {found.version}: {asked}"
        for found in distributions()
        if canonicalize_name(found.name) in pins
        and (asked := found.metadata.get("Requires-Python"))
        and not SpecifierSet(asked).contains(oldest)
    ]
    assert not too_new
