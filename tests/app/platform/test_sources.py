"""Lenses of other people's packages: found, named, drawn and exported like ours; broken or clashing ones refused."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace

import pytest
from checkout import ROOT
from lens_page import layer, link, opened
from playwright.sync_api import Browser, expect
from served import as_command, until

from anisoscope.app import first_frame, sources
from anisoscope.app.drawing.thumbnail import thumbnail
from anisoscope.app.errors import UnknownLensError
from anisoscope.app.frame import Frame
from anisoscope.app.pages import _broken
from anisoscope.app.registry import DuplicateLensError, lens_class, lens_entries
from anisoscope.app.shell.gallery import _broken_row

EXAMPLE = ROOT / "examples" / "anisoscope-lens-example"


@pytest.fixture
def points(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Pretends that packages with these (distribution, slug, value) are installed."""

    def pretend(*lenses: tuple[str, str, str]) -> None:
        found = [
            SimpleNamespace(
                **_parts(EntryPoint(slug, value, sources.GROUP)), dist=SimpleNamespace(name=distribution)
            )
            for distribution, slug, value in lenses
        ]
        monkeypatch.setattr(
            sources.metadata, "entry_points", lambda group: found if group == sources.GROUP else []
        )
        sources._of_others.cache_clear()

    yield pretend
    sources._of_others.cache_clear()


def _parts(point: EntryPoint) -> dict[str, str]:
    return {"name": point.name, "module": point.module, "attr": point.attr}


def test_one_that_cannot_be_imported_is_a_row_with_its_message_and_the_packages_name(points) -> None:
    points(("sky-things", "skies", "no_such_module_of_ours:LENS"))
    entry = lens_entries()["skies"]
    assert (
        entry.error is not None
        and "no_such_module_of_ours" in entry.error
        and entry.distribution == "sky-things"
    )
    row = _broken_row(entry)
    assert "from sky-things" in row and "could not load: ModuleNotFoundError" in row
    assert lens_entries()["ghosts"].error is None
    with pytest.raises(ModuleNotFoundError) as caught:
        lens_class("skies")
    assert "<b>skies</b> from sky-things could not be loaded" in _broken("skies", caught.value).object


@pytest.mark.parametrize(
    ("slug", "value", "said"),
    [
        ("skies", "anisoscope.app.lens:Paper", "must be a subclass"),
        ("skies", "anisoscope.app.lens:NOTHING", "must be a subclass"),
        ("skies", "anisoscope.app.lenses.ghosts:LENS", "its slug is 'ghosts', must be 'skies'"),
        ("sky-map", "anisoscope.app.lenses.ghosts:LENS", "small letters, digits and _"),
    ],
)
def test_what_is_no_lens_says_what_is_wrong(points, slug: str, value: str, said: str) -> None:
    points(("sky-things", slug, value))
    assert said in (lens_entries()[slug].error or "")


def test_ours_wins_a_slug_and_the_other_is_refused_by_name(points) -> None:
    points(("sky-things", "ghosts", "anisoscope.app.lens:Lens"))
    entries = lens_entries()
    assert entries["ghosts"].error is None and entries["ghosts"].distribution == ""
    refused = entries["ghosts@sky-things"].error or ""
    assert "DuplicateLensError" in refused and "sky-things" in refused and "ghosts" in refused
    assert lens_class("ghosts").__module__.startswith("anisoscope.")
    with pytest.raises(DuplicateLensError, match="sky-things"):
        lens_class("ghosts@sky-things")


def test_of_two_packages_with_one_slug_neither_is_taken(points) -> None:
    points(("b-skies", "skies", "b:LENS"), ("a-skies", "skies", "a:LENS"))
    entries = lens_entries()
    assert "skies" not in entries
    for name in ("skies@a-skies", "skies@b-skies"):
        assert "a-skies and b-skies both bring a lens skies" in (entries[name].error or "")
    with pytest.raises(UnknownLensError):
        lens_class("skies")


def test_a_stored_frame_that_cannot_be_drawn_leaves_a_card_without_a_picture(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(first_frame, "load", lambda _slug: Frame({}))
    assert thumbnail("psf") is None


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example package, installed into a folder of its own without a network."""
    copy, target = tmp_path_factory.mktemp("copy") / "example", tmp_path_factory.mktemp("target")
    shutil.copytree(EXAMPLE, copy, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", "build"))
    offline = ("--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check")
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", *offline, "--quiet", "--target", str(target), str(copy)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return target


def run(installed: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    done = subprocess.run(
        [sys.executable, *arguments], env=environment, cwd=installed, capture_output=True, text=True, timeout=200,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_example_is_listed_computed_and_exported_by_the_command(installed: Path, tmp_path: Path) -> None:
    listed = run(installed, "-m", "anisoscope.app.command", "list").splitlines()
    assert any(
        line.split() == ["bowl", "Down", "a", "bowl", "(from", "anisoscope-lens-example)"] for line in listed
    )
    archive = tmp_path / "bowl.zip"
    arguments = ("export", "bowl", "--preset", "best", "--output", str(archive))
    run(installed, "-m", "anisoscope.app.command", *arguments)
    shutil.unpack_archive(archive, tmp_path / "bowl")
    names = {path.name for path in (tmp_path / "bowl").rglob("*")}
    assert {"request.json", "path.csv"} <= names and any(name.endswith(".pdf") for name in names), names


@pytest.mark.slow
def test_the_examples_own_tests_pass(installed: Path) -> None:
    assert " passed" in run(installed, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(EXAMPLE / "tests"))


@pytest.mark.browser
def test_the_gallery_names_the_package_and_its_page_is_a_page_like_ours(
    browser: Browser, installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(installed))
    with as_command("--no-browser", "bowl") as address:
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(address)
        expect(page.get_by_text("from anisoscope-lens-example")).to_be_visible()
        opened(page, address, "bowl")
        expect(page.get_by_role("heading", name="What you see")).to_be_visible()
        at_end = layer(page, "bowl", 3, "x")
        page.get_by_role("slider", name="Iterate", exact=True).press("Home")
        until(lambda: layer(page, "bowl", 3, "x") == [1.0] != at_end)
        page.get_by_role("button", name="The best step").click()
        until(lambda: "step=0.952" in link(page))
        page.close()
        assert faults == []
