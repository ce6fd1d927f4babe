"""Hamiltonian chains over linear sky coefficients that bounce off the wall P = 0."""

import math

import torch
from torch import Tensor

from .compression import Compressed
from .harmonics import real_harmonics
from .healpix import pixel_directions
from .square_root import isotropic_amplitude
from .truncated import draw_amplitude

_KICKS = 5
_STEP = 0.4
_MOST_BOUNCES = 2000


class ReflectedChains:
    """Chains over c_lm, l ≥ 1, (chains, k − 1), for skies positive on a grid: Afshar & Domke (2015), NeurIPS 28.

    Straight flight between kicks from the Gaussian likelihood; at a zero of the sky the velocity is mirrored, which
    keeps volume, energy and reversibility, so the Metropolis test at the end of a flight makes the chain exact.
    The positive skies are a body of many corners, where moves along straight lines (hit-and-run) are short: for
    l_max 6 flights of the same cost gave about seventy times the independent draws.
    """

    def __init__(
        self,
        compressed: Compressed,
        data: Tensor,
        l_max: int,
        amplitude: float | None,
        chains: int,
        generator: torch.Generator | None,
    ):
        grid = pixel_directions(max(4, 2 * l_max))
        self.basis = real_harmonics(grid, l_max)[:, 1:].mT.contiguous().to(data.device)
        self.response = compressed.r[:, 1:].mT.contiguous()
        self.mean = math.sqrt(4 * math.pi) * compressed.r[:, 0]
        self.data, self.generator, self.fixed = data, generator, amplitude is not None
        size = len(self.response)
        self.free = data.new_zeros(chains, size)
        best, uncertainty = isotropic_amplitude(compressed, data)
        start = float(best.clamp(min=uncertainty)) if amplitude is None else amplitude
        self.amplitude = data.new_full((chains,), start)
        # The wall alone confines each coefficient to a few tenths.
        information = start**2 * self.response @ self.response.mT + 10 * torch.eye(size).to(data)
        self.shape = torch.linalg.cholesky(torch.linalg.inv(information))
        self.taken = self.proposed = 0

    def follow(self, history: Tensor) -> None:
        """Shape later flights like the spread of (steps, chains, k − 1) states; during warm-up only."""
        states = history.flatten(0, 1)
        spread = (states - states.mean(0)).mT @ (states - states.mean(0)) / len(states)
        # A part of the first shape keeps every direction open however short the warm-up.
        self.shape = torch.linalg.cholesky(spread + 0.05 * self.shape @ self.shape.mT)

    def move(self) -> None:
        """One flight of every chain, and a fresh amplitude where it is free."""
        chains, size = self.free.shape
        velocity = torch.randn(chains, size, generator=self.generator, dtype=torch.float64).to(self.free)
        # Unequal steps: no direction can stay in resonance with its own oscillation.
        jitter = torch.rand((), generator=self.generator, dtype=torch.float64).item()
        step = _STEP * (0.8 + 0.4 * jitter)
        before = self._energy(self.free) + 0.5 * velocity.square().sum(-1)
        place = self.free
        finished = torch.ones(chains, dtype=torch.bool, device=place.device)
        velocity = velocity - 0.5 * step * self._slope(place)
        for kick in range(_KICKS):
            place, velocity, ended = self._fly(place, velocity, step)
            finished &= ended
            last = kick == _KICKS - 1
            velocity = velocity - (0.5 if last else 1.0) * step * self._slope(place)
        after = self._energy(place) + 0.5 * velocity.square().sum(-1)
        uniform = torch.rand(chains, generator=self.generator, dtype=torch.float64).to(place.device)
        accept = finished & (uniform.log() < before - after)
        self.free = torch.where(accept.unsqueeze(-1), place, self.free)
        self.taken, self.proposed = self.taken + int(accept.sum()), self.proposed + chains
        if not self.fixed:
            self.amplitude = draw_amplitude(self._model(self.free), self.data, self.generator)

    def _model(self, free: Tensor) -> Tensor:
        """Mean compressed data (chains, j) at A² = 1."""
        return self.mean + free @ self.response

    def _residual(self, free: Tensor) -> Tensor:
        return self.data - self.amplitude.unsqueeze(-1) * self._model(free)

    def _energy(self, free: Tensor) -> Tensor:
        return 0.5 * self._residual(free).square().sum(-1)

    def _slope(self, free: Tensor) -> Tensor:
        """Gradient of the energy in the coordinates of the velocity."""
        pull = self.amplitude.unsqueeze(-1) * self._residual(free) @ self.response.mT
        return -pull @ self.shape

    def _fly(self, place: Tensor, velocity: Tensor, duration: float) -> tuple[Tensor, Tensor, Tensor]:
        """Straight flight for `duration`, mirrored at every wall; the last result tells which chains ended."""
        sky = (1 + place @ self.basis).clamp(min=0)
        left = place.new_full((len(place),), duration)
        flying = torch.ones(len(place), dtype=torch.bool, device=place.device)
        for _ in range(_MOST_BOUNCES):
            direction = velocity @ self.shape.mT
            change = direction @ self.basis
            reach, wall = torch.where(change < 0, -sky / change, torch.inf).min(-1)
            flying = reach < left
            time = torch.minimum(reach, left).unsqueeze(-1)
            place, sky = place + time * direction, (sky + time * change).clamp(min=0)
            left = left - time.squeeze(-1)
            if not bool(flying.any()):
                break
            normal = self.basis[:, wall].mT @ self.shape
            turn = (velocity * normal).sum(-1, keepdim=True) / normal.square().sum(-1, keepdim=True)
            velocity = torch.where(flying.unsqueeze(-1), velocity - 2 * turn * normal, velocity)
        return place, velocity, ~flying
