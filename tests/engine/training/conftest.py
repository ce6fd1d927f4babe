"""A small classification with batches by step, as lanes see it; no data are read."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn


@pytest.fixture(autouse=True, scope="package")
def one_thread() -> Iterator[None]:
    """With more, the order of torch's sums, and with it the last bit, is not the same from run to run."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Blobs:
    """Labels of random points by a random linear map; batches are a pure function of (step, seed)."""

    def __init__(
        self, widths: tuple[int, ...] = (12, 16, 14, 5), batch: int = 24, samples: int = 200
    ) -> None:
        generator = torch.Generator().manual_seed(7)
        self.widths, self.batch = widths, batch
        self.points = torch.randn(samples, widths[0], generator=generator)
        self.labels = (self.points @ torch.randn(widths[0], widths[-1], generator=generator)).argmax(1)

    def model(self, seed: int) -> nn.Module:
        generator = torch.Generator().manual_seed(seed)
        layers: list[nn.Module] = []
        for inner, outer in pairwise(self.widths):
            layer = nn.utils.skip_init(nn.Linear, inner, outer)
            with torch.no_grad():
                for p in layer.parameters():
                    p.uniform_(-(inner**-0.5), inner**-0.5, generator=generator)
            layers += [layer, nn.ReLU()]
        return nn.Sequential(*layers[:-1])

    def losses(self, model: nn.Module, step: int, seed: int) -> Tensor:
        generator = torch.Generator().manual_seed(1_000_003 * seed + step)
        chosen = torch.randint(len(self.points), (self.batch,), generator=generator)
        return nn.functional.cross_entropy(model(self.points[chosen]), self.labels[chosen], reduction="none")

    def loss(self, model: nn.Module, step: int, seed: int) -> Tensor:
        return self.losses(model, step, seed).mean()

    @torch.no_grad()
    def report(self, model: nn.Module) -> dict[str, float]:
        return {"loss": nn.functional.cross_entropy(model(self.points), self.labels).item()}

    def matrix_names(self, model: nn.Module) -> list[str]:
        return [name for name, p in model.named_parameters() if p.ndim == 2][1:-1]


@pytest.fixture(scope="session")
def blobs() -> Blobs:
    return Blobs()
