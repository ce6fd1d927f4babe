"""The point-spread function against reference values, a naive sum over vertices, and its invariances."""

import itertools
import math
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from anisoscope.engine.hashgrid.kernels import KERNELS, PROFILES, adam_cell_factor, cell_factor, profile
from anisoscope.engine.hashgrid.levels import level_table
from anisoscope.engine.hashgrid.point_spread import point_spread_function, point_spread_levels

from .psf_oracle import FLOORED, ORACLE, angles, cycle, golden, rotations_3d

TIGHT = {"rtol": 1e-10, "atol": 1e-13}
PLANE, SPACE, SHIFTED = ORACLE["psf_2d"], ORACLE["psf_3d"], ORACLE["psf_2d_offset"]


def naive(levels, x0, x, kernel="cell", rotation=None, offset=0.0) -> float:
    """Sum over all vertices near both points, by dictionaries."""
    total = 0.0
    for l, level in enumerate(levels):
        turn = None
        if rotation is not None:
            c, s = math.cos(rotation[l]), math.sin(rotation[l])
            turn = torch.tensor([[c, s], [-s, c]], dtype=torch.float64)

        def weights(point, level=level, turn=turn):
            place = torch.tensor(point, dtype=torch.float64)
            # not by way of the centre where nothing turns: a point on a node is there to the last bit
            place = place if turn is None else turn @ (place - 0.5) + 0.5
            a = (level * place + offset).tolist()
            out = {}
            for corner in itertools.product((0, 1), repeat=len(a)):
                vertex = tuple(math.floor(v) + c for v, c in zip(a, corner, strict=True))
                out[vertex] = math.prod(max(0, 1 - abs(v - i)) for v, i in zip(a, vertex, strict=True))
            return out

        read, written = weights(x), weights(x0)
        for vertex, weight in written.items():
            if weight > 0:
                total += read.get(vertex, 0.0) * (weight if kernel == "cell" else 1.0)
    return total


@pytest.mark.parametrize(
    "name", [name for name in PLANE if name not in ("levels", "x0", "points", "K(x0,x0)")]
)
def test_reference_values_in_the_plane(name):
    turn, _, kernel = name.rpartition(" ")
    if kernel == "K(x0,x0)":
        value = point_spread_function(
            FLOORED, PLANE["x0"], [PLANE["x0"]], "cell", angles(turn), normalised=False
        )
        torch.testing.assert_close(value.item(), PLANE[name], **TIGHT)
        return
    raw = kernel == "cell_raw"
    values = point_spread_function(
        FLOORED,
        PLANE["x0"],
        PLANE["points"],
        "cell" if raw else kernel,
        angles(turn or "none"),
        normalised=not raw,
    )
    torch.testing.assert_close(values, torch.tensor(PLANE[name], dtype=torch.float64), **TIGHT)


@pytest.mark.parametrize("kernel", ["cell", "node", "averaged", "adam"])
def test_reference_values_in_space(kernel):
    expected = SPACE["cell_raw" if kernel == "cell" else kernel]
    values = point_spread_function(
        SPACE["levels"], SPACE["x0"], SPACE["points"], kernel, normalised=kernel != "cell"
    )
    torch.testing.assert_close(values, torch.tensor(expected, dtype=torch.float64), **TIGHT)


@pytest.mark.parametrize("turn", ["none", "golden"])
def test_reference_values_on_the_shifted_lattice(turn):
    table = level_table(2, 6, 19, 8, 1.4, "tiny-cuda-nn")
    values = point_spread_function(
        table, SHIFTED["x0"], SHIFTED["points"], "cell", angles(turn, 6), normalised=False
    )
    expected = SHIFTED["cell_raw" if turn == "none" else "golden cell_raw"]
    torch.testing.assert_close(values, torch.tensor(expected, dtype=torch.float64), **TIGHT)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(0.02, 0.98), min_size=4, max_size=4),
    st.sampled_from(["cell", "adam_cell"]),
    st.booleans(),
    st.sampled_from([0.0, 0.5]),
)
def test_exact_kernels_are_the_sum_over_vertices(coordinates, kernel, turned, offset):
    scales = torch.tensor([3.0, 4.0, 7.0, 10.0], dtype=torch.float64)
    x0 = coordinates[:2]
    x = [a + (b - 0.5) / 4 for a, b in zip(x0, coordinates[2:], strict=True)]
    turns = golden(4) if turned else None
    table = SimpleNamespace(scales=scales, offset=offset)
    value = point_spread_function(table, x0, [x], kernel, turns, normalised=False).item()
    reference = naive(scales.tolist(), x0, x, kernel, None if turns is None else turns.tolist(), offset)
    assert value == pytest.approx(reference, abs=1e-11)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("turn", ["none", "golden"])
def test_levels_sum_to_the_function_which_is_one_at_x0_and_local(kernel, turn):
    generator = torch.Generator().manual_seed(3)
    x0 = torch.tensor([0.41, 0.27], dtype=torch.float64)
    points = torch.rand(400, 2, generator=generator, dtype=torch.float64)
    parts = point_spread_levels(FLOORED, x0, points, kernel, angles(turn))
    torch.testing.assert_close(
        parts.sum(0), point_spread_function(FLOORED, x0, points, kernel, angles(turn)), rtol=0, atol=0
    )
    assert point_spread_function(FLOORED, x0, x0[None], kernel, angles(turn)).item() == pytest.approx(1)
    assert (parts >= 0).all()
    # level l vanishes 2 cells away; in any orientation that is at most 2√2/N_l
    far = (points - x0).norm(dim=1)[None] >= 2 * math.sqrt(2) / FLOORED[:, None]
    assert parts[far].max() == 0 and parts.max() > 0


@pytest.mark.parametrize("turn", ["none", "golden", "cycle 4"])
def test_the_cell_kernel_is_symmetric_and_its_matrix_has_no_negative_eigenvalue(turn):
    points = torch.rand(60, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64) / 4
    gram = torch.stack(
        [
            point_spread_function(FLOORED[:6], p, points, "cell", angles(turn, 6), normalised=False)
            for p in points
        ]
    )
    torch.testing.assert_close(gram, gram.mT, rtol=0, atol=1e-13)
    assert torch.linalg.eigvalsh(gram).min() > -1e-12
    diagonal = gram.diagonal()
    assert (diagonal >= 6 / 4).all() and (diagonal <= 6).all()


def test_the_peak_is_the_number_of_levels_on_a_common_node_alone():
    levels = [4.0, 8.0, 16.0]
    assert point_spread_function(levels, [0.25, 0.5], [[0.25, 0.5]], normalised=False).item() == 3
    assert point_spread_function(levels, [0.26, 0.5], [[0.26, 0.5]], normalised=False).item() < 3


@pytest.mark.parametrize("dim", [1, 2, 3])
@pytest.mark.parametrize(("exact", "mean"), [("cell", "averaged"), ("adam_cell", "adam")])
def test_averaged_kernels_are_means_over_the_place_of_x0(dim, exact, mean):
    # the exact kernels are polynomials of x0 between kinks at 0 and at the fraction of the displacement:
    # Gauss-Legendre nodes on both sides make the mean exact
    displacement = torch.tensor([0.3, -1.2, 0.55], dtype=torch.float64)[:dim]
    nodes, weights = torch.tensor([-1, 1]).double() / math.sqrt(3), torch.ones(2, dtype=torch.float64)
    factor = cell_factor if exact == "cell" else adam_cell_factor
    total = 1.0
    for d in displacement.tolist():
        kink = (-d) % 1
        value = 0.0
        for low, high in ((0.0, kink), (kink, 1.0)):
            b = low + (high - low) * (nodes + 1) / 2
            value += (factor(b + d, b) * weights).sum().item() * (high - low) / 2
        total *= value
    x0 = torch.full((dim,), 0.5, dtype=torch.float64)
    ours = point_spread_function([1.0], x0, (x0 + displacement)[None], mean, normalised=False).item()
    assert ours == pytest.approx(total, abs=1e-14)


@pytest.mark.parametrize(("kernel", "place"), [("node", 0.0), ("mid_cell", 0.5)])
def test_limits_are_the_exact_kernel_at_a_node_and_mid_cell(kernel, place):
    u = torch.linspace(-2.5, 2.5, 41, dtype=torch.float64)
    x0 = torch.tensor([7 + place, 4 + place], dtype=torch.float64)
    points = x0 + torch.cartesian_prod(u, u)
    for exact in ("cell", "adam_cell"):
        torch.testing.assert_close(
            point_spread_function([1.0], x0, points, exact),
            point_spread_function([1.0], x0, points, kernel),
            rtol=0,
            atol=1e-14,
        )


@pytest.mark.parametrize("kernel", ["node", "averaged", "adam", "mid_cell"])
def test_mirrors_and_quarter_turns(kernel):
    x0 = torch.tensor([0.5, 0.5], dtype=torch.float64)
    v = (torch.rand(200, 2, generator=torch.Generator().manual_seed(5), dtype=torch.float64) - 0.5) / 20

    def spread(vectors, turn=None):
        return point_spread_function(FLOORED, x0, x0 + vectors, kernel, turn)

    quarter, mirror = torch.stack((-v[:, 1], v[:, 0]), 1), v * torch.tensor([1.0, -1.0])
    same = {"rtol": 0, "atol": 1e-11}
    torch.testing.assert_close(spread(v), spread(quarter), **same)
    torch.testing.assert_close(spread(v), spread(mirror), **same)
    torch.testing.assert_close(spread(v, golden()), spread(quarter, golden()), **same)
    assert (spread(v, golden()) - spread(mirror, golden())).abs().max() > 1e-4
    torch.testing.assert_close(spread(v, golden()), spread(v, golden() + math.pi / 2), **same)
    torch.testing.assert_close(spread(v, golden()), spread(mirror, -golden()), **same)


def test_the_exact_kernel_has_none_of_these_symmetries():
    x0 = torch.tensor([0.37, 0.61], dtype=torch.float64)
    v = torch.tensor([[0.004, 0.001]], dtype=torch.float64)
    here = point_spread_function(FLOORED, x0, x0 + v)
    assert (here - point_spread_function(FLOORED, x0, x0 + v.flip(1) * torch.tensor([-1.0, 1]))).abs() > 1e-3
    assert (here - point_spread_function(FLOORED, x0, x0 - v)).abs() > 1e-3


def test_octahedral_turns_change_nothing_in_space():
    x0 = torch.tensor([0.31, 0.62, 0.47], dtype=torch.float64)
    points = x0 + (torch.rand(100, 3, generator=torch.Generator().manual_seed(1)).double() - 0.5) / 20
    turns = rotations_3d("octahedron axes")
    torch.testing.assert_close(
        point_spread_function(FLOORED, x0, points, "node", turns),
        point_spread_function(FLOORED, x0, points, "node"),
        rtol=0,
        atol=1e-12,
    )


def test_many_points_are_the_same_as_few():
    points = torch.rand(70000, 2, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    whole = point_spread_function(FLOORED, [0.5, 0.3], points, "cell", cycle(4))
    pieces = [
        point_spread_function(FLOORED, [0.5, 0.3], part, "cell", cycle(4)) for part in points.split(9999)
    ]
    # the last numbers of a chunk may be turned by another loop than the first ones
    torch.testing.assert_close(whole, torch.cat(pieces), rtol=0, atol=1e-15)
    assert point_spread_function(FLOORED, [0.5, 0.3], points[:0]).shape == (0,)


@pytest.mark.parametrize("name", PROFILES)
def test_profiles_agree_with_their_polynomials_and_transforms(name):
    shape = profile(name)
    reference = ORACLE["profiles"]
    u = torch.tensor(reference["u"], dtype=torch.float64)
    column = {"node": "hat", "averaged": "b3", "adam": "s", "mid_cell": "trap"}[name]
    torch.testing.assert_close(shape.value(-u), torch.tensor(reference[column], dtype=torch.float64), **TIGHT)
    fine = torch.linspace(0, shape.support, 4001, dtype=torch.float64)
    index = torch.bucketize(fine, torch.tensor(shape.ends, dtype=torch.float64)).clamp_max(
        len(shape.ends) - 1
    )
    polynomial = torch.stack(
        [sum(c * fine**k for k, c in enumerate(piece)) for piece in shape.pieces]  # pyright: ignore
    )
    torch.testing.assert_close(shape.value(fine), polynomial.gather(0, index[None])[0], rtol=0, atol=4e-15)
    integral = 2 * torch.trapezoid(shape.value(fine), fine)
    assert shape.peak * integral.item() == pytest.approx(shape.integral, abs=1e-6)
    for t in (0.3, 0.85):
        wave = 2 * torch.trapezoid(shape.value(fine) * torch.cos(2 * math.pi * t * fine), fine) / integral
        assert shape.transform(torch.tensor(t).double()).item() == pytest.approx(wave.item(), abs=1e-6)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kernel": "gauss"}, "kernel is 'gauss'"),
        ({"points": [[0.1, 0.2, 0.3]]}, "points"),
        ({"points": [[math.nan, 0.2]]}, "finite"),
        ({"x0": [[0.1, 0.2]]}, "x0"),
        ({"x0": [0.1] * 4}, "x0"),
        ({"grid_or_levels": []}, "levels"),
        ({"grid_or_levels": [4.0, -2.0]}, "levels"),
        ({"grid_or_levels": [4.0, math.inf]}, "levels"),
        ({"rotation": [0.1]}, "rotation"),
        ({"rotation": [[[1.0, 0], [0, 2]]] * 2}, "rotation"),
        ({"rotation": [math.nan, 0.0]}, "rotation"),
    ],
)
def test_what_is_refused(change, words):
    arguments = {"grid_or_levels": [4.0, 8.0], "x0": [0.1, 0.2], "points": [[0.1, 0.2]], **change}
    with pytest.raises(ValueError, match=words):
        point_spread_function(**arguments)


def test_angles_are_refused_in_space():
    with pytest.raises(ValueError, match="rotation"):
        point_spread_function([4.0], [0.1, 0.2, 0.3], [[0.1, 0.2, 0.3]], rotation=[0.1])
