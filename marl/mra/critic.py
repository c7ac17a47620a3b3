"""Networks that only the learner needs: values of actions, and which game it is.

B rows, N agents of a group, M others that each sees, A actions.
"""

from __future__ import annotations

import torch
from torch import nn

from agents.relations import HIDDEN, POOLED, SCALE, Perceptron, RelationShape, SelfView, masked_softmax
from games.particles import EntityViews

HALF = HIDDEN // 2
PREDICTOR_HIDDEN = 35


class Critic(nn.Module):
    """What each action of an agent is worth to it, given what the others do.

    It pools what an agent sees by an attention of its own, and mixes what the agents are about to do by their relations
    (MAAC of Iqbal and Sha 2019, with relations in the place of its heads).

    Args:
        shape: Of the networks.
        has_own_action: Whether the agent's own action is seen as well, as in the release.
    """

    def __init__(self, shape: RelationShape, has_own_action: bool) -> None:
        super().__init__()
        self.num_actions, self.has_own_action = shape.num_actions, has_own_action
        self.itself = SelfView(shape)
        self.key = Perceptron(self.itself.size, HALF, HIDDEN)
        self.query = Perceptron(shape.other, HALF, HIDDEN)
        self.value = Perceptron(shape.other, HIDDEN, POOLED)
        self.own = Perceptron(self.itself.size, HIDDEN, POOLED) if shape.sees_itself else None
        seen = POOLED * (2 if shape.sees_itself else 1)
        self.of_others = Perceptron(seen + shape.num_actions, HIDDEN, HALF)
        self.of_itself = Perceptron(seen + shape.num_actions * has_own_action, HIDDEN, HALF)
        self.head = Perceptron(HALF + HALF, HIDDEN, shape.num_actions)

    def forward(self, views: EntityViews, mix: torch.Tensor, actions: torch.Tensor) -> torch.Tensor:
        """Returns values [B, N, A].

        Args:
            views: [B, N, ...].
            mix: [B, N, N], what each agent is to each of its group, 0 for itself.
            actions: [B, N] of the group.
        """
        seen = self._see(views)
        done = nn.functional.one_hot(actions, self.num_actions).to(seen.dtype)
        told = self.of_others(torch.cat([seen, done], dim=-1))
        heard = mix @ told
        if self.has_own_action:
            heard, seen = heard + told, torch.cat([seen, done], dim=-1)
        return self.head(torch.cat([heard, self.of_itself(seen)], dim=-1))

    def _see(self, views: EntityViews) -> torch.Tensor:
        itself = self.itself(views)
        scores = self.query.products(self.key(itself).unsqueeze(-2), views.others).squeeze(-2) / SCALE
        weights = masked_softmax(scores, views.other_mask)
        pooled = self.value.pooled(weights.unsqueeze(-2), views.others).squeeze(-2)
        return pooled if self.own is None else torch.cat([pooled, self.own(itself)], dim=-1)


class GamePredictor(nn.Module):
    """Which of the training's populations it is, by what agents see under their latents.

    Args:
        shape: Of the networks.
        num_games: C.
    """

    def __init__(self, shape: RelationShape, num_games: int) -> None:
        super().__init__()
        self.value = Perceptron(shape.other, HIDDEN, POOLED)
        self.head = Perceptron(POOLED + shape.num_latents, PREDICTOR_HIDDEN, num_games)

    def forward(self, views: EntityViews, relations: torch.Tensor, latents: torch.Tensor) -> torch.Tensor:
        """Returns what each agent adds to the logits, [B, N, C], for relations [B, N, M] and latents [B, N, H]."""
        pooled = self.value.pooled(relations.unsqueeze(-2), views.others).squeeze(-2)
        return self.head(torch.cat([pooled, latents], dim=-1))


def relations_within(relations: torch.Tensor, first: int) -> torch.Tensor:
    """Returns relations [B, N, N] among the agents of a group, 0 to oneself.

    Args:
        relations: [B, N, M] to all others of the world, each agent's in the order of the world's agents without it.
        first: Place of the group's first agent among all of the world.
    """
    num_agents, others = relations.shape[-2:]
    places = torch.arange(others)
    index = places + (places >= first + torch.arange(num_agents)[:, None])
    whole = relations.new_zeros(*relations.shape[:-1], others + 1)
    return whole.scatter(-1, index.expand_as(relations), relations)[..., first : first + num_agents]
