"""Documents stay short and true of the tree, and no file names somebody's machine."""

from __future__ import annotations

import re

from checkout import ROOT, project, tracked_files

# Absolute paths of a home or a workspace; /usr and /opt are places that every machine has.
MACHINE_PATH = re.compile(rb"(?<![\w./:~-])/(?:home|Users|root|work|workspace|mnt|private|tmp)/[\w.-]")
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")


def test_contributing_fits_sixty_lines() -> None:
    assert len((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines()) <= 60


def test_no_file_names_somebodys_machine() -> None:
    texts = [
        path for path in tracked_files() if path.suffix not in {".npz", ".png", ".woff2", ".pdf", ".zip"}
    ]
    assert not {
        str(path.relative_to(ROOT)): hit.group().decode()
        for path in texts
        if (hit := MACHINE_PATH.search(path.read_bytes()))
    }


def test_the_links_of_documents_lead_somewhere() -> None:
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    dead = [
        f"{path.relative_to(ROOT)}: {target}"
        for path in documents
        for target in LINK.findall(path.read_text(encoding="utf-8"))
        if not (path.parent / target).exists()
    ]
    assert not dead


def test_one_version() -> None:
    version = project()["project"]["version"]
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


def test_the_continuous_integration_calls_the_readme_command() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert script.splitlines()[-1] == "exec make test"
    assert "make test" in (ROOT / "README.md").read_text(encoding="utf-8")
