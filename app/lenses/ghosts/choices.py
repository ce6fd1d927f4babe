"""What the drop-downs of the lens offer: words on the page, and the values behind them."""

from __future__ import annotations

VIEWS = {
    "one step": "step",
    "sweep of r": "sweep",
    "spike lab": "spike",
    "temperature": "temperature",
    "scales compared": "compare",
    "your training": "watch",
    "true network": "beyond",
}
OF_NO_SAMPLE = ("sweep", "compare", "spike", "watch")
"""Views in which no one sample is looked at."""

OF_NO_STEP = ("spike", "temperature", "watch")
"""Views in which the step r moves nothing."""

OF_NO_NETWORK = ("spike", "watch")
"""Views whose trainings are their own."""

OF_ONE_TEMPERATURE = (*OF_NO_NETWORK, "compare")
"""Views in which T is 1."""

LEDES: dict[str, tuple[str, str]] = {
    "compare": (
        "Drag the orange step",
        "until the loss breaks away, then look below: which length, of the radii, the divergence, the curvature or the "
        "tangent, would have said so?",
    ),
    "beyond": (
        "Change the activation,",
        "the network or the sample. The picture is of the network itself at complex steps, not of straight logits: its "
        "nearest zero may lie far inside the exact radius, even inside the bound.",
    ),
    "watch": (
        "Drag the training step,",
        "or follow the newest. Every step of an optimiser is measured against the radius along it; what went beyond the "
        "target was cut, and one sample said so.",
    ),
    "temperature": (
        "Drag a ghost",
        "down its way, or T along its axis. As the softmax cools, ghosts pinch the real line where the prediction flips: "
        "the bound goes to zero with T, the exact radius does not.",
    ),
    "sweep": (
        "Drag the orange step",
        "along the curves, then change the axis: in τ the six networks break decades apart, in units of a radius close "
        "together, and later than at 1.",
    ),
    "spike": (
        "Drag the target r,",
        "or press Spike while the lanes train. The same training runs four times from the same weights on the same "
        "batches; only what holds back its steps differs.",
    ),
}
"""What the reader can do in a view, and what is then to be seen, where the words of the lens do not fit it."""

SWEEP_AXES = {"τ": "tau", "τ / ρₐ": "bound", "τ / ρₘ": "margin", "τ / ρ*": "exact"}
"""Units of the step in the sweep; the radii are the smallest of the training samples."""

SPIKE_OPTIMIZERS = {
    "SGD": "sgd",
    "SGD, momentum": "momentum",
    "Adam": "adam",
    "AdamW": "adamw",
    "Muon": "muon",
}
LONGEST = 600
"""Steps of a training of the spike lab, at most."""

BEYOND_ACTIVATIONS = {
    "its own": "own",
    "tanh": "tanh",
    "sigmoid": "sigmoid",
    "SiLU": "silu",
    "GELU": "gelu",
}
"""In place of ReLU or GELU of the chosen network, which is then trained anew."""
