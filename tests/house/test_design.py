"""docs/design.md speaks of the code as it is: every module and function of its diagram exists."""

from __future__ import annotations

import importlib
import re

import pytest
from checkout import ROOT

PLACE = re.compile(r"((?:app|engine|assets)/[\w/<>-]+\.(?:py|js))  ([A-Za-z_][\w.]*)")
"""A file, two spaces, and a name in it."""


def diagram() -> str:
    (found,) = re.findall(
        r"```text\n(.*?)```", (ROOT / "docs" / "design.md").read_text(encoding="utf-8"), re.DOTALL
    )
    return found


PLACES = sorted(set(PLACE.findall(diagram())))


def test_the_diagram_leads_from_the_dial_to_the_receipt() -> None:
    files = {path for path, _ in PLACES}
    assert len(PLACES) >= 25
    assert files >= {
        "assets/components/dial.js",
        "app/binding.py",
        "app/view.py",
        "app/worker.py",
        "app/packet.py",
    }
    # Every file named is followed by a name that is looked up.
    assert len(re.findall(r"(?:app|engine|assets)/[\w/<>-]+\.(?:py|js)", diagram())) == len(
        PLACE.findall(diagram())
    )


@pytest.mark.parametrize(("path", "name"), PLACES, ids=lambda part: part)
def test_what_it_names_exists(path: str, name: str) -> None:
    files = sorted(ROOT.glob(path.replace("<slug>", "*")))
    assert files, path
    if path.endswith(".js"):
        written = re.compile(rf"function {name}\(|const {name} = \(")
        assert any(written.search(file.read_text(encoding="utf-8")) for file in files)
        return
    found = importlib.import_module(f"anisoscope.{path.removesuffix('.py').replace('/', '.')}")
    for part in name.split("."):
        found = getattr(found, part)
