"""The hook that keeps training's logits: there only while it is of use, and without a trace in copies and compilers."""

import copy
import gc
import pickle
import weakref
from typing import Any

import pytest
import torch
from torch import nn

from anisoscope.engine.ghosts import RadiusClip

from .clipped_training import Own, Training, X, Y, network, nothing

pytestmark = pytest.mark.usefixtures("own_random_numbers")


def test_nothing_is_kept_longer_than_needed():
    training = Training(network(), mode="monitor", every=3)
    watched, kept, seen = [], [], []
    for _ in range(7):
        x = X.clone()
        logits = training.forward(x)
        watched.append(bool(training.model._forward_hooks))
        inputs = weakref.ref(x)
        training.x = x
        seen.append(training.clip.step(x).reused)
        del x, logits
        training.x = X
        gc.collect()
        kept.append(inputs() is not None)
    assert watched == seen == [False, True, False, False, True, False, False]
    assert not any(kept)
    del training.clip
    for _ in range(2):
        gc.collect()
    assert not training.model._forward_hooks


@pytest.mark.parametrize("settings", [{"backend": "jvp"}, {"samples": X}, {"samples": [X]}, {"reuse": False}])
def test_no_hook_where_it_is_of_no_use(settings):
    training = Training(network(), **settings)
    assert not training.model._forward_hooks and not training.last_step(nothing).reused


def test_no_hook_for_those_who_hand_the_logits_in():
    training = Training(network())
    for handed_in in (True, True, False, False, True):
        logits = training.forward()
        hooks = len(training.model._forward_hooks)
        last = training.clip.step(training.x, logits=logits if handed_in else None)
        assert len(training.model._forward_hooks) == (not handed_in)
    assert last.reused and hooks == 1


def test_the_hook_goes_with_the_clip():
    model = network()
    clip = RadiusClip(model, torch.optim.SGD(model.parameters(), lr=0.1))
    assert len(model._forward_hooks) == 1
    del clip
    gc.collect()
    assert not model._forward_hooks


def test_copies_and_pickles_of_the_model_are_models():
    training = Training(network())
    stored = pickle.dumps(training.model)
    assert b"anisoscope" not in stored
    expected = training.model(X)
    for other in [copy.deepcopy(training.model), pickle.loads(stored)]:
        assert torch.equal(other(X), expected)
        # Their passes are not those of the training.
        training.forward()
        with torch.no_grad():
            other[0].weight.zero_()
        other(training.x)
        assert training.clip.step(training.x).reused
    # A copied clip watches the copied model.
    clip = copy.deepcopy(training.clip)
    nn.functional.cross_entropy(clip.model(X), Y).backward()
    clip.step(X)
    nn.functional.cross_entropy(clip.model(X), Y).backward()
    assert clip.step(X).reused


def test_a_model_compiled_later_leaves_no_trace_of_the_hook():
    torch.compiler.reset()
    training = Training(Own())
    operations: list[int] = []

    def compiler(graph: Any, _: Any) -> Any:
        operations.append(len(graph.graph.nodes))
        return graph.forward

    compiled = torch.compile(training.model, backend=compiler, fullgraph=True)
    nn.functional.cross_entropy(compiled(training.x), Y).backward()
    assert not training.clip.step(training.x).reused
    torch.compiler.reset()
    plain = Own()
    torch.compile(plain, backend=compiler, fullgraph=True)(X)
    assert operations[0] == operations[1]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tracing_leaves_no_trace_of_the_hook():
    training = Training(network())
    traced = torch.jit.trace(training.model, X)
    assert torch.equal(traced(X), training.model(X))
