"""Words of the lens that quote a frame: the matrix that is looked at, where each lane ended, what is not said."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ...control import Card, Claim, Table
from ...frame import Frame
from ...numbers import shown
from ...request import Request
from .choices import METRICS, NAMES
from .claim_words import MUON, POLARGRAD, READINGS, SVEN, TWO_STEPS
from .lanes import RECORDS, lanes_in_use

REPORTS = (("loss", "full loss"), ("accuracy", "accuracy"), ("gap", "f − f*"), ("validation", "validation"))
"""What problems report of all their data, and its heading."""


def card(request: Request, frame: Frame) -> Card | None:
    """The matrix that is looked at, and what is trained."""
    facts = frame.facts
    if request["view"] not in ("training", "layers") or "matrix" not in facts:
        return None
    title, _, shape = str(facts["matrix"]).partition(", ")
    return Card(f"Matrix {min(request['layer'], facts['last_layer'])} of {facts['last_layer']}", title, shape)


def table(request: Request, frame: Frame) -> Table | None:
    """Where each lane has come to; each column can be copied."""
    facts = frame.facts
    if request["view"] not in ("training", "layers"):
        return None
    lanes = list(facts.get("lanes", ()))
    # a view keeps what an earlier training reported until the next one says otherwise
    reports = [(name, words) for name, words in REPORTS if name in facts.get("reports", ())]
    metric = next(text for text, name in METRICS.items() if name == request["metric"])
    lead, beside = NAMES[request["matrix"]], NAMES[request["beside"]]
    headings = [
        "Lane",
        "state",
        *(words for _, words in reports),
        f"{metric}, {lead}, last",
        f"{metric}, {beside}, last",
    ]
    rows, known = [], facts if facts.get("ended", True) else {}
    for k, lane in enumerate(lanes, start=1):
        numbers = [known.get(f"{name}_{k}") for name in (*(n for n, _ in reports), "lead_end", "beside_end")]
        rows.append([lane, str(facts["status"][k - 1]), *(_text(number) for number in numbers)])
    copies = [
        "",
        "",
        *(_column(known, name, len(lanes)) for name in (*(n for n, _ in reports), "lead_end", "beside_end")),
    ]
    return Table("Where each lane ended", str(facts.get("problem_title", "")), headings, rows, copies)


def _text(number: Any) -> str:
    return "–" if number is None or not math.isfinite(number) else shown(float(number))


def _column(facts: Mapping[str, Any], name: str, lanes: int) -> str:
    numbers = [facts.get(f"{name}_{k}") for k in range(1, lanes + 1)]
    return "\n".join("" if number is None else str(number) for number in numbers)


def claims(request: Request, frame: Frame) -> tuple[Claim, ...]:
    """Statements for the chosen view, problem and optimisers, with what is found here."""
    facts = frame.facts
    if request["view"] == "polar":
        return _polar(facts)
    if request["view"] == "edge":
        return _edge(facts)
    if request["watch"] or any(request[name] for name in RECORDS):
        # a recording does not say by which optimiser it was made
        return tuple(_ranks(request, facts, []))
    used = [request[f"optimizer_{k}"] for k in lanes_in_use(request.as_dict())]
    return (*_ranks(request, facts, used), *_problem(request, facts, used), *_readings(used))


def _ranks(request: Request, facts: Mapping[str, Any], used: list[str]) -> list[Claim]:
    """Low-rank gradient, full update: the numbers of the two lanes."""
    if request["metric"] != "stable_rank" or "lead_median_1" not in facts:
        return []
    lanes = facts.get("lanes", ())
    found = [f"{lane} {_text(facts.get(f'lead_median_{k}'))}" for k, lane in enumerate(lanes, start=1)]
    kind = NAMES[request["matrix"]]
    rows = [
        Claim(
            f"Stable rank of the {kind}, median over the training, of {facts['values']}"
            + (": one network, one seed, learning rates not tuned to the same effort" if used else ""),
            "ours",
            "–",
            ", ".join(found),
        )
    ]
    if "muon" in used:
        rows.append(
            Claim(
                "Muon’s update is not flat: five Newton–Schulz steps leave singular values between 0.682 and 1.202, and "
                "directions below 0.0015 of the gradient’s norm are not lifted",
                MUON,
                "“orthogonal”",
                "0.6818 to 1.2024",
                "disagrees",
            )
        )
    return rows


def _problem(request: Request, facts: Mapping[str, Any], used: list[str]) -> list[Claim]:
    match request["problem"]:
        case "regression_paper" | "completion":
            return [Claim(TWO_STEPS, POLARGRAD, "“QDWH”", "12 % off after two steps (float32)", "disagrees")]
        case "regression":
            return [
                Claim(
                    "Gradient descent with step 2/(L + μ) is missing in the paper’s figure; add it as a lane",
                    POLARGRAD,
                    "not shown",
                    f"{_text(_of('polargrad', 'gap', facts, used))} PolarGrad, f − f*",
                )
            ]
        case "sven_polynomial":
            return [
                Claim(
                    "Sven beats Adam on the random polynomial: with a tuned rate Adam ties, and the draw of the "
                    "polynomial matters more. The authors’ code adds 1 + xᵖ where the text multiplies; so does ours",
                    SVEN,
                    "Sven ahead",
                    ", ".join(
                        f"{lane} {_text(facts.get(f'validation_{k}'))}"
                        for k, lane in enumerate(facts.get("lanes", ()), start=1)
                    ),
                    "disagrees",
                )
            ]
    return []


def _of(optimizer: str, name: str, facts: Mapping[str, Any], used: list[str]) -> Any:
    """A number of the first lane that has this optimiser."""
    return facts.get(f"{name}_{used.index(optimizer) + 1}") if optimizer in used else None


def _readings(used: list[str]) -> list[Claim]:
    return [
        Claim(READINGS[name][0], READINGS[name][1], "not read", "our reading")
        for name in READINGS
        if name in used
    ]


def _polar(facts: Mapping[str, Any]) -> tuple[Claim, ...]:
    if "polar_error_qdwh" not in facts:
        return ()
    return (
        Claim(
            TWO_STEPS,
            POLARGRAD,
            "“QDWH”, 2 steps",
            f"error {_text(facts['polar_error_qdwh'])} at {facts['polar_steps']}",
            "disagrees",
        ),
        Claim(
            "Flat singular values prove nothing: an orthogonal matrix need not be the polar factor. The authors corrected "
            "such an error in their code in August 2026",
            POLARGRAD,
            "flat",
            "‖U − exact‖ is drawn",
            "disagrees",
        ),
        Claim(
            "Newton–Schulz with Muon’s coefficients never converges: it wanders between 0.682 and 1.202",
            MUON,
            "–",
            f"error {_text(facts['polar_error_newton_schulz'])}",
        ),
    )


def _edge(facts: Mapping[str, Any]) -> tuple[Claim, ...]:
    if "edge_stable_step" not in facts:
        return ()
    return (
        Claim(
            "Where a constant step becomes unstable depends on the data: near c = 6.8 here, between 6 and 6.5 for three "
            "other draws. It is measured, not derived",
            "ours",
            "–",
            f"c falls below it at step {facts['edge_stable_step']}",
        ),
        Claim(
            "PolarGrad’s fastest published row decays through this edge: the gap stands still, then falls all at once",
            POLARGRAD,
            "4.75 × 10⁻⁸ with decay",
            f"drops at step {facts['edge_drop_step']}" if facts["edge_drop_step"] >= 0 else "does not drop",
            "agrees" if facts["edge_drop_step"] >= 0 else "ours",
        ),
    )
