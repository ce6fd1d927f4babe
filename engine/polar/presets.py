"""Coefficients of the odd quintic iterations X ← aX + (bA + cA²)X, A = XXᵀ, by name.

"jordan": KellerJordan/Muon (MIT licence) and torch.optim.Muon; "you": five triples of YouJiacheng, the 'dion' preset
of optax; "polar_express": Amsel et al. (2025), arXiv:2505.16932; "nanochat": the same method for other bounds, as in
nanochat and microsoft/dion (MIT licence).
"""

from typing import NamedTuple

Triple = tuple[float, float, float]


class Preset(NamedTuple):
    """Triples (a, b, c) step by step, before the safety factor."""

    triples: tuple[Triple, ...]
    tail: Triple | None
    """what later steps use; None: there are no later steps"""
    margin: float
    """the start is G / (margin ‖G‖_F)"""
    safety: float
    """a, b, c of the listed triples are divided by safety, safety³, safety⁵"""
    steps: int
    """how many steps are taken unless the caller says"""

    def coefficients(self, steps: int) -> tuple[Triple, ...]:
        """The triples that `steps` steps use, the safety factor applied.

        >>> PRESETS["jordan"].coefficients(2)
        ((3.4445, -4.775, 2.0315), (3.4445, -4.775, 2.0315))
        """
        if steps > len(self.triples) and self.tail is None:
            raise ValueError(f"steps is {steps}: this preset has {len(self.triples)} steps and no later ones")
        s = self.safety
        listed = tuple((a / s, b / s**3, c / s**5) for a, b, c in self.triples[:steps])
        later = steps - len(listed)
        return listed if self.tail is None else listed + (self.tail,) * later


_JORDAN = (3.4445, -4.7750, 2.0315)
_YOU = (
    (4.0848, -6.8946, 2.9270),
    (3.9505, -6.3029, 2.6377),
    (3.7418, -5.5913, 2.3037),
    (2.8769, -3.1427, 1.2046),
    (2.8366, -3.0525, 1.2012),
)
_POLAR_EXPRESS = (
    (8.28721201814563, -23.595886519098837, 17.300387312530933),
    (4.107059111542203, -2.9478499167379106, 0.5448431082926601),
    (3.9486908534822946, -2.908902115962949, 0.5518191394370137),
    (3.3184196573706015, -2.488488024314874, 0.51004894012372),
    (2.300652019954817, -1.6689039845747493, 0.4188073119525673),
    (1.891301407787398, -1.2679958271945868, 0.37680408948524835),
    (1.8750014808534479, -1.2500016453999487, 0.3750001645474248),
)
_NANOCHAT = (
    (8.156554524902461, -22.48329292557795, 15.878769915207462),
    (4.042929935166739, -2.808917465908714, 0.5000178451051316),
    (3.8916678022926607, -2.772484153217685, 0.5060648178503393),
    (3.285753657755655, -2.3681294933425376, 0.46449024233003106),
    (2.3465413258596377, -1.7097828382687081, 0.42323551169305323),
)
PRESETS = {
    "jordan": Preset((_JORDAN,), _JORDAN, 1.0, 1.0, 5),
    "you": Preset(_YOU, None, 1.0, 1.0, 5),
    "polar_express": Preset(_POLAR_EXPRESS, (1.875, -1.25, 0.375), 1.01, 1.01, 8),
    "nanochat": Preset(_NANOCHAT, None, 1.02, 1.0, 5),
}


def preset_named(name: str) -> Preset:
    if name not in PRESETS:
        raise ValueError(f"preset is {name!r}: one of {', '.join(PRESETS)} is needed")
    return PRESETS[name]
