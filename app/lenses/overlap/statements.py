"""What the theory does not say, with live numbers; the numbers of the sky; the card of the selected pair."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ...control import Card, Claim, Readout
from ...frame import Frame
from ...numbers import shown
from ...request import Request
from .scales import DIPOLE_LIMIT

MINGARELLI = "Mingarelli et al. 2013"
GAIR = "Gair et al. 2014, eq. E12"
NANOGRAV = "NANOGrav 15 yr, arXiv:2306.16221, abstract"

ENGINE_ERROR = 2e-15
"""Largest error of Γ_lm, l ≤ 10, that the engine's tests allow against arithmetic of 220 digits."""

CLOSED_FORM_ERROR = {0.02: (5e-4, 3e8), 0.3: (7e-10, 8e-5)}
"""The published closed form in double precision: separation in rad, largest error at l = 6 and at l = 10."""

PIXEL_ERROR = 1.5e-4
"""Of Γ_lm, l ≤ 10, over the pairs of NANOGrav 15 yr, summed at NSIDE 32."""

NULL = ((5, 3.4, 4.7), (20, 4.0, 5.9))
"""Anisotropic SNR of an isotropic sky, 67 pulsars, l ≤ 6, 1000 draws: HD SNR, median, 99.73 %."""

CHI = (6.9, 8.9)
"""The same two of the root of χ² with the 48 degrees of freedom that l = 1 to 6 have."""


_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def claims(request: Request, frame: Frame) -> tuple[Claim, ...]:
    """Statements for the present sky, array and pair; those whose numbers are not there yet are left out."""
    facts = frame.facts
    rows = [_autocorrelation(facts), _exact(), _parity(request)]
    if "pixel_error" in facts:
        rows.append(_pixels(facts))
    if "truncation_error" in facts:
        rows.append(_series(request, facts))
    rows += [_dipole(facts), _null(facts)]
    if request["sky"] == "sources":
        rows.append(_sources(request, facts))
    return (*rows, _minima(), _appendix())


def readouts(request: Request, frame: Frame) -> tuple[Readout, ...]:
    """What the sky does to the pairs of this array."""
    facts = frame.facts
    rows = [
        Readout("pulsars, pairs", str(facts["pulsars"]), str(facts["pairs"])),
        Readout("rms distance from Hellings–Downs", shown(facts["rms_deviation"])),
        Readout("selected pair: Γ, Hellings–Downs", shown(facts["pair_gamma"]), shown(facts["pair_hd"])),
        Readout("dipole C₁/C₀, limit", _percent(facts["dipole_ratio"]), f"{100 * DIPOLE_LIMIT:.0f} %"),
        Readout("Γ of a pulsar with itself", shown(facts["auto_min"]), shown(facts["auto_max"])),
    ]
    if "truncation_error" in facts:
        rows.append(Readout(f"left out above l = {request['l_max']}", shown(facts["truncation_error"])))
    return (*rows, *_recovered(facts), *_measured(facts))


def _recovered(facts: Mapping[str, Any]) -> tuple[Readout, ...]:
    """What the simulated data give back."""
    if not facts.get("simulated"):
        return ()
    return (
        Readout("simulated: HD, monopole SNR", shown(facts["hd_snr"]), shown(facts["monopole_snr"])),
        Readout("anisotropic, total SNR", shown(facts["anisotropic_snr"]), shown(facts["total_snr"])),
        Readout("recovered against injected map", shown(facts["map_correlation"]), "correlation"),
    )


def _measured(facts: Mapping[str, Any]) -> tuple[Readout, ...]:
    """The optimal statistic of the measured points that are laid over, where they are laid over."""
    if not facts.get("real_count"):
        return ()
    return (
        Readout("measured: A², ±", shown(facts["real_amplitude"]), shown(facts["real_uncertainty"])),
        Readout(
            "measured: HD, monopole SNR",
            shown(facts["real_hd_snr"]),
            shown(facts["real_monopole_snr"]),
        ),
    )


def card(request: Request, frame: Frame) -> Card | None:
    """The selected pair."""
    facts = frame.facts
    if "pair_names" not in facts:
        return None
    first, second = facts["pair_names"]
    words = (
        f"{shown(facts['separation_degrees'])}° apart: Γ = {shown(facts['pair_gamma'])}; "
        f"under an even sky {shown(facts['pair_hd'])}"
    )
    return Card("Selected pair", f"{first} × {second}", words)


def _exact() -> Claim:
    near, far = (f"{math.degrees(separation):.2g}°" for separation in CLOSED_FORM_ERROR)
    errors = "; ".join(f"{_power(six)} and {_power(ten)}" for six, ten in CLOSED_FORM_ERROR.values())
    return Claim(
        f"A formula that is exact on paper need not be accurate: in double precision the published closed form "
        f"loses its digits for close pairs. Its largest error at l = 6 and at l = 10, {near} and {far} apart; and "
        "that of ours for l ≤ 10, 0.06° to 179.94°, against arithmetic of 220 digits.",
        f"{GAIR}, as its codes sum it",
        errors,
        _power(ENGINE_ERROR),
    )


def _pixels(facts: Mapping[str, Any]) -> Claim:
    return Claim(
        "A sum over HEALPix pixels is not the integral. Largest error of Γₗₘ, l ≤ 10, at NSIDE 32 for "
        "NANOGrav 15 yr; and that of Γ for the sky shown.",
        "enterprise, MAPS, fastPTA: sums over pixels",
        f"up to {shown(PIXEL_ERROR)}",
        f"{shown(facts['pixel_error'])} by pixels",
    )


def _parity(request: Request) -> Claim:
    return Claim(
        "A map of where the waves go is not a map of where they come from: Γₗₘ differs by (−1)^l, so odd "
        "degrees change sign. Skies here are by source; the label of Γₗₘ follows the switch.",
        MINGARELLI,
        "propagation",
        f"Γₗₘ by {request['orientation']}",
    )


def _autocorrelation(facts: Mapping[str, Any]) -> Claim:
    return Claim(
        "A pulsar with itself is not 1 unless the sky is even: Γₐₐ over the pulsars of this array.",
        f"{MINGARELLI}, factor 1 + δ_ab",
        "1 for an even sky",
        f"{shown(facts['auto_min'])} to {shown(facts['auto_max'])}",
    )


def _dipole(facts: Mapping[str, Any]) -> Claim:
    ratio = facts["dipole_ratio"]
    within = ratio < DIPOLE_LIMIT
    return Claim(
        "Dipole of the sky shown, C₁/C₀, against the measured 95 % limit. Power that is nowhere negative cannot "
        "pass 1/9 = 11 % with a dipole alone (ours): the limit then excludes nothing.",
        NANOGRAV,
        f"< {100 * DIPOLE_LIMIT:.0f} %",
        f"{_percent(ratio)}, {'below' if within else 'above'} it",
        "agrees" if within else "disagrees",
    )


def _null(facts: Mapping[str, Any]) -> Claim:
    (low, low_median, low_top), (high, high_median, high_top) = NULL
    here = f"; {shown(facts['anisotropic_snr'])} in these data" if "anisotropic_snr" in facts else ""
    return Claim(
        f"An even sky shows an anisotropic SNR too, and it is no χ² of the 48 coefficients. Median and 99.7 % for "
        f"67 pulsars, l ≤ 6, at Hellings–Downs SNR {low} and {high}.",
        "ours, 1000 draws; χ² by Wilks’s theorem",
        f"χ²: {CHI[0]} and {CHI[1]}",
        f"{low_median} and {low_top}; {high_median} and {high_top}{here}",
    )


def _series(request: Request, facts: Mapping[str, Any]) -> Claim:
    lowest = facts.get("shown_minimum", facts.get("minimum_power", 0.0))
    negative = f"; its power falls to {shown(lowest)}" if lowest < 0 else ""
    return Claim(
        "A series in harmonics is not the sky: largest part of any pair’s Γ that the degrees above the shown "
        "ones hold.",
        "ours",
        "no statement",
        f"{shown(facts['truncation_error'])} above l = {request['l_max']}{negative}",
    )


def _sources(request: Request, facts: Mapping[str, Any]) -> Claim:
    count = request["sources"]
    return Claim(
        f"Anisotropy of equal sources: Cₗ/C₀ = 1/N on average for every l ≥ 1, and one sky scatters about it. "
        f"Its dipole for N = {count}.",
        "ours",
        f"1/N = {_percent(1 / count)}",
        _percent(facts["dipole_ratio"]),
    )


def _minima() -> Claim:
    return Claim(
        "The best positive sky is one of many: the likelihood of the square-root basis has several minima. Even "
        "skies, 67 pulsars, l ≤ 6, for which a start from the even sky misses a better one, at Hellings–Downs "
        "SNR 3 and 10; with nine starts.",
        "ours",
        "no statement",
        "64 % and 95 %; 3 % and 33 %",
    )


def _appendix() -> Claim:
    return Claim(
        "The printed functions were not compared: we could not read the papers’ appendices or errata. Ours are "
        "derived anew; they were compared with the closed form of all degrees, summed with 80 digits.",
        f"{MINGARELLI}, appendix; {GAIR}",
        "not read",
        f"equal to {_power(ENGINE_ERROR)}",
    )


def _percent(share: float) -> str:
    return f"{shown(100 * share)} %"


def _power(error: float) -> str:
    """An error by its first digit: 2 × 10⁻¹⁵."""
    digit, exponent = f"{error:.0e}".split("e")
    return f"{digit} × 10{str(int(exponent)).translate(_SUPERSCRIPT)}"
