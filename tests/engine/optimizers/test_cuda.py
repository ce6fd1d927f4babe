"""The same trajectories on a CUDA device as on the processor, in float64."""

from __future__ import annotations

import pytest
import torch

from anisoscope.engine.optimizers import Aro, Fismo, Lanton, Muon, PolarGrad, Shampoo, Soap, Sven
from anisoscope.engine.polar import METHODS, polar

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")


@pytest.mark.parametrize("method", METHODS)
def test_polar_factor(method: str) -> None:
    G = torch.randn(3, 12, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    torch.testing.assert_close(polar(G.to("cuda"), method).cpu(), polar(G, method), rtol=0, atol=1e-11)


@pytest.mark.parametrize("optimizer", [Muon, PolarGrad, Shampoo, Soap, Fismo, Lanton, Aro])
def test_trajectories(optimizer: type) -> None:
    generator = torch.Generator().manual_seed(1)
    start = torch.randn(8, 12, generator=generator, dtype=torch.float64)
    here, there = torch.nn.Parameter(start.clone()), torch.nn.Parameter(start.to("cuda"))
    ours, theirs = optimizer([here], lr=0.01), optimizer([there], lr=0.01)
    for _ in range(5):
        here.grad = torch.randn(8, 12, generator=generator, dtype=torch.float64)
        there.grad = here.grad.to("cuda")
        ours.step()
        theirs.step()
    # SOAP's noise entries are held by its eps of 1e-8
    torch.testing.assert_close(there.cpu(), here, rtol=0, atol=1e-6 if optimizer is Soap else 1e-9)


def test_sven() -> None:
    x = torch.randn(6, 3, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    model = torch.nn.Linear(3, 1).double()
    twin = torch.nn.Linear(3, 1).double().to("cuda")
    twin.load_state_dict(model.state_dict())
    for network, inputs in ((model, x), (twin, x.to("cuda"))):
        sven = Sven(network.parameters(), 0.5, model=network)
        for _ in range(3):
            sven.step(lambda n=network, i=inputs: (n(i)[:, 0] - i.sum(1)).square())
    torch.testing.assert_close(twin.weight.cpu(), model.weight, rtol=0, atol=1e-10)
