"""What the drop-downs of the lens offer: words on the page, and the values behind them."""

from __future__ import annotations

LANES = 4
RATES = (1e-8, 1e3)
"""Learning rates that a dial has."""

ROLES = ("blue", "amber", "grey", "green")
"""One colour a lane, on every figure."""

VIEWS = {
    "training": "training",
    "all matrices": "layers",
    "polar factor": "polar",
    "edge of stability": "edge",
}
PROBLEMS = {
    "digits, MLP 64-96-96-10": "digits",
    "text, small transformer": "text",
    "matrix regression, 100 × 20": "regression",
    "matrix regression, paper size": "regression_paper",
    "logistic regression": "logistic",
    "logistic regression, paper size": "logistic_paper",
    "low-rank completion, 500 × 250": "completion",
    "low-rank completion, live size": "completion_live",
    "Sven’s curve": "sven_toy",
    "Sven’s polynomial": "sven_polynomial",
}
OPTIMIZERS = {
    "Muon": "muon",
    "Muon of torch, bfloat16": "muon_bf16",
    "AdamW": "adamw",
    "Adam": "adam",
    "SGD, momentum 0.9": "sgd",
    "gradient descent": "gd",
    "PolarGrad": "polargrad",
    "PolarGrad, two QDWH steps": "polargrad_two_steps",
    "PolarGrad with momentum": "polargradm",
    "SOAP": "soap",
    "Shampoo": "shampoo",
    "FISMO (our reading)": "fismo",
    "LANTON (our reading)": "lanton",
    "ARO (our reading)": "aro",
    "Sven": "sven",
}
SHORT = {
    "muon_bf16": "Muon bf16",
    "sgd": "SGD",
    "gd": "GD",
    "polargrad_two_steps": "PolarGrad, 2 steps",
    "polargradm": "PolarGradM",
}
"""Names beside lines where the drop-down's are too long."""

NO_LANE = {"no lane": "none", **OPTIMIZERS}
SCHEDULES = {
    "constant": "constant",
    "linear decay, last 40 %": "linear",
    "× 0.99 every 25 steps": "steps",
    "× 0.95 every 25 steps": "steps_fast",
    "warm-up, first 10 %": "warmup",
}
MATRICES = {
    "weights W": "W",
    "gradient G": "G",
    "momentum M": "M",
    "update U": "U",
    "change W − W₀": "D",
}
NAMES = {"W": "weights", "G": "gradient", "M": "momentum", "U": "update", "D": "change since the start"}
METRICS = {
    "stable rank": "stable_rank",
    "effective rank": "effective_rank",
    "nuclear rank": "nuclear_rank",
    "participation ratio": "participation_ratio",
    "SVD entropy": "svd_entropy",
    "flatness": "flatness",
    "σ₁ / median σ": "condition_over_median",
    "RankMe": "rankme",
    "α-ReQ exponent": "alpha_req",
    "Marchenko–Pastur outliers": "outliers",
    "largest σ": "largest",
}
SCALES = {"σ / σ₁": "relative", "σ": "absolute"}
AGAINST = {"steps": "steps", "seconds": "seconds"}
SORTS = {"as in the network": "network", "largest first": "largest"}
POLAR_INPUTS = {
    "Gaussian, 128 × 128": "gaussian",
    "Gaussian, 128 × 512": "wide",
    "rank 8 of 128 × 128": "low_rank",
    "chosen condition number": "condition",
    "gradient of PolarGrad’s regression, 500 × 100": "regression",
}
DTYPES = {"float32": "float32", "float64": "float64", "bfloat16": "bfloat16"}
LEDES = {
    "polar": (
        "Drag the number of steps",
        "and see how far each iteration is from the polar factor it stands for. Flat singular values alone prove nothing.",
    ),
    "edge": (
        "Drag the step size c",
        "through 6.8: above it the gap stands still, until the decay brings it back under the edge. Then it falls at once.",
    ),
}
