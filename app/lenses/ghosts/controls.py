"""Controls of the lens: which there are, in which order, and in which views each is shown."""

from __future__ import annotations

from ...control import Action, Choice, Dial, Group, Transport
from ...figure import Condition, when
from . import choices


def controls() -> tuple[Group, ...]:
    """From top to bottom; each group is shown where it does something."""
    step = when("view", "step")
    network = when("view", *(view for view in choices.VIEWS.values() if view not in choices.OF_NO_NETWORK))
    sample = when("view", *(view for view in choices.VIEWS.values() if view not in choices.OF_NO_SAMPLE))
    heated = when(
        "view", *(view for view in choices.VIEWS.values() if view not in choices.OF_ONE_TEMPERATURE)
    )
    walked = when("view", *(view for view in choices.VIEWS.values() if view not in choices.OF_NO_STEP))
    steps = ((0.01, ".01"), (0.1, ".1"), (1.0, "1"), (10.0, "10"), (100.0, "100"))
    return (
        Group((Dial("r", "Step r = τ / ρₐ", steps, log=True, primary=True),), when=walked),
        Group((Dial("order", "Taylor order n"),), when=step),
        Group(
            (Dial("temperature", "Temperature T", log=True, primary=when("view", "temperature")),),
            when=heated,
        ),
        *_spike_hands(),
        *_watch_hands(),
        Group((Choice("view", "Figures"),)),
        Group((Choice("sweep_axis", "Axis"),), when=when("view", "sweep")),
        Group((Choice("beyond_activation", "Activation"),), when=when("view", "beyond")),
        *_spike_settings(),
        *_model(network, sample),
        Group((Choice("kind", "Radius drawn"),), "Picture", when=step),
        Group((Choice("window", "Field of view"),), when=when("view", "step", "temperature")),
        Group(
            (Dial("sample", "Sample, −1: tightest", end="last_sample"),),
            "Sample",
            when=sample & when("source", "network", "table", "own"),
        ),
    )


def _model(network: Condition, sample: Condition) -> tuple[Group, ...]:
    """Whose softmax, and the direction of the step."""
    return (
        Group((Choice("source", "Softmax of"),), "Model and direction", when=sample),
        Group(
            (Choice("network", "Network"), Choice("stage", "Training")),
            when=network & when("source", "network"),
        ),
        Group((Choice("direction", "Direction"),), when=network & when("source", "network", "own")),
        Group((Dial("direction_seed", "Seed of the direction"),), when=network & when("direction", "random")),
        Group(
            (Dial("classes", "Classes"), Dial("label", "True class")),
            when=sample & when("source", "sandbox"),
        ),
    )


def _watch_hands() -> tuple[Group, ...]:
    watched = when("view", "watch")
    return (
        Group(
            (
                Dial("watch_step", "Training step", primary=True, end="watch_last_step"),
                Transport("watch_step", head="watch_head"),
            ),
            when=watched,
        ),
        Group((Dial("watch_last", "Last steps, 0: all", end="watch_last_step"),), when=watched),
    )


def _spike_hands() -> tuple[Group, ...]:
    spike = when("view", "spike")
    targets = ((0.1, ".1"), (1.0, "1"), (4.0, "4"), (16.0, "16"))
    return (
        Group((Dial("spike_target", "Target r of the cap", targets, log=True, primary=True),), when=spike),
        Group(
            (
                Dial("spike_step", "Training step", end="spike_last"),
                Transport("spike_step", head="spike_head"),
            ),
            when=spike,
        ),
        Group((Action("spike", "Spike"),), when=spike),
        Group((Action("spike_pause", "Pause or go on"), Action("spike_one", "One step")), when=spike),
    )


def _spike_settings() -> tuple[Group, ...]:
    spike = when("view", "spike")
    factors = ((10.0, "10"), (100.0, "10²"), (1e3, "10³"), (1e4, "10⁴"))
    rates = ((1e-5, "10⁻⁵"), (1e-3, "10⁻³"), (0.1, "10⁻¹"), (10.0, "10"))
    return (
        Group(
            (
                Dial("spike_factor", "Factor on the rate", factors, log=True),
                Dial("spike_at", "At step"),
                Dial("spike_held", "Steps held", log=True),
            ),
            "Spike",
            when=spike,
        ),
        Group(
            (
                Choice("spike_optimizer", "Optimiser"),
                Dial("spike_rate", "Learning rate", rates, log=True),
                Choice("spike_batch", "Batch"),
                Dial("spike_steps", "Steps"),
                Dial("spike_seed", "Seed"),
            ),
            "Training",
            when=spike,
        ),
    )
