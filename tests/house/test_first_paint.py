"""The stored frame of a lens is drawn while torch is still being imported: nothing that draws it may wait for torch."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROBE = """
import sys
from anisoscope.app import first_frame
from anisoscope.app.registry import lens_class

lens = lens_class("{slug}")()
request, stored = lens.request(), first_frame.load("{slug}")
frame = stored.merged(lens.hand(request, stored))
assert len(lens.figures(frame)) > 1 and lens.controls() and lens.readouts(request, frame)
lens.card(request, frame), lens.claims(request, frame)
print("torch" in sys.modules)
"""


@pytest.mark.parametrize("slug", ["ghosts", "overlap", "spectra", "psf"])
def test_the_stored_frame_is_drawn_without_torch(slug: str) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-c", PROBE.format(slug=slug)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False"]
