"""The lens *Ghosts of softmax*: parameters and words. The engine is imported when a frame is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import param

from ...control import Attachment, Card, Claim, Group, Readout, Table
from ...errors import RequestError
from ...figure import Figure
from ...frame import Columns, Frame, Idle
from ...lens import Lens, Paper, Records
from ...request import Request
from ...uploads import Upload, keep
from . import choices, controls, extents

if TYPE_CHECKING:
    from ...following import Following

SAO = Paper(
    short="Sao 2026",
    arxiv="2603.13552",
    bibtex="""@misc{sao2026ghosts,
  title         = {Ghosts of Softmax: Complex Singularities That Limit Safe Step Sizes in Cross-Entropy},
  author        = {Sao, Piyush},
  year          = {2026},
  eprint        = {2603.13552},
  archivePrefix = {arXiv},
  primaryClass  = {cs.LG}
}""",
)

NETWORKS = {
    "Linear": "linear",
    "MLP, ReLU": "mlp",
    "MLP + LayerNorm, GELU": "mlp_layernorm",
    "CNN, ReLU": "cnn",
    "CNN + BatchNorm": "cnn_batchnorm",
    "Transformer, tiny": "transformer",
}
STAGES = {"before training": "start", "in between": "middle", "converged": "converged"}
DIRECTIONS = {
    "−gradient (descent)": "-gradient",
    "Adam’s next step": "adam",
    "momentum": "momentum",
    "random": "random",
    "+gradient (ascent)": "+gradient",
}
RADII = {"exact ρ*": "exact", "margin bound ρₘ (ours)": "margin", "bound ρₐ": "bound"}
WINDOWS = {"± 3": 3, "± 6": 6, "± 12": 12, "± 24": 24, "± 120": 120}
MOST_CLASSES = 6
LAST_SAMPLE = 99_999
"""Of the largest table a reader can bring; the digits have 1438 samples."""

SOURCES = {
    "a trained network": "network",
    "sandbox": "sandbox",
    "your logits and slopes": "table",
    "your own network": "own",
}


class GhostsLens(Lens):
    """One step of one network: where its Taylor model breaks, and why."""

    slug = "ghosts"
    title = "Ghosts of softmax"
    hook = "Inflate a step until it swallows a complex zero, and watch every Taylor model of the loss break."
    field = "Training stability"
    papers = (SAO,)
    lede = (
        "Drag the orange disc",
        "outward. Once it swallows the first ghost, higher Taylor orders make the model worse and "
        "worse, while the loss itself stays smooth.",
    )
    second = "order"
    client_side = frozenset({"r", "order", "spike_step", "watch_step"})
    # a step behind every record: the page begins at the newest and stays there
    records = Records(
        "ghosts", ".radius", 1, "RadiusRecorder", {"view": "watch", "watch_step": 1_000_000_000}
    )

    view = param.Selector(default="step", objects=choices.VIEWS, doc="Which figures are shown.")
    source = param.Selector(default="network", objects=SOURCES, doc="Whose softmax.")
    network = param.Selector(
        default="mlp_layernorm", objects=NETWORKS, doc="Architecture, trained on 8×8 digits."
    )
    stage = param.Selector(default="converged", objects=STAGES, doc="How far the training has come.")
    brought = Upload(default="", doc="A reader's own logits and slopes.")
    own = param.String(default="", doc="Name of a network that was handed over in Python.")
    weights = Upload(default="", doc="A reader's own weights for the network, in place of a stage.")
    direction = param.Selector(default="-gradient", objects=DIRECTIONS, doc="Unit direction of the step.")
    direction_seed = param.Integer(default=0, bounds=(0, 999), doc="Seed of the random direction.")
    sample = param.Integer(
        default=384, bounds=(-1, LAST_SAMPLE), doc="Training sample; −1 is the one of the smallest bound."
    )
    temperature = param.Number(
        default=1.0, bounds=(extents.COLDEST, extents.HOTTEST), doc="T of softmax(z/T)."
    )
    kind = param.Selector(default="exact", objects=RADII, doc="Radius that ends the coloured disc.")
    window = param.Selector(default=6, objects=WINDOWS, doc="Half width of the plane, in units of the bound.")
    r = param.Number(default=2.45, bounds=(0.01, 100.0), doc="Step over the bound, τ/ρₐ.")
    order = param.Integer(default=48, bounds=(1, extents.HIGHEST_ORDER), doc="Order n of the Taylor model.")
    brush = param.NumericTuple(default=(-6.0, 6.0), doc="Chosen range of log10 radius.")
    classes = param.Integer(default=3, bounds=(2, MOST_CLASSES), doc="Classes of the sandbox.")
    label = param.Integer(default=0, bounds=(0, MOST_CLASSES - 1), doc="True class of the sandbox, from 0.")
    logits = param.NumericTuple(default=(2.0, 0.0, 0.0, 0.0, 0.0, 0.0), doc="Logits z of the sandbox.")
    slopes = param.NumericTuple(default=(-1.0, 1.0, 0.5, 0.0, 0.0, 0.0), doc="Slopes a of the sandbox.")
    sweep_axis = param.Selector(default="bound", objects=choices.SWEEP_AXES, doc="Unit of the step.")
    beyond_activation = param.Selector(
        default="own", objects=choices.BEYOND_ACTIVATIONS, doc="Activation of the true network."
    )
    spike_target = param.Number(
        default=1.0, bounds=(0.05, 32.0), doc="Largest r of a step of the capped lane."
    )
    spike_factor = param.Number(default=1000.0, bounds=(10.0, 1e4), doc="On the learning rate in a spike.")
    spike_at = param.Integer(default=50, bounds=(1, choices.LONGEST), doc="First step of the first spike.")
    spike_held = param.Integer(default=151, bounds=(1, choices.LONGEST), doc="Steps that a spike lasts.")
    spike_again = param.NumericTuple(
        default=(0.0, 0.0, 0.0, 0.0), doc="First steps of further spikes; 0: none."
    )
    spike_optimizer = param.Selector(
        default="adam", objects=choices.SPIKE_OPTIMIZERS, doc="Optimiser of the four lanes."
    )
    spike_rate = param.Number(default=1e-2, bounds=(1e-5, 10.0), doc="Learning rate outside the spike.")
    spike_batch = param.Selector(default=64, objects={"64": 64, "128": 128}, doc="Samples a step.")
    spike_steps = param.Integer(default=200, bounds=(50, choices.LONGEST), doc="Steps of the training.")
    spike_seed = param.Integer(default=0, bounds=(0, 999), doc="Of weights and batches.")
    spike_until = param.Integer(
        default=choices.LONGEST, bounds=(0, choices.LONGEST), doc="Step at which the lanes are paused."
    )
    spike_step = param.Integer(
        default=choices.LONGEST,
        bounds=(0, choices.LONGEST),
        doc="Step that is looked at, at most the newest.",
    )

    watch = param.String(default="", doc="Name of a record that this process follows.")
    watch_record = Upload(default="", doc="A reader's own record.")
    watch_step = param.Integer(
        default=10**9, bounds=(0, 10**9), doc="Step that is looked at, at most the newest."
    )
    watch_last = param.Integer(default=0, bounds=(0, 10**9), doc="Show the last so many steps; 0: all.")

    drop_words = (
        "Drop a request.json, an exported zip, weights (.npz), logits and slopes (.npz, .safetensors), or a record of your "
        "training (.radius) here"
    )
    opens = (*Lens.opens, ".npz", ".safetensors", ".radius")

    def check(self, values: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """Choosing a network or a stage lets go of dropped weights; moving the first spike, of those after it.

        The sweep moves weights: who asks for it leaves the sandbox, which has none.
        """
        checked, unknown = super().check(values)
        if {"network", "stage"} & set(checked):
            checked.setdefault("weights", "")
        if "spike_at" in checked:
            checked.setdefault("spike_again", (0.0, 0.0, 0.0, 0.0))
        moves_weights = checked.get("view") in ("sweep", "compare")
        if moves_weights and checked.get("source", self.source) == "sandbox":
            checked["source"] = "network"
        return checked, unknown

    def open_file(self, name: str, content: bytes) -> dict[str, Any]:
        """An `.npz` of weights becomes the network, a record is shown; everything else as in any lens."""
        if name.lower().endswith(".radius"):
            from .watched import opened

            return {**self.request().as_dict(), **opened(name, content)}
        if not name.lower().endswith((".npz", ".safetensors")):
            return super().open_file(name, content)
        from . import table_files
        from .checkpoints import CheckpointError, architecture_of, load_file

        try:
            if table_files.holds_table(name, content):
                table_files.opened(name, content)
                kept = {"source": "table", "brought": keep(name, content), "sample": -1, "view": "step"}
                return {**self.request().as_dict(), **kept}
            network = architecture_of(content)
            load_file(content, network)
        except CheckpointError as error:
            raise RequestError(f"{name}, {error.entry}", error.value, f"allowed: {error.allowed}") from error
        kept = {k: v for k, v in self.request().values if k not in ("network", "stage")}
        return {**kept, "source": "network", "network": network, "weights": keep(name, content)}

    def bring(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """A network handed over as model, inputs and targets is kept in this process, under a name."""
        from .own_network import ARGUMENTS, brought

        others = {name: value for name, value in arguments.items() if name not in ARGUMENTS}
        if len(others) == len(arguments):
            return others
        values, self._own = brought(arguments)
        return {**values, **others}

    def following(self) -> Following[Any]:
        from .watched import FOLLOWING

        return FOLLOWING

    def act(self, name: str) -> dict[str, Any]:
        """A spike where the training stands, pause or go on, one step more."""
        from .spike_labs import acted

        return acted(name, self.request().as_dict())

    def invitation(self) -> tuple[str, str]:
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
        from . import hand, views

        return (hand if request["view"] == "step" else views).readouts(request, frame)

    def figures(self, frame: Frame) -> tuple[Figure, ...]:
        from .figures import figures

        return figures(frame)

    def attachments(self, request: Request, frame: Frame) -> dict[str, Attachment]:
        from .attachments import attachments

        return attachments(request)

    def bound_to_process(self, request: Request) -> str:
        if request["view"] == "watch" and request["watch"]:
            return "the record that is followed"
        return "your network, handed over in Python" if request["source"] == "own" else ""

    def card(self, request: Request, frame: Frame) -> Card | None:
        from .statements import card

        return None if request["view"] in choices.OF_NO_SAMPLE else card(request, frame)

    def claims(self, request: Request, frame: Frame) -> tuple[Claim, ...]:
        from . import statements, views

        return (statements if request["view"] == "step" else views).claims(request, frame)

    def table(self, request: Request, frame: Frame) -> Table | None:
        from . import views

        return None if request["view"] == "step" else views.table(request, frame)

    def controls(self) -> tuple[Group, ...]:
        return controls.controls()
