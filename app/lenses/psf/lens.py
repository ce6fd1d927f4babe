"""The lens *Point spread of a hash grid*: parameters, controls and words. The engine is imported for a frame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import param

from ...control import Action, Attachment, Choice, Claim, Dial, Group, Readout, Switch, Table
from ...figure import Figure, when
from ...frame import Frame, Idle
from ...lens import Lens, Paper
from ...request import Request
from ...uploads import Upload
from . import choices

DAI = Paper(
    short="Dai & Fan 2026",
    arxiv="2602.10495",
    bibtex="""@inproceedings{dai2026characterizing,
  title         = {Characterizing and Optimizing the Spatial Kernel of Multi Resolution Hash Encodings},
  author        = {Dai and Fan},
  booktitle     = {International Conference on Learning Representations},
  year          = {2026},
  eprint        = {2602.10495},
  archivePrefix = {arXiv}
}""",
)
NOT_FIT = tuple(view for view in choices.VIEWS.values() if view != "fit")
GOLDEN = 90 * 0.6180339887498949
OF_A_FILE = {
    "levels",
    "growth",
    "base",
    "log2_table",
    "features",
    "convention",
    "dimension",
    "turn",
    "rotation_set",
}
"""Parameters that a trained table fixes."""
TURNS = ((0.0, "0"), (30.0, "30"), (GOLDEN, "golden"), (90.0, "90"))


class PsfLens(Lens):
    """One lit point and what the encoding makes of it."""

    slug = "psf"
    title = "Point spread of a hash grid"
    hook = "Light one point of a neural field and see the diamond its hash grid makes; turn the levels, and it is round."
    field = "Neural fields"
    papers = (DAI,)
    lede = (
        "Turn each level",
        "by a little more than the last. A single lit point blurs into a diamond, 16 % wider along the axes; "
        "with the golden angle it is round.",
    )
    second = "levels"
    drop_words = (
        "Drop a configuration of tiny-cuda-nn or nerfstudio (.json), a table (.npz), an image, a request.json"
    )
    opens = (*Lens.opens, ".npz", ".npy", ".png", ".jpg", ".jpeg")

    view = param.Selector(default="kernel", objects=choices.VIEWS, doc="Which figures are shown.")
    turn = param.Number(
        default=0.0, bounds=(0.0, 90.0), doc="Turn θ of each level against the last, degrees."
    )
    kernel = param.Selector(default="node", objects=choices.KERNELS, doc="Which limit of the kernel.")
    levels = param.Integer(default=16, bounds=(1, 32), doc="Levels L.")
    growth = param.Number(default=1.38, bounds=(1.01, 3.0), doc="Growth b of the resolution.")
    base = param.Integer(default=16, bounds=(2, 128), doc="Coarsest resolution N_min.")
    active = param.Integer(default=32, bounds=(1, 32), doc="Levels switched on, coarse to fine.")
    log2_table = param.Integer(default=19, bounds=(4, 24), doc="log2 T, rows of a table.")
    features = param.Integer(default=2, bounds=(1, 8), doc="Features F of a row.")
    convention = param.Selector(default="paper", objects=choices.CONVENTIONS, doc="Whose lattice.")
    dimension = param.Selector(default=2, objects=choices.DIMENSIONS, doc="Plane or space.")
    rotation_set = param.Selector(
        default="none", objects=choices.SETS, doc="Rotations of the levels in space."
    )
    dx = param.Number(default=0.0, bounds=(-1.5, 1.5), doc="Lit point beside (0.37, 0.61), in mean cells.")
    dy = param.Number(default=0.0, bounds=(-1.5, 1.5), doc="The same along y.")
    logarithmic = param.Boolean(default=True, doc="Whether colours are logarithmic.")
    field_of_view = param.Number(
        default=1.6, bounds=(0.2, 8.0), doc="Half width of the picture, in mean cells."
    )

    tau = param.Number(
        default=1.0, bounds=(0.001, 1000.0), doc="Time τ of gradient flow, in that of the fastest wave."
    )
    dip = param.Number(
        default=0.265, bounds=(0.01, 0.9), doc="Dip between two points at which they are told apart."
    )
    pixels = param.Integer(default=128, bounds=(8, 512), doc="Pixels along each side of an image.")
    jitter = param.Boolean(default=False, doc="Whether every point is moved within its pixel.")
    partner_level = param.Integer(
        default=15, bounds=(0, 31), doc="Level whose collisions with the lit point are drawn."
    )
    width = param.Number(default=2.0, bounds=(0.25, 64.0), doc="Width of the smallest feature, in pixels.")
    budget = param.Number(
        default=1.0, bounds=(0.01, 1000.0), doc="Megabytes of all tables, 4 bytes a feature."
    )
    regime = param.Selector(default="adam", objects=choices.REGIMES, doc="How the points are fitted.")
    trained = Upload(default="", doc="A reader's own trained table.")
    picture = param.Selector(default="cat", objects=choices.PICTURES, doc="What is fitted.")
    image = Upload(default="", doc="A reader's own image.")
    fit_steps = param.Integer(default=120, bounds=(10, 2000), doc="Steps of the fit.")
    fit_log2_table = param.Integer(default=9, bounds=(4, 16), doc="log2 T of the fit.")
    fit_levels = param.Integer(default=10, bounds=(1, 16), doc="Levels L of the fit.")
    fit_features = param.Integer(default=4, bounds=(1, 8), doc="Features F of a row of the fit.")
    fit_growth = param.Number(default=1.5, bounds=(1.05, 3.0), doc="Growth b of the fit, from N_min = 8.")
    fit_turn = param.Selector(default="golden", objects=choices.FIT_TURNS, doc="Angles of the turned levels.")
    splits = param.Integer(default=4, bounds=(1, 8), doc="Pyramids M of a split, angles of a cycle.")
    held_out = param.Number(default=0.0, bounds=(0.0, 0.9), doc="Share of the pixels not trained on.")
    seed = param.Integer(default=0, bounds=(0, 999), doc="Of tables, network and held-out pixels.")
    fit_running = param.Boolean(default=True, doc="Whether the fit goes on.")
    fit_take = param.Integer(
        default=0, bounds=(0, 9999), doc="How often it was fitted anew; same numbers each time."
    )
    foreign = param.String(default="", doc="Keys of a dropped configuration that play no part.")

    def check(self, values: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """Another encoding lets go of a dropped table, and of what was said of a dropped file."""
        checked, unknown = super().check(values)
        if OF_A_FILE & set(checked):
            checked.setdefault("trained", "")
            checked.setdefault("foreign", "")
        return checked, unknown

    def open_file(self, name: str, content: bytes) -> dict[str, Any]:
        """A configuration sets the encoding, a table is measured, an image fitted; all else as in any lens."""
        from . import images, imports

        state = self.request().as_dict()
        opened = imports.open_file(name, content, state)
        opened = images.open_file(name, content, state) if opened is None else opened
        return super().open_file(name, content) if opened is None else opened

    def act(self, name: str) -> dict[str, Any]:
        """Take the encoding that is advised, or fit the image anew before the reader's eyes."""
        if name == "fit_again":
            return {"fit_take": (self.fit_take + 1) % 10_000, "fit_running": True}
        from .adviser_view import taken

        return taken(self.request())

    def invitation(self) -> tuple[str, str]:
        return choices.LEDES.get(self.view, self.lede)

    def frames(self, request: Request) -> Iterator[Frame | Idle | None]:
        from .compute import frames

        return frames(request)

    def figures(self, frame: Frame) -> tuple[Figure, ...]:
        from .figures import figures

        return figures(frame)

    def attachments(self, request: Request, frame: Frame) -> dict[str, Attachment]:
        from .attachments import attachments

        return attachments(request, frame)

    def readouts(self, request: Request, frame: Frame) -> tuple[Readout, ...]:
        from .statements import readouts

        return readouts(request, frame)

    def table(self, request: Request, frame: Frame) -> Table | None:
        from .statements import table

        return table(request, frame)

    def claims(self, request: Request, frame: Frame) -> tuple[Claim, ...]:
        from .statements import claims

        return claims(request, frame)

    def controls(self) -> tuple[Group, ...]:
        # the adviser is asked for an encoding: what shapes the present one is not its matter
        shaped, encoding = when("view", "kernel", "maps", "tables"), when("view", *NOT_FIT)
        return (
            Group(
                (Dial("turn", "Turn per level θ, °", TURNS, primary=True),),
                when=shaped & when("dimension", 2),
            ),
            Group(
                (Dial("fit_log2_table", "Rows of a table, log₂ T", primary=True),), when=when("view", "fit")
            ),
            Group((Choice("view", "Figures"),)),
            Group((Choice("rotation_set", "Rotations of the levels"),), when=shaped & when("dimension", 3)),
            Group((Choice("kernel", "Kernel"),), when=shaped),
            Group(
                (
                    Dial("levels", "Levels L"),
                    Dial("growth", "Growth b"),
                    Dial("active", "Levels switched on"),
                ),
                "Encoding",
                when=shaped,
            ),
            Group(
                (
                    Dial("base", "Coarsest grid N_min", log=True),
                    Choice("dimension", "Dimensions"),
                    Choice("convention", "Convention"),
                ),
                when=encoding,
            ),
            Group(
                (
                    Switch("logarithmic", "Logarithmic colours"),
                    Dial("field_of_view", "Field of view ±, mean cells", log=True),
                ),
                "Picture",
                when=when("view", "kernel", "tables"),
            ),
            *_beside(),
            *_fit(),
        )


def _beside() -> tuple[Group, ...]:
    """Controls of the views over all places, of tables, and of the adviser."""
    maps, tables, adviser = (when("view", name) for name in ("maps", "tables", "adviser"))
    return (
        Group(
            (
                Dial("tau", "Time τ", ((0.001, "10⁻³"), (1.0, "1"), (1000.0, "10³")), log=True),
                Dial("dip", "Dip that tells two points apart"),
            ),
            "Training and resolution",
            when=maps,
        ),
        Group(
            (
                Dial("log2_table", "Rows of a table, log₂ T"),
                Dial("partner_level", "Partners on level", end="last_level"),
            ),
            "Tables",
            when=tables,
        ),
        Group(
            (
                Dial("width", "Feature’s width, pixels", log=True, primary=True),
                Dial("budget", "Budget, MB", log=True),
                Choice("regime", "Points are fitted"),
                Dial("features", "Features F"),
                Action("use_advice", "Use it"),
            ),
            "Wanted",
            when=adviser,
        ),
        Group(
            (Dial("pixels", "Pixels along a side", log=True),),
            "Image",
            when=when("view", "tables", "adviser"),
        ),
        Group((Switch("jitter", "Points moved within their pixels"),), when=tables),
    )


def _fit() -> tuple[Group, ...]:
    """Controls of the view that fits an image."""
    fit = when("view", "fit")
    return (
        Group(
            (
                Choice("picture", "Image"),
                Dial("splits", "Pyramids M"),
                Choice("fit_turn", "Turned levels"),
                Switch("fit_running", "Run"),
                Action("fit_again", "Fit again"),
            ),
            when=fit,
        ),
        Group(
            (
                Dial("fit_levels", "Levels L"),
                Dial("fit_growth", "Growth b"),
                Dial("fit_features", "Features F"),
                Dial("fit_steps", "Steps", log=True),
                Dial("held_out", "Share held out"),
                Dial("seed", "Seed"),
            ),
            "Fit",
            when=fit,
        ),
    )
