"""Metropolis chains over the roots of square-root skies, with the amplitude integrated out where it is free."""

import math

import torch
from torch import Tensor

from .clebsch import product_tensor
from .compression import Compressed
from .truncated import draw_amplitude

_WANTED_ACCEPTANCE = 0.234


class RootChains:
    """Metropolis chains over the roots b (chains, n), with A² integrated out where it is free."""

    def __init__(
        self,
        compressed: Compressed,
        data: Tensor,
        l_max: int,
        amplitude: float | None,
        chains: int,
        generator: torch.Generator | None,
    ):
        self.table = product_tensor(l_max).to(data.device)
        self.forms = torch.einsum("jk,kab->jab", compressed.r, self.table)
        self.data, self.generator, self.fixed = data, generator, amplitude
        size = self.table.shape[1]
        self.root = torch.randn(chains, size, generator=generator, dtype=torch.float64).to(data)
        self.density = self.log_density(self.root)
        self.shape = torch.eye(size, dtype=torch.float64, device=data.device)
        self.scale = 2.38 / math.sqrt(size)
        self.taken = self.proposed = 0

    def model(self, root: Tensor) -> Tensor:
        """Mean compressed data (..., j) of the normalised sky."""
        halves = (root @ self.forms.flatten(0, 1).mT).unflatten(-1, self.forms.shape[:2])
        return (halves @ root.unsqueeze(-1)).squeeze(-1) * (4 * math.pi / root.square().sum(-1, keepdim=True))

    def coefficients(self, root: Tensor) -> Tensor:
        """c_lm (..., k) of the normalised sky."""
        products = torch.einsum("kij,...i,...j->...k", self.table, root, root)
        return products * (4 * math.pi / root.square().sum(-1, keepdim=True))

    def log_density(self, root: Tensor) -> Tensor:
        """Prior times likelihood (...), up to a constant."""
        model, prior = self.model(root), -0.5 * root.square().sum(-1)
        if self.fixed is not None:
            return prior - 0.5 * (self.data - self.fixed * model).square().sum(-1)
        size = torch.linalg.vector_norm(model, dim=-1)
        fitted = model @ self.data / size
        return prior + 0.5 * fitted.square() + torch.special.log_ndtr(fitted) - size.log()

    def move(self, count: int, adapt: bool = False) -> Tensor:
        """`count` proposals for each chain; with adapt the scale moves towards the wanted acceptance."""
        chains, size = self.root.shape
        for _ in range(count):
            normal = torch.randn(chains, size, generator=self.generator, dtype=torch.float64).to(self.root)
            proposal = self.root + self.scale * normal @ self.shape.mT
            density = self.log_density(proposal)
            uniform = torch.rand(chains, generator=self.generator, dtype=torch.float64).to(density.device)
            accept = uniform.log() < density - self.density
            self.root = torch.where(accept.unsqueeze(-1), proposal, self.root)
            self.density = torch.where(accept, density, self.density)
            taken = int(accept.sum())
            self.taken, self.proposed = self.taken + taken, self.proposed + chains
            if adapt:
                self.scale *= math.exp(0.05 * (taken / chains - _WANTED_ACCEPTANCE))
        return self.root

    def follow(self, history: Tensor) -> None:
        """Shape proposals like the mean covariance within each chain of (steps, chains, n) states."""
        centred = (history - history.mean(0)).flatten(0, 1)
        spread = centred.mT @ centred / len(centred)
        ridge = 1e-3 * spread.diagonal().mean() * torch.eye(len(spread)).to(spread)
        self.shape = torch.linalg.cholesky(spread + ridge)
        self.scale = 2.38 / math.sqrt(len(spread))

    def draw_amplitude(self, roots: Tensor) -> Tensor:
        """A² given the sky, one draw for each root (..., n)."""
        if self.fixed is not None:
            return roots.new_full(roots.shape[:-1], self.fixed)
        model = self.model(roots).flatten(0, -2)
        return draw_amplitude(model, self.data, self.generator).unflatten(0, roots.shape[:-1])
