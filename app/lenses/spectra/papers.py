"""The results that the lens shows."""

from __future__ import annotations

from ...lens import Paper


def _misc(key: str, title: str, author: str, year: int, arxiv: str) -> str:
    return f"""@misc{{{key},
  title         = {{{title}}},
  author        = {{{author}}},
  year          = {{{year}}},
  eprint        = {{{arxiv}}},
  archivePrefix = {{arXiv}}
}}"""


PAPERS = (
    Paper(
        "Lau 2025, PolarGrad",
        "2505.21799",
        _misc(
            "lau2025polargrad",
            "PolarGrad: A Class of Matrix-Gradient Optimizers from a Unifying Preconditioning Perspective",
            "Lau, Tim Tsz-Kit and Long, Qi and Su, Weijie",
            2025,
            "2505.21799",
        ),
    ),
    Paper(
        "FISMO 2026", "2601.21750", _misc("fismo2026", "FISMO", "Xu and Yan and Zhang", 2026, "2601.21750")
    ),
    Paper("LANTON 2025", "2510.14009", _misc("lanton2025", "LANTON", "LANTON authors", 2025, "2510.14009")),
    Paper("ARO 2026", "2602.09006", _misc("aro2026", "ARO", "ARO authors", 2026, "2602.09006")),
    Paper("Sven 2026", "2604.01279", _misc("sven2026", "Sven", "Sven authors", 2026, "2604.01279")),
)
