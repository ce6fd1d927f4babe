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
        "PolarGrad 2025",
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
        "FISMO 2026",
        "2601.21750",
        _misc(
            "xu2026fismo",
            "FISMO: Fisher-Structured Momentum-Orthogonalized Optimizer",
            "Xu, Chenrui and Yan, Wenjing and Zhang, Ying-Jun Angela",
            2026,
            "2601.21750",
        ),
    ),
    Paper(
        "LANTON 2025",
        "2510.14009",
        _misc(
            "hao2025lanton",
            "Noise-Adaptive Layerwise Learning Rates: Accelerating Geometry-Aware Optimization for Deep "
            "Neural Network Training",
            "Hao, Jie and Gong, Xiaochuan and Xu, Jie and Wang, Zhengdao and Liu, Mingrui",
            2025,
            "2510.14009",
        ),
    ),
    Paper(
        "ARO 2026",
        "2602.09006",
        _misc(
            "gong2026aro",
            "ARO: A New Lens On Matrix Optimization For Large Models",
            "Gong, Wenbo and Zazo, Javier and Luo, Qijun and Wang, Puqian and Hensman, James and Ma, Chao",
            2026,
            "2602.09006",
        ),
    ),
    Paper(
        "Sven 2026",
        "2604.01279",
        _misc(
            "brightthonney2026sven",
            "Sven: Singular Value Descent as a Computationally Efficient Natural Gradient Method",
            "Bright-Thonney, Samuel and Harvey, Thomas R. and Lukas, Andre and Thaler, Jesse",
            2026,
            "2604.01279",
        ),
    ),
    Paper(
        "Muon 2024",
        "",
        """@misc{jordan2024muon,
  title        = {Muon: An optimizer for hidden layers in neural networks},
  author       = {Keller Jordan and Yuchen Jin and Vlado Boza and You Jiacheng and Franz Cesista and
                  Laker Newhouse and Jeremy Bernstein},
  year         = {2024},
  url          = {https://kellerjordan.github.io/posts/muon/}
}""",
        "https://kellerjordan.github.io/posts/muon/",
    ),
)
