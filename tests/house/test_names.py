"""The packages have one name each; under their folder names they refuse to be imported."""

from __future__ import annotations

import subprocess
import sys

import pytest
from checkout import PACKAGES, ROOT


@pytest.mark.parametrize("package", PACKAGES)
def test_the_folder_name_is_refused(package: str) -> None:
    # In the checkout Python finds the folder first; -P would hide it.
    done = subprocess.run(
        [sys.executable, "-c", f"import {package}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "ImportError" in done.stderr
    assert f"anisoscope.{package}" in done.stderr


def test_the_command_starts_light() -> None:
    """--help imports nothing heavy; how long it takes is benchmarks/bench_command.py's."""
    probe = (
        "import sys\n"
        "from anisoscope.app.command import main\n"
        "try:\n    main(['--help'])\n"
        "except SystemExit as end:\n    assert not end.code\n"
        "heavy = {'torch', 'numpy', 'scipy', 'panel', 'bokeh', 'holoviews', 'param', 'matplotlib'}\n"
        "print('heavy:', sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", probe], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "heavy: []"
