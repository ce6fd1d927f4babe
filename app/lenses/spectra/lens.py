"""The lens *Muon versus Adam*: parameters, controls and words. The engine is imported when a frame is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import param

from ...control import Action, Attachment, Card, Choice, Claim, Dial, Group, Readout, Switch, Table, Transport
from ...figure import Condition, Figure, when
from ...frame import Columns, Frame, Idle
from ...lens import Lens, Records
from ...request import Request
from ...uploads import Upload
from . import choices
from .papers import PAPERS

if TYPE_CHECKING:
    from ...following import Following

DECADES = ((1e-8, "10⁻⁸"), (1e-4, "10⁻⁴"), (1.0, "1"), (1e3, "10³"))


class SpectraLens(Lens):
    """Trainings from the same weights on the same batches, and the singular values of their matrices."""

    slug = "spectra"
    title = "Muon versus Adam"
    hook = "Train with Muon and AdamW side by side and watch which directions of a matrix each of them moves."
    field = "Optimisers"
    papers = PAPERS
    lede = (
        "Drag the training step,",
        "or press play. Both optimisers are given a gradient of few directions. "
        "Adam writes few; Muon moves nearly all of them alike.",
    )
    second = "layer"
    client_side = frozenset({"step"})
    drop_words = "Drop recordings of your own training (.spec), a request.json or an exported zip"
    opens = (*Lens.opens, ".spec")
    # a step behind every record: the page begins at the newest and stays there
    records = Records("spectra", ".spec", choices.LANES, "SpectraRecorder", {"step": 1_000_000})
    cost = "seconds"
    amplifies = 0.2

    view = param.Selector(default="training", objects=choices.VIEWS, doc="Which figures are shown.")
    step = param.Integer(default=96, bounds=(0, 1_000_000), doc="Training step that is looked at.")
    problem = param.Selector(default="digits", objects=choices.PROBLEMS, doc="What is trained.")
    steps = param.Integer(default=240, bounds=(20, 4000), doc="Steps of the training.")
    seed = param.Integer(default=0, bounds=(0, 999), doc="Of weights and batches.")
    take = param.Integer(
        default=0, bounds=(0, 9999), doc="How often it was trained anew; same numbers each time."
    )
    optimizer_1 = param.Selector(default="muon", objects=choices.OPTIMIZERS, doc="Optimiser of lane 1.")
    rate_1 = param.Number(default=0.02, bounds=choices.RATES, doc="Learning rate of lane 1.")
    schedule_1 = param.Selector(default="constant", objects=choices.SCHEDULES, doc="Of its learning rate.")
    optimizer_2 = param.Selector(default="adamw", objects=choices.NO_LANE, doc="Optimiser of lane 2.")
    rate_2 = param.Number(default=1e-3, bounds=choices.RATES, doc="Learning rate of lane 2.")
    schedule_2 = param.Selector(default="constant", objects=choices.SCHEDULES, doc="Of its learning rate.")
    branch_2 = param.NumericTuple(default=(-1.0, -1.0), doc="Lane and step it branches off; −1: none.")
    optimizer_3 = param.Selector(default="none", objects=choices.NO_LANE, doc="Optimiser of lane 3.")
    rate_3 = param.Number(default=0.02, bounds=choices.RATES, doc="Learning rate of lane 3.")
    schedule_3 = param.Selector(default="constant", objects=choices.SCHEDULES, doc="Of its learning rate.")
    branch_3 = param.NumericTuple(default=(-1.0, -1.0), doc="Lane and step it branches off; −1: none.")
    optimizer_4 = param.Selector(default="none", objects=choices.NO_LANE, doc="Optimiser of lane 4.")
    rate_4 = param.Number(default=0.02, bounds=choices.RATES, doc="Learning rate of lane 4.")
    schedule_4 = param.Selector(default="constant", objects=choices.SCHEDULES, doc="Of its learning rate.")
    branch_4 = param.NumericTuple(default=(-1.0, -1.0), doc="Lane and step it branches off; −1: none.")
    branch_lane = param.Integer(default=1, bounds=(1, choices.LANES), doc="Lane that a branch leaves.")
    layer = param.Integer(default=2, bounds=(1, 400), doc="Matrix that is looked at, from 1.")
    matrix = param.Selector(default="U", objects=choices.MATRICES, doc="Whose singular values lead.")
    beside = param.Selector(default="W", objects=choices.MATRICES, doc="Whose are shown beside them.")
    scale = param.Selector(default="relative", objects=choices.SCALES, doc="Unit of the singular values.")
    metric = param.Selector(default="stable_rank", objects=choices.METRICS, doc="One number of a spectrum.")
    against = param.Selector(default="steps", objects=choices.AGAINST, doc="What the loss is drawn against.")
    sort = param.Selector(default="network", objects=choices.SORTS, doc="Order of all matrices.")
    product = param.Boolean(default=False, doc="Whether σ of the product of the layers is computed.")
    product_step = param.Integer(
        default=-1,
        bounds=(-1, 1_000_000),
        doc="Step of that product: follows `step` once it rests; −1: the last.",
    )
    last = param.Integer(default=0, bounds=(0, 1_000_000), doc="Show the last so many steps; 0: all.")
    polar_input = param.Selector(
        default="gaussian", objects=choices.POLAR_INPUTS, doc="Matrix that is factored."
    )
    polar_condition = param.Number(
        default=1e3, bounds=(1.0, 1e10), doc="Its condition number, where it has one."
    )
    polar_steps = param.Integer(default=5, bounds=(1, 12), doc="Steps of the iterations.")
    polar_dtype = param.Selector(
        default="float32", objects=choices.DTYPES, doc="Arithmetic of the iterations."
    )
    polar_start = param.Number(default=0.02, bounds=(1e-6, 1.0), doc="Singular value whose orbit is drawn.")
    c = param.Number(default=7.0, bounds=(1.0, 10.0), doc="Step size η in units of 1/(L r): c = η L r.")
    c_decay = param.Number(
        default=0.99, bounds=(0.5, 1.0), doc="Factor on the step size after every 25 steps."
    )
    c_steps = param.Integer(default=600, bounds=(50, 2000), doc="Steps of the edge of stability.")
    record_1 = Upload(default="", doc="A reader's own recording.")
    record_2 = Upload(default="", doc="Another, to compare.")
    record_3 = Upload(default="", doc="Another, to compare.")
    record_4 = Upload(default="", doc="Another, to compare.")
    watch = param.String(default="", doc="Names of recordings that this process follows.")
    exact = param.Integer(
        default=-1, bounds=(-1, 1_000_000), doc="Recorded step shown although others are left out."
    )

    @param.depends("step", watch=True)
    def _show_exactly(self) -> None:
        """A long recording is thinned for the browser: the step that is looked at is always among what it gets."""
        if self.watch or self.record_1:
            from .recordings import left_out

            self.exact = self.step if left_out(self.request()) else -1

    @param.depends("step", "product", "view", watch=True)
    def _take_product_along(self) -> None:
        self.product_step = self._product_at()

    def follow_up(self) -> dict[str, Any]:
        """After a training, the product of the step that was gone to meanwhile."""
        at = self._product_at()
        return {} if at == self.product_step else {"product_step": at}

    def _product_at(self) -> int:
        """Step whose product is asked for; a training that goes on or is paused is not asked anew for each step."""
        if not self.product or self.view != "layers" or self.watch or self.record_1:
            return -1
        from .trained import has_ended

        return self.step if has_ended(self.request()) else self.product_step

    def invitation(self) -> tuple[str, str]:
        if self.watch or self.record_1:
            return ("Drag the step,", "or follow the newest: these are the matrices of your own training.")
        return choices.LEDES.get(self.view, self.lede)

    def frames(self, request: Request) -> Iterator[Frame | Idle | None]:
        from .compute import frames

        return frames(request)

    def hand(self, request: Request, frame: Frame) -> dict[str, Columns]:
        from .hand import hand_tables

        return hand_tables(request, frame)

    def hand_facts(self, request: Request, frame: Frame) -> dict[str, Any]:
        from .hand import hand_facts

        return hand_facts(request, frame)

    def readouts(self, request: Request, frame: Frame) -> tuple[Readout, ...]:
        from .hand import readouts

        return readouts(request, frame)

    def figures(self, frame: Frame) -> tuple[Figure, ...]:
        from .figures import figures

        return figures(frame)

    def card(self, request: Request, frame: Frame) -> Card | None:
        from .statements import card

        return card(request, frame)

    def table(self, request: Request, frame: Frame) -> Table | None:
        from .statements import table

        return table(request, frame)

    def claims(self, request: Request, frame: Frame) -> tuple[Claim, ...]:
        from .statements import claims

        return claims(request, frame)

    def bound_to_process(self, request: Request) -> str:
        return "the recordings that are followed" if request["watch"] else ""

    def attachments(self, request: Request, frame: Frame) -> dict[str, Attachment]:
        from .attachments import attachments

        return attachments(request)

    def check(self, values: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """Another problem or optimiser brings the settings it was tuned at; a training lets go of recordings."""
        from .lanes import settled

        checked, unknown = super().check(values)
        return settled(checked, self), unknown

    def open_file(self, name: str, content: bytes) -> dict[str, Any]:
        """A recording joins those that are shown; everything else as in any lens."""
        if not name.lower().endswith(".spec"):
            return super().open_file(name, content)
        from .recordings import opened

        return opened(name, content, self.request().as_dict())

    def following(self) -> Following[Any]:
        from .watched import FOLLOWING

        return FOLLOWING

    def act(self, name: str) -> dict[str, Any]:
        """Train anew before the reader's eyes, or branch off where the step stands."""
        from .lanes import branched, retrained

        state = self.request().as_dict()
        return retrained(state) if name == "train" else branched(state)

    def controls(self) -> tuple[Group, ...]:
        shown = when("view", "training", "layers")
        # while a recording is shown, what would train something else is out of the way
        training = shown & when("record_1", "") & when("watch", "")
        return (
            Group(
                (
                    Dial("step", "Training step", primary=True, end="last_step"),
                    Transport("step", head="head"),
                ),
                when=shown,
            ),
            Group((Action("train", "Train live"),), when=training),
            Group((Choice("view", "Figures"),)),
            _spectrum(shown),
            Group(
                (Choice("problem", "Problem"), Dial("steps", "Steps", log=True)), "Training", when=training
            ),
            *_lanes(training),
            *_panes(),
            Group(
                (Dial("branch_lane", "From lane"), Action("branch", "Branch at this step")),
                "Branch",
                when=training,
            ),
            _picture(),
            Group(
                (Choice("sort", "Order"), Switch("product", "Product of the layers")),
                when=when("view", "layers"),
            ),
        )


def _spectrum(shown: Condition) -> Group:
    return Group(
        (
            Choice("matrix", "Singular values of"),
            Choice("beside", "Beside them"),
            Dial("layer", "Matrix", end="last_layer"),
            Choice("metric", "In one number"),
        ),
        "Spectrum",
        when=shown,
    )


def _picture() -> Group:
    return Group(
        (
            Choice("scale", "Unit"),
            Choice("against", "Loss against"),
            Dial("last", "Last steps, 0: all", end="last_step"),
            Dial("seed", "Seed"),
        ),
        "Picture",
        when=when("view", "training"),
    )


def _lanes(training: Condition) -> tuple[Group, ...]:
    groups = []
    for k in range(1, choices.LANES + 1):
        used = training if k == 1 else training & when(f"optimizer_{k}", *choices.OPTIMIZERS.values())
        lane = (Choice(f"optimizer_{k}", f"Lane {k}"),)
        groups.append(Group(lane, "Lanes" if k == 1 else "", when=training))
        dials = (
            Dial(f"rate_{k}", "Learning rate", DECADES, log=True),
            Choice(f"schedule_{k}", "Schedule"),
        )
        groups.append(Group(dials, when=used))
    return tuple(groups)


def _panes() -> tuple[Group, ...]:
    polar = when("view", "polar")
    return (
        Group((Dial("polar_steps", "Steps", primary=True),), when=when("view", "polar")),
        Group((Dial("c", "Step size c = η L r", primary=True),), when=when("view", "edge")),
        Group(
            (
                Choice("polar_input", "Matrix"),
                Choice("polar_dtype", "Arithmetic"),
                Dial("polar_start", "Orbit of σ/‖G‖", log=True),
            ),
            "Polar factor",
            when=polar,
        ),
        Group(
            (Dial("polar_condition", "Condition number", log=True),),
            when=polar & when("polar_input", "condition"),
        ),
        Group(
            (Dial("c_decay", "Decay every 25 steps"), Dial("c_steps", "Steps", log=True)),
            "Edge of stability",
            when=when("view", "edge"),
        ),
    )
