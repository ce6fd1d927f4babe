"""Every architecture: shapes, dtypes, seeds, derivatives."""

import math

import pytest
import torch
from torch.func import functional_call, jvp
from torch.nn.functional import scaled_dot_product_attention

from anisoscope.engine.digits import ARCHITECTURES, build
from anisoscope.engine.digits.architectures import SelfAttention

NAMES = list(ARCHITECTURES)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(count: int = 5) -> torch.Tensor:
    return torch.rand(count, 64, generator=seeded(1))


@pytest.mark.parametrize("name", NAMES)
def test_logits_have_their_shape_in_both_precisions(name):
    model = build(name, seeded()).eval()
    single = model(images())
    assert single.shape == (5, 10) and single.dtype == torch.float32
    double = model.double()(images().double())
    assert double.dtype == torch.float64
    torch.testing.assert_close(single.double(), double, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_the_generator_alone_decides_the_weights(name):
    before = torch.random.get_rng_state()
    first, again, other = (build(name, seeded(seed)).state_dict() for seed in (3, 3, 4))
    assert torch.equal(before, torch.random.get_rng_state()), "the global generator was used"
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert any(not torch.equal(first[key], other[key]) for key in first)
    assert all(value.isfinite().all() for value in first.values())


@pytest.mark.parametrize("name", NAMES)
def test_samples_do_not_see_each_other_in_evaluation_mode(name):
    model = build(name, seeded()).eval().double()
    batch = images().double()
    order = torch.tensor([3, 1, 4, 0, 2])
    torch.testing.assert_close(model(batch)[order], model(batch[order]))
    torch.testing.assert_close(model(batch)[2:3], model(batch[2:3]))


@pytest.mark.parametrize("name", NAMES)
def test_forward_mode_derivative_agrees_with_a_central_difference(name):
    model = build(name, seeded()).eval().double()
    batch = images().double()
    generator = seeded(2)
    here = {key: p.detach() for key, p in model.named_parameters()}
    along = {key: torch.randn(p.shape, generator=generator, dtype=p.dtype) for key, p in here.items()}

    def logits(parameters):
        return functional_call(model, parameters, (batch,))

    _, slope = jvp(logits, (here,), (along,))
    step = 1e-8  # short enough that no ReLU turns between the two ends
    ahead, behind = (logits({k: here[k] + s * step * along[k] for k in here}) for s in (1, -1))
    torch.testing.assert_close(slope, (ahead - behind) / (2 * step), rtol=1e-5, atol=1e-6)


def test_attention_equals_the_fused_kernel():
    attention = SelfAttention(width=12, heads=3).double()
    tokens = torch.randn(2, 8, 12, generator=seeded(), dtype=torch.float64)
    parts = attention.project_in(tokens).unflatten(-1, (3, 3, 4)).permute(2, 0, 3, 1, 4)
    expected = scaled_dot_product_attention(*parts).transpose(1, 2).flatten(2)
    torch.testing.assert_close(attention(tokens), attention.project_out(expected))


def test_initial_weights_have_the_default_spread():
    weight = build("mlp_layernorm", seeded()).get_parameter("3.weight")
    bound = 1 / math.sqrt(128)
    assert weight.abs().max() <= bound
    assert weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.02)


def test_unknown_name_is_refused():
    with pytest.raises(ValueError, match=r"name='mpl'.*mlp_layernorm"):
        build("mpl", seeded())
