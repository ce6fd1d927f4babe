"""The samples of an export: what the histogram counts."""

from __future__ import annotations

from ...control import Attachment
from ...export.tables import npz
from ...request import Request
from .probe import radii
from .state import probed_samples

WORDS = (
    "of all samples logits z and slopes a at T = 1, (samples, classes), and at the chosen T their radii as steps τ: bound, "
    "margin, exact"
)


def attachments(request: Request) -> dict[str, Attachment]:
    """One NPZ in the view of one step; the sandbox has no other samples."""
    if request["view"] != "step" or request["source"] == "sandbox":
        return {}
    source = probed_samples(request)
    found = radii(source, request["temperature"])
    arrays = {
        "z": source.z,
        "a": source.a,
        "bound": found.bound,
        "margin": found.margin,
        "exact": found.exact,
    }
    return {
        "ghosts/samples.npz": Attachment(WORDS, npz({name: t.cpu().numpy() for name, t in arrays.items()}))
    }
