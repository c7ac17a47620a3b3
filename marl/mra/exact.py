"""MRA without samples and without networks that see: sets of policies in symmetric games, by exact gradients.

Each player draws a latent by the number of players, and acts by the policy of that latent. The losses are those of
`losses`, for S seeds at a time:

    symbol       variable      shape
    pi(a | z)    policies      [S, H, A] log-probabilities
    p(z | n)     prior         [S, G, H] log-probabilities in G games
    p_n(a)       mixtures      [S, G, A] what a player does whose latent is not known
    u(a, p_n)    paid          [S, G, A] for each own action, all others playing p_n

Policies go up mean_n p_n . u + beta min(I(a; z | n), I*), with u held: everybody by its own payoffs, as learners that
do not know each other. The prior learns what tells games apart, with the best predictor that there can be.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from agents.relations import PRIOR_HIDDEN, PRIOR_UNIT
from games.names import unknown_name
from marl.mra.losses import information
from marl.mra.symmetric_games import SymmetricGame, exploitability

PRIORS = ("games", "payoffs", "uniform")
EXACT = torch.float64


@dataclass(frozen=True, kw_only=True)
class SetSettings:
    """How a set of policies learns.

    Attributes:
        num_latents: H.
        prior: What latents' probabilities learn from: which "games" there are, as in MRA; "payoffs", as policies do;
            or nothing, "uniform".
        information_coeff: What a nat of information between actions and latents is paid.
        wanted_information: Nats that are paid for, in the mean over games.
        usage_coeff: What a nat of entropy of the latents of all games together is paid in the prior's loss.
        lr: Of Adam, falling to 0 in a line.
        iterations: Updates.

    Raises:
        ValueError: A prior that is not known, or numbers out of range.
    """

    num_latents: int = 6
    prior: str = "games"
    information_coeff: float = 1.0
    wanted_information: float = 0.2
    usage_coeff: float = 1.0
    lr: float = 0.01
    iterations: int = 3000

    def __post_init__(self) -> None:
        if self.prior not in PRIORS:
            raise unknown_name("prior", self.prior, PRIORS)
        if min(self.num_latents, self.iterations) < 1 or not self.lr > 0:
            raise ValueError(f"num_latents and iterations must be at least 1 and lr above 0, got {self}")
        if not min(self.information_coeff, self.wanted_information, self.usage_coeff) >= 0:
            raise ValueError(f"coefficients and wanted_information must be at least 0, got {self}")


class PolicySets(nn.Module):
    """S sets of H policies, and which of them are likely in games of how many.

    Args:
        num_actions: A.
        settings: H, and the prior's kind.
        seeds: One for each set.
    """

    def __init__(self, num_actions: int, settings: SetSettings, seeds: Sequence[int]) -> None:
        super().__init__()
        latents, hidden = settings.num_latents, PRIOR_HIDDEN
        self.is_uniform = settings.prior == "uniform" or latents == 1
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]

        def drawn(*shape: int, scale: float) -> nn.Parameter:
            each = [torch.rand(shape, generator=own, dtype=EXACT) for own in generators]
            return nn.Parameter(scale * (2 * torch.stack(each) - 1))

        self.logits = drawn(latents, num_actions, scale=1.0)
        self.first_weight, self.first_bias = drawn(1, hidden, scale=1.0), drawn(1, hidden, scale=1.0)
        last = hidden**-0.5
        self.last_weight, self.last_bias = drawn(hidden, latents, scale=last), drawn(1, latents, scale=last)

    def policies(self) -> torch.Tensor:
        """Returns log-probabilities [S, H, A]."""
        return torch.log_softmax(self.logits, dim=-1)

    def prior(self, num_players: torch.Tensor) -> torch.Tensor:
        """Returns log-probabilities [S, G, H] for games of [G] players; the prior's form is that of MRA."""
        if self.is_uniform:
            size, latents, _ = self.logits.shape
            return self.logits.new_full((size, len(num_players), latents), -math.log(latents))
        seen = num_players[None, :, None].to(EXACT) / PRIOR_UNIT
        hidden = torch.relu(seen @ self.first_weight + self.first_bias)
        return torch.log_softmax(hidden @ self.last_weight + self.last_bias, dim=-1)


def mix(prior: torch.Tensor, policies: torch.Tensor) -> torch.Tensor:
    """Returns probabilities [S, G, A] of actions: of policies [S, H, A], as likely as prior [S, G, H] has it (logs)."""
    return prior.exp() @ policies.exp()


def own_payoffs(game: SymmetricGame, mixtures: torch.Tensor, num_players: torch.Tensor) -> torch.Tensor:
    """Returns [S, G], a player's payoff as far as its own policy goes: the others' is held."""
    return (mixtures * game.payoffs(mixtures.detach(), num_players)).sum(dim=-1)


def set_loss(game: SymmetricGame, sets: PolicySets, num_players: torch.Tensor, settings: SetSettings) -> torch.Tensor:
    """Returns the loss of each set [S] in games of [G] players: of its policies, and of its prior."""
    prior, policies = sets.prior(num_players), sets.policies()
    weights = prior if settings.prior == "payoffs" else prior.detach()
    paid = own_payoffs(game, mix(weights, policies), num_players).mean(dim=-1)
    known = information(weights.detach(), policies.unsqueeze(1)).mean(dim=-1)
    loss = -paid - settings.information_coeff * known.clamp(max=settings.wanted_information)
    return loss if settings.prior != "games" else loss + prior_loss(prior, settings.usage_coeff)


def prior_loss(prior: torch.Tensor, usage_coeff: float) -> torch.Tensor:
    """Returns [S] for a prior [S, G, H] (logs): less information on the game, less what use of all latents is paid.

    The cross-entropy of the best predictor of the game is the entropy of games less that information.
    """
    games = prior.new_full(prior.shape[:2], -math.log(prior.shape[1]))
    used = prior.exp().mean(dim=1)
    usage = -(used * used.clamp(min=1e-300).log()).sum(dim=-1)
    return -information(games, prior) - usage_coeff * usage


def learn(game: SymmetricGame, num_players: Sequence[int], settings: SetSettings, seeds: Sequence[int]) -> PolicySets:
    """Returns what S seeds learn in games of these numbers of players, side by side."""
    torch.set_num_threads(1)  # tensors are tiny: threads would wait for each other
    sets, counts = PolicySets(game.num_actions, settings, seeds), torch.tensor(num_players)
    optimizer = torch.optim.Adam(sets.parameters(), lr=settings.lr)
    fall = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, settings.iterations)
    for _ in range(settings.iterations):
        optimizer.zero_grad()
        set_loss(game, sets, counts, settings).sum().backward()  # each set's own: nothing is shared
        optimizer.step()
        fall.step()
    return sets


@torch.no_grad()
def drawn_exploitability(game: SymmetricGame, sets: PolicySets, num_players: int) -> torch.Tensor:
    """Returns [S]: all draw their latents by the prior."""
    count = torch.tensor([num_players])
    return exploitability(game, mix(sets.prior(count), sets.policies()), count).squeeze(-1)


@torch.no_grad()
def least_exploitability(game: SymmetricGame, sets: PolicySets, num_players: int) -> torch.Tensor:
    """Returns [S]: all have the latent whose policy is least exploitable in this game."""
    policies = sets.policies().exp()
    return exploitability(game, policies, torch.tensor(num_players)).min(dim=-1).values


def adapted_exploitability(
    game: SymmetricGame, sets: PolicySets, num_players: int, updates: int, step_size: float = 1.0
) -> torch.Tensor:
    """Returns [S]: all draw their latents by logits that begin at the prior's and took steps up their own payoffs."""
    count = torch.tensor([num_players])
    with torch.no_grad():
        policies, logits = sets.policies(), sets.prior(count)
    for _ in range(updates):
        logits = logits.detach().requires_grad_()
        paid = own_payoffs(game, mix(torch.log_softmax(logits, dim=-1), policies), count)
        logits = logits + step_size * torch.autograd.grad(paid.sum(), logits)[0]
    mixtures = mix(torch.log_softmax(logits.detach(), dim=-1), policies)
    return exploitability(game, mixtures, count).squeeze(-1)


def exploitabilities(
    game: SymmetricGame, sets: PolicySets, num_players: int, updates: Sequence[int]
) -> dict[str, list[float]]:
    """Returns for each set how exploitable it is in a game: "drawn", "least", and "adapted_<k>" for k updates."""
    found = {
        "drawn": drawn_exploitability(game, sets, num_players),
        "least": least_exploitability(game, sets, num_players),
    }
    found |= {f"adapted_{k}": adapted_exploitability(game, sets, num_players, k) for k in updates}
    return {name: values.tolist() for name, values in found.items()}


def uniform_exploitability(game: SymmetricGame, num_players: int) -> float:
    """Returns how exploitable players are who draw all actions alike."""
    even = torch.full((game.num_actions,), 1 / game.num_actions, dtype=EXACT)
    return float(exploitability(game, even, torch.tensor(num_players)))
