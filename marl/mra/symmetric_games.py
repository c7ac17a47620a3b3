"""Games of any number of like players, each for itself, whose payoffs and exploitability are formulas.

One shot; every player has the same A actions, and is paid by its own and by how many others did what. All but one play
alike, each drawing its action from q on its own; what the one is paid for each action is then a formula.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch


class SymmetricGame(Protocol):
    """A family of games, one for each number of players."""

    @property
    def num_actions(self) -> int:
        """A, the same in all of them."""

    def payoffs(self, others: torch.Tensor, num_players: torch.Tensor) -> torch.Tensor:
        """Returns [..., A], what a player is paid in the mean for each action.

        Args:
            others: [..., A] probabilities by which each of the others draws its action.
            num_players: [...] of all players, at least 1.
        """


@dataclass(frozen=True)
class ResourceGame:
    """Players who choose the same resource share what it pays (a congestion game, Rosenthal 1973).

    Attributes:
        values: Of each resource; resource occupation, for one step and without space, has 0.5 to 3.
    """

    values: Sequence[float] = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0)

    @property
    def num_actions(self) -> int:
        """One for each resource."""
        return len(self.values)

    def payoffs(self, others: torch.Tensor, num_players: torch.Tensor) -> torch.Tensor:
        """Returns value / (1 + K) in the mean, K ~ binomial(n - 1, q): value (1 - (1 - q)^n) / (n q)."""
        count = num_players.unsqueeze(-1).to(others.dtype)
        chance = others.clamp(min=1e-12)  # of which the share is 1, as in the limit
        share = -torch.expm1(count * torch.log1p(-chance)) / (count * chance)
        return torch.tensor(self.values, dtype=others.dtype) * share


@dataclass(frozen=True)
class VolunteersDilemma:
    """All get the benefit if anybody pays the cost (Diekmann 1985). Actions: volunteer, and leave it to others.

    In its symmetric equilibrium a player leaves it to others with probability (cost / benefit)^(1 / (n - 1)).

    Attributes:
        benefit: Of every player.
        cost: Of every volunteer, below the benefit.
    """

    benefit: float = 1.0
    cost: float = 0.25
    num_actions: int = 2

    def payoffs(self, others: torch.Tensor, num_players: torch.Tensor) -> torch.Tensor:
        """Returns benefit - cost, and benefit (1 - q(leave)^(n - 1))."""
        nobody = others[..., 1] ** (num_players - 1).to(others.dtype)
        return torch.stack([torch.full_like(nobody, self.benefit - self.cost), self.benefit * (1 - nobody)], dim=-1)


GAMES: dict[str, SymmetricGame] = {"resources": ResourceGame(), "volunteers": VolunteersDilemma()}


def exploitability(game: SymmetricGame, policies: torch.Tensor, num_players: torch.Tensor) -> torch.Tensor:
    """Returns [...] what one player can gain by its best response while all play the same policy; 0 in equilibrium.

    Args:
        game: Which.
        policies: [..., A] probabilities.
        num_players: [...].
    """
    paid = game.payoffs(policies, num_players)
    # of a sum over actions that are paid alike, rounding may be below 0
    return (paid.max(dim=-1).values - (policies * paid).sum(dim=-1)).clamp(min=0)
