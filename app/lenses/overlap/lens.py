"""The lens *The uneven sky*: parameters, controls and words. The engine is imported when a frame is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import param

from ...control import Attachment, Card, Choice, Claim, Dial, Group, Readout, Switch, Table
from ...figure import Figure, when
from ...frame import Frame
from ...lens import Lens, Paper
from ...request import Request
from ...uploads import Upload

MINGARELLI = Paper(
    short="Mingarelli 2013",
    arxiv="1306.5394",
    bibtex="""@article{mingarelli2013characterizing,
  title         = {Characterizing gravitational wave stochastic background anisotropy with pulsar timing arrays},
  author        = {Mingarelli, C. M. F. and Sidery, T. and Mandel, I. and Vecchio, A.},
  journal       = {Phys. Rev. D},
  volume        = {88},
  pages         = {062005},
  year          = {2013},
  eprint        = {1306.5394},
  archivePrefix = {arXiv}
}""",
)
TAYLOR = Paper(
    short="Taylor & Gair 2013",
    arxiv="1306.5395",
    bibtex="""@article{taylor2013searching,
  title         = {Searching for anisotropic gravitational-wave backgrounds using pulsar timing arrays},
  author        = {Taylor, Stephen R. and Gair, Jonathan R.},
  journal       = {Phys. Rev. D},
  volume        = {88},
  pages         = {084001},
  year          = {2013},
  eprint        = {1306.5395},
  archivePrefix = {arXiv}
}""",
)

ARRAYS = {
    "NANOGrav 15 yr, 67": "ng15",
    "EPTA DR2, 25": "epta",
    "PPTA DR3, 32": "ppta",
    "IPTA DR2, 65": "ipta",
    "NANOGrav 12.5 yr, 45": "ng12p5",
    "spread evenly": "uniform",
    "my own list": "own",
}
SKIES = {
    "hot spot": "hot_spot",
    "point source": "point",
    "dipole": "dipole",
    "quadrupole": "quadrupole",
    "N equal sources (ours)": "sources",
    "random, power law in l": "spectrum",
    "painted": "painted",
    "my own map": "own",
}
PLACED = ("hot_spot", "point", "dipole", "quadrupole")
DATA = {
    "none": "none",
    "NANOGrav 12.5 yr, 990 pairs": "ng12p5_pairs",
    "NANOGrav 15 yr, 15 bins": "ng15_bins",
    "CPTA DR1, 13 bins": "cpta_bins",
    "NANOGrav 12.5 yr, 15 bins": "ng12p5_bins",
}
METHODS = {
    "maximum likelihood": "likelihood",
    "square root, never negative": "square_root",
    "radiometer": "radiometer",
    "best-measured pattern": "principal",
}
MORE = {
    "detection curve": "detection",
    "posterior of Cₗ": "posterior",
    "which pulsar next": "placement",
    "none": "none",
}
LAST_PULSAR = 499


class OverlapLens(Lens):
    """A sky that is not the same everywhere, and what every pair of pulsars makes of it."""

    slug = "overlap"
    title = "The uneven sky"
    hook = "Drag a hot spot over the sky and watch 2211 pulsar pairs leave the Hellings–Downs curve."
    field = "Pulsar timing"
    papers = (MINGARELLI, TAYLOR)
    lede = (
        "Drag the orange hot spot",
        "across the sky. Where two pulsars lie now matters, not only the angle between them: "
        "the famous curve becomes a cloud.",
    )
    second = "kappa"
    drop_words = (
        "Drop a pulsar list (.csv, .par, .zip), a HEALPix map (.npy, .npz), a request.json or an exported zip"
    )
    opens = (*Lens.opens, ".csv", ".par", ".npy", ".npz")

    array = param.Selector(default="ng15", objects=ARRAYS, doc="Pulsars.")
    count = param.Integer(default=67, bounds=(2, 200), doc="Pulsars spread evenly (Fibonacci lattice).")
    pulsars = Upload(default="", doc="A reader's own list of pulsars.")
    sky = param.Selector(default="hot_spot", objects=SKIES, doc="Gravitational-wave power over the sky.")
    fraction = param.Number(default=0.6, bounds=(0.0, 1.0), doc="Share f of the power in spot or pattern.")
    kappa = param.Number(
        default=8.0, bounds=(0.1, 500.0), doc="Concentration of the hot spot (von Mises–Fisher)."
    )
    right_ascension = param.Number(default=271.0, bounds=(0.0, 360.0), doc="Of the spot, degrees.")
    declination = param.Number(default=-8.0, bounds=(-90.0, 90.0), doc="Of the spot, degrees.")
    sources = param.Integer(default=30, bounds=(1, 1000), doc="Number of equal sources at random places.")
    slope = param.Number(default=1.0, bounds=(0.0, 4.0), doc="C_l falls as l to minus this power.")
    sky_seed = param.Integer(default=0, bounds=(0, 999), doc="Which random sky.")
    painted = param.String(
        default="", doc="A painted sky: 192 hexadecimal digits, HEALPix ring order, NSIDE 4."
    )
    brush = param.Integer(default=15, bounds=(0, 15), doc="Power that the brush paints.")
    map = Upload(default="", doc="A reader's own HEALPix map.")
    l_max = param.Integer(default=8, bounds=(0, 10), doc="Highest degree of the shown correlations.")
    pulsar_a = param.Integer(default=45, bounds=(0, LAST_PULSAR), doc="One pulsar of the selected pair.")
    pulsar_b = param.Integer(default=29, bounds=(0, LAST_PULSAR), doc="The other.")
    degree = param.Integer(default=1, bounds=(0, 10), doc="Degree l of the shown Γ_lm.")
    order = param.Integer(default=0, bounds=(0, 10), doc="Order m of the highlighted Γ_lm.")
    orientation = param.Selector(
        default="source", objects={"source": "source", "propagation": "propagation"}, doc="Direction of Γ_lm."
    )
    pulsar_term = param.Boolean(default=True, doc="Whether autocorrelations count the pulsar term.")
    data = param.Selector(default="none", objects=DATA, doc="Measured correlations to lay over.")
    snr = param.Number(default=20.0, bounds=(1.0, 100.0), doc="Hellings–Downs SNR of the simulated data.")
    noise_seed = param.Integer(default=0, bounds=(0, 999), doc="Which noise.")
    fit_l_max = param.Integer(default=4, bounds=(1, 6), doc="Highest degree that is fitted.")
    method = param.Selector(default="likelihood", objects=METHODS, doc="How the map is recovered.")
    ridge = param.Number(
        default=-2.0, bounds=(-6.0, 2.0), doc="log10 of the ridge, relative to the Fisher matrix."
    )
    more = param.Selector(default="none", objects=MORE, doc="Which slow figure is computed.")

    def check(self, values: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """Another array starts with a pair that it has."""
        checked, unknown = super().check(values)
        if {"array", "count", "pulsars"} & set(checked) and not {"pulsar_a", "pulsar_b"} & set(checked):
            same = checked.get("array") == self.param.array.default
            pair = (self.param.pulsar_a.default, self.param.pulsar_b.default) if same else (0, 1)
            checked |= dict(zip(("pulsar_a", "pulsar_b"), pair, strict=True))
        return checked, unknown

    def open_file(self, name: str, content: bytes) -> dict[str, Any]:
        """A pulsar list or a map joins the present state; everything else as in any lens."""
        from .uploaded import open_file

        state = self.request().as_dict()
        opened = open_file(name, content, state)
        if opened is None:
            return super().open_file(name, content)
        pair = {"pulsar_a": 0, "pulsar_b": 1} if "pulsars" in opened else {}
        return {**state, **opened, **pair}

    def attachments(self, request: Request, frame: Frame) -> dict[str, Attachment]:
        from .attachments import attachments

        return attachments(request)

    def frames(self, request: Request) -> Iterator[Frame | None]:
        from .compute import frames

        return frames(request)

    def figures(self, frame: Frame) -> tuple[Figure, ...]:
        from .figures import figures

        return figures(frame)

    def readouts(self, request: Request, frame: Frame) -> tuple[Readout, ...]:
        from .statements import readouts

        return readouts(request, frame)

    def card(self, request: Request, frame: Frame) -> Card | None:
        from .statements import card

        return card(request, frame)

    def table(self, request: Request, frame: Frame) -> Table | None:
        from .pair_table import table

        return table(request, frame)

    def claims(self, request: Request, frame: Frame) -> tuple[Claim, ...]:
        from .statements import claims

        return claims(request, frame)

    def controls(self) -> tuple[Group, ...]:
        return (
            Group((Dial("fraction", "Power in the spot f", primary=True),)),
            Group((Dial("kappa", "Concentration κ", log=True),)),
            Group((Dial("l_max", "Highest degree l"),)),
            Group((Choice("sky", "Sky"),), "Sky"),
            Group(
                (Dial("right_ascension", "Right ascension, °"), Dial("declination", "Declination, °")),
                when=when("sky", *PLACED),
            ),
            Group((Dial("sources", "Number of sources"),), when=when("sky", "sources")),
            Group((Dial("slope", "Slope of Cₗ"),), when=when("sky", "spectrum")),
            Group((Dial("sky_seed", "Seed of the sky"),), when=when("sky", "spectrum", "sources")),
            Group((Dial("brush", "Brush, 0 erases"),), when=when("sky", "painted")),
            Group((Choice("array", "Array"), Choice("data", "Measured points")), "Pulsars"),
            Group((Dial("count", "Number of pulsars"),), when=when("array", "uniform")),
            Group(
                (
                    Dial("pulsar_a", "Pulsar a", end="last_pulsar"),
                    Dial("pulsar_b", "Pulsar b", end="last_pulsar"),
                ),
                "Selected pair",
            ),
            Group(
                (
                    Dial("degree", "Degree l"),
                    Dial("order", "Order m"),
                    Choice("orientation", "Direction of Γₗₘ"),
                    Switch("pulsar_term", "Pulsar term in Γₐₐ"),
                ),
                "Overlap functions",
            ),
            Group(
                (
                    Dial("snr", "Hellings–Downs SNR", log=True),
                    Choice("method", "Recovered by"),
                    Dial("fit_l_max", "Fitted up to l"),
                    Dial("ridge", "log₁₀ ridge"),
                    Dial("noise_seed", "Seed of the noise"),
                    Choice("more", "Then compute"),
                ),
                "Recovery",
            ),
        )
