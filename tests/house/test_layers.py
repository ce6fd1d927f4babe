"""Who may import whom: assets ← app → engine; absolute across packages, relative within."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest
from checkout import PACKAGES, ROOT, dotted, modules

ALLOWED_OF_OURS = {"engine": {"engine"}, "app": {"engine", "app", "assets"}, "assets": {"assets"}}
ENGINE_MAY_USE = {"anisoscope", "torch", "numpy", "scipy", "jaxtyping"} | set(sys.stdlib_module_names)
# Two modules are compiled where the optional accelerator is installed; nothing else may know of it.
ACCELERATED = {ROOT / "engine" / "hashgrid" / name: "numba" for name in ("compiled.py", "compiled_map.py")}
# Started by path, not by name: a relative import has nothing to be relative to.
SCRIPTS = {ROOT / "app" / "main.py"}


def violations(path: Path, package: str) -> list[str]:
    """What the imports of a file do against the rules, one line each."""
    found = []
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    # Packages lie one level nearer to their own modules than plain modules do.
    depth = len(dotted(path).split(".")) - 2 + (path.name == "__init__.py")
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            if node.level > depth:
                found.append(f"line {node.lineno}: a relative import leaves the package {package}")
            continue
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{n.name}" for n in node.names]
        elif isinstance(node, ast.Import):
            names = [n.name for n in node.names]
        else:
            continue
        found += [f"line {node.lineno}: {why}" for name in names if (why := _why_not(name, path, package))]
    return found


def _why_not(name: str, path: Path, package: str) -> str | None:
    top, _, rest = name.partition(".")
    if top in PACKAGES:
        return f"imports {name}; its name is anisoscope.{name}"
    if package == "engine" and top not in ENGINE_MAY_USE and ACCELERATED.get(path) != top:
        return f"the engine imports {name}; it may use torch, numpy, scipy and the standard library"
    if top != "anisoscope" or not rest:
        return None
    ours = rest.partition(".")[0]
    if ours not in ALLOWED_OF_OURS[package]:
        return f"{package} imports {name}"
    if ours == package and path not in SCRIPTS:
        return f"imports {name} of its own package by its full name; write it relative"
    return None


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_follow_the_layers(package: str) -> None:
    found = {str(path.relative_to(ROOT)): violations(path, package) for path in modules(package)}
    assert not {path: lines for path, lines in found.items() if lines}


@pytest.mark.parametrize(
    ("place", "source"),
    [
        ("engine/topic.py", "import panel"),
        ("engine/topic.py", "from anisoscope.app import serve"),
        ("engine/topic.py", "from anisoscope.assets import x"),
        ("engine/topic.py", "from ..app import lens"),
        ("engine/__init__.py", "from .. import app"),
        ("engine/ghosts/radius.py", "def f():\n    import holoviews.core"),
        ("engine/topic.py", "from anisoscope.engine.ghosts import x"),
        ("app/lens.py", "from engine import ghosts"),
        ("app/lens.py", "import app.main"),
        ("assets/__init__.py", "from anisoscope.engine import x"),
    ],
)
def test_the_rule_sees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, source: str) -> None:
    monkeypatch.setattr("checkout.ROOT", tmp_path)
    path = tmp_path / place
    path.parent.mkdir(parents=True)
    path.write_text(source)
    assert violations(path, place.partition("/")[0])


def test_the_rule_allows_what_is_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("checkout.ROOT", tmp_path)
    path = tmp_path / "app" / "lenses" / "ghosts" / "lens.py"
    path.parent.mkdir(parents=True)
    path.write_text(
        "import panel\nfrom anisoscope.engine import ghosts\nfrom ...lens import Lens\nfrom . import x\n"
    )
    assert violations(path, "app") == []
