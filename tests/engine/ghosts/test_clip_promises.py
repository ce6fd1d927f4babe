"""What a step of r radii cannot do to a model that is linear in its weights."""

import math

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from anisoscope.engine.ghosts import RadiusClip


@given(
    seed=st.integers(0, 2**31),
    classes=st.integers(2, 9),
    target=st.floats(0.01, 3),
    rate=st.floats(1e-2, 1e3),
    kind=st.sampled_from(["bound", "margin"]),
)
@settings(max_examples=60, deadline=None)
def test_no_flip_beyond_the_margin_and_little_information(seed, classes, target, rate, kind):
    """Top-two margin of πr or more: no flip. KL either way at most (πr)²/8."""
    generator = torch.Generator().manual_seed(seed)
    model = nn.Linear(3, classes, dtype=torch.float64)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(2 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    x = torch.randn(12, 3, generator=generator, dtype=torch.float64)
    y = torch.randint(classes, (12,), generator=generator)
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    before = model(x)
    nn.functional.cross_entropy(before, y).backward()
    before = before.detach()
    last = RadiusClip(model, optimizer, target=target, kind=kind).step(x)
    after = model(x).detach()
    # The promise is one about ρ_a; a cap by the wider margin radius is converted.
    change = after - before
    reach = (change.amax(-1) - change.amin(-1)).max().item()
    if kind == "bound":
        assert reach <= math.pi * target * (1 + 1e-6)
        assert reach <= math.pi * last.normalized_step_taken * (1 + 1e-6)
    best, second = before.topk(2, -1).values.T
    safe = best - second >= reach * (1 + 1e-9)
    assert torch.equal(before.argmax(-1)[safe], after.argmax(-1)[safe])
    p, q = before.log_softmax(-1), after.log_softmax(-1)
    for one, other in ((p, q), (q, p)):
        divergence = (one.exp() * (one - other)).sum(-1)
        assert (divergence <= reach**2 / 8 * (1 + 1e-6) + 1e-14).all()
