"""What the drop-downs of the lens offer: words on the page, and the values behind them."""

from __future__ import annotations

VIEWS = {
    "kernel": "kernel",
    "over all places, transfer": "maps",
    "tables and collisions": "tables",
    "choose an encoding": "adviser",
    "fit an image": "fit",
}
KERNELS = {
    "exact, at the lit point": "cell",
    "lit point on a node": "node",
    "lit point in mid-cell": "mid_cell",
    "mean over all places": "averaged",
    "Adam, mean over all places": "adam",
    "Adam, at the lit point": "adam_cell",
}
EXACT = ("cell", "adam_cell")
DIMENSIONS = {"2-D": 2, "3-D, plane x y": 3}
SETS = {
    "none": "none",
    "octahedron: no change": "octahedron",
    "tetrahedron": "tetrahedron",
    "cube": "cube",
    "icosahedron": "icosahedron",
    "45° about z": "z 45",
    "60° about the body diagonal": "body diagonal 60",
    "super-Fibonacci, 8": "super-Fibonacci",
}
PICTURES = {
    "cat": "cat",
    "camera": "camera",
    "grass": "grass",
    "grating at 30°": "grating",
    "zone plate": "zone plate",
    "Siemens star": "star",
    "your own": "own",
}
LEDES = {
    "maps": (
        "Turn each level,",
        "or train for longer. The blur depends on the place in the cell, on the direction and on the time of training: "
        "here are all places at once, and what the blur leaves of two points.",
    ),
    "tables": (
        "Turn each level,",
        "or shrink the table. Places that share a row of it answer together: the kernel stays, and a speckle of others "
        "comes on top.",
    ),
    "adviser": (
        "Drag the width",
        "of the finest feature you need. Levels, growth and table follow from the laws of the other views, and so does "
        "what they will cost.",
    ),
    "fit": (
        "Shrink the tables",
        "and watch four encodings fit one image: how much comes from turned levels, and how much from other hashes alone.",
    ),
}
"""What the reader can do in a view, and what is then to be seen, where the words of the lens do not fit it."""

FIT_TURNS = {"golden angle": "golden", "cycle of M": "cycle"}
CONVENTIONS = {
    "paper": "paper",
    "tiny-cuda-nn": "tiny-cuda-nn",
    "nerfstudio": "nerfstudio",
    "torch-ngp": "torch-ngp",
}
REGIMES = {
    "one by one, Adam": "adam",
    "one by one, least squares": "least squares",
    "one by one, claimed β of 3": "paper",
    "all pixels together": "dense",
}
