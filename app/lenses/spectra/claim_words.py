"""Sources and sentences that several statements share."""

from __future__ import annotations

MUON = "Jordan et al. 2024; window of the map: ours"
POLARGRAD = "Lau et al., arXiv:2505.21799, code of the authors"
SVEN = "Sven, arXiv:2604.01279, polynomial regression"
TWO_STEPS = (
    "The published runs call two steps of QDWH a polar factor. With the exact one, their learning rates diverge on the "
    "regression; 3 × 10⁻⁸ instead of 4 × 10⁻⁸ converges"
)
READINGS = {
    "fismo": (
        "FISMO: the paper’s text could not be read. The damping, the order of its two updates and all constants are ours; "
        "so read, its update grows with the gradient",
        "arXiv:2601.21750",
    ),
    "lanton": (
        "LANTON: the line that makes a rate of the noise could not be confirmed in the paper",
        "arXiv:2510.14009",
    ),
    "aro": (
        "ARO: the scale 0.2 and the use of the new frame in the same step could not be confirmed in the paper",
        "arXiv:2602.09006",
    ),
}
