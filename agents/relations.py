"""Networks of agents that weigh all others by relations, so that one set of weights plays in any number.

S. Zhang et al. 2023 (MRA). What an agent does follows from what it sees of others, pooled with the weights that its
relation gives them; a latent, drawn once an episode, says by which of several relations. Nothing depends on how many
there are: absent entities have no weight, and who is alone sees a pool of zeros.

    symbol                    here                   shape
    o_i                       `EntityViews`          own [..., F], landmarks [..., L, f], others [..., M, g], masks
    z_i                       latents                [..., H] one-hot
    relation, a row of it     relations              [..., M], 0 for who is absent; of every latent [..., H, M]
    p(z | n)                  `LatentPrior`          [..., H]

Sizes and attention scale are those of the release, but for the prior's width; that, sight of oneself, and landmarks as
a set, are ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import nn

from games.particles import EntityViews

HIDDEN, POOLED = 32, 64  # hidden units, and what a value network says of an entity
KEYS = 96  # numbers of all latents' keys together, as many with one latent as with six
SCALE = POOLED**0.5  # of attention, which the release divides by though its keys are shorter
RELEASED_HEAD = 16  # numbers of such a key
LANDMARK_HEADS = 4
PRIOR_HIDDEN, PRIOR_UNIT = 16, 10.0  # the prior sees n / 10; of the release's 3 units, all are dead with chance 1/8


@dataclass(frozen=True)
class RelationShape:
    """What the networks are built for.

    Attributes:
        own: F, numbers about oneself.
        landmark: f, numbers about a landmark.
        other: g, numbers about another agent.
        num_actions: A.
        num_latents: H, at most KEYS; 1: there is nothing to choose.
        fixed_landmarks: How many landmarks are put side by side, in their order, as the release does; 0: they are
            pooled as a set, of any number.
        sees_itself: Whether what an agent does depends on itself beside the relation; else it is undefined for n = 1.
        has_uniform_prior: Whether all latents are as likely in all numbers.
        prior_temperature: By which the prior's logits are divided; above 0.
    """

    own: int
    landmark: int
    other: int
    num_actions: int
    num_latents: int
    fixed_landmarks: int = 0
    sees_itself: bool = True
    has_uniform_prior: bool = False
    prior_temperature: float = 1.0


class Perceptron(nn.Sequential):
    """Linear layers with ReLU between them, Xavier weights and biases of 0.

    Where what it says of many entities is weighed and added up, or multiplied with keys, its last layer, which is
    linear, comes after the sum: rows of agents are far fewer than those of pairs.

    Args:
        sizes: Of the layers, the input's first.
    """

    def __init__(self, *sizes: int) -> None:
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(sizes):
            layer = nn.Linear(inputs, outputs)
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
            layers += [layer, nn.ReLU()]
        super().__init__(*layers[:-1])

    def pooled(self, weights: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        """Returns the outputs for inputs [..., M, I], added up by weights [..., H, M]: [..., H, O]."""
        hidden, last = self._hidden(seen)
        return (weights @ hidden) @ last.weight.T + weights.sum(dim=-1, keepdim=True) * last.bias

    def pooled_by_head(self, weights: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        """Returns [..., H, O / H]: of each of H equal parts of the outputs the sum by its own row of weights."""
        hidden, last = self._hidden(seen)
        heads = weights.shape[-2]
        matrix, bias = last.weight.unflatten(0, (heads, -1)), last.bias.unflatten(0, (heads, -1))
        return torch.einsum("...hk,hek->...he", weights @ hidden, matrix) + weights.sum(dim=-1, keepdim=True) * bias

    def products(self, keys: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        """Returns products [..., H, M] of keys [..., H, O / H] with H equal parts of the outputs for [..., M, I]."""
        hidden, last = self._hidden(seen)
        heads = keys.shape[-2]
        matrix, bias = last.weight.unflatten(0, (heads, -1)), last.bias.unflatten(0, (heads, -1))
        of_hidden = torch.einsum("...he,hek->...hk", keys, matrix)
        return of_hidden @ hidden.transpose(-1, -2) + (keys * bias).sum(dim=-1, keepdim=True)

    def _hidden(self, seen: torch.Tensor) -> tuple[torch.Tensor, nn.Linear]:
        """Returns what the last layer sees, and that layer."""
        *layers, last = self
        for layer in layers:
            seen = layer(seen)
        assert isinstance(last, nn.Linear)
        return seen, last


def masked_softmax(scores: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Returns weights [..., M] that sum to 1 over those who are there, or are all 0 where nobody is.

    Args:
        scores: [..., M].
        mask: [..., M], 1 = there.
    """
    if scores.shape[-1] == 0:
        return scores
    mask = mask > 0
    weights = torch.softmax(scores.masked_fill(~mask, -1e9), dim=-1)
    return weights * mask


class SelfView(nn.Module):
    """What an agent sees of itself and of the landmarks, as one row [..., size].

    Args:
        shape: Of the networks.
    """

    def __init__(self, shape: RelationShape) -> None:
        super().__init__()
        self.is_set = shape.fixed_landmarks == 0
        self.size = shape.own + shape.landmark * shape.fixed_landmarks
        if self.is_set:
            self.size = shape.own + POOLED
            self.score = Perceptron(shape.own + shape.landmark, HIDDEN, LANDMARK_HEADS)
            self.value = Perceptron(shape.landmark, HIDDEN, POOLED)

    def forward(self, views: EntityViews) -> torch.Tensor:
        """Returns [..., size]."""
        own, landmarks = views.own, views.landmarks
        if not self.is_set:
            return torch.cat([own, landmarks.flatten(-2)], dim=-1)
        each = own.unsqueeze(-2).expand(*landmarks.shape[:-1], own.shape[-1])
        scores = self.score(torch.cat([each, landmarks], dim=-1)).transpose(-1, -2)
        weights = masked_softmax(scores, views.landmark_mask.unsqueeze(-2))
        return torch.cat([own, self.value.pooled_by_head(weights, landmarks).flatten(-2)], dim=-1)


class RelationNetwork(nn.Module):
    """How much each other agent matters, by each latent: keys of oneself, queries of the others, a head a latent."""

    def __init__(self, shape: RelationShape) -> None:
        super().__init__()
        self.num_latents, head = shape.num_latents, KEYS // shape.num_latents
        self.scale = SCALE * (head / RELEASED_HEAD) ** 0.5  # products of longer keys are larger
        self.itself = SelfView(shape)
        self.key = Perceptron(self.itself.size, HIDDEN, shape.num_latents * head)
        self.query = Perceptron(shape.other, HIDDEN, shape.num_latents * head)

    def forward(self, views: EntityViews) -> torch.Tensor:
        """Returns the relations of every latent, [..., H, M]."""
        scores = self.query.products(self._keys(views), views.others) / self.scale
        return masked_softmax(scores, views.other_mask.unsqueeze(-2))

    def under(self, views: EntityViews, latents: torch.Tensor) -> torch.Tensor:
        """Returns the relations [..., M] under latents [..., H], one-hot, and nothing under none.

        What `latents @ forward(views)` is, without what the other latents' would take.
        """
        chosen = (self._keys(views) * latents.unsqueeze(-1)).flatten(-2).unsqueeze(-2)
        scores = self.query.products(chosen, views.others).squeeze(-2) / self.scale
        return masked_softmax(scores, views.other_mask) * latents.sum(dim=-1, keepdim=True)

    def _keys(self, views: EntityViews) -> torch.Tensor:
        return self.key(self.itself(views)).unflatten(-1, (self.num_latents, -1))


class PolicyNetwork(nn.Module):
    """Logits of actions, given relations."""

    def __init__(self, shape: RelationShape) -> None:
        super().__init__()
        self.value = Perceptron(shape.other, HIDDEN, POOLED)
        self.itself = SelfView(shape) if shape.sees_itself else None
        self.own = None if self.itself is None else Perceptron(self.itself.size, HIDDEN, POOLED)
        self.head = Perceptron(POOLED * (2 if shape.sees_itself else 1), HIDDEN, shape.num_actions)

    def forward(self, views: EntityViews, relations: torch.Tensor) -> torch.Tensor:
        """Returns logits [..., H, A] for relations [..., H, M]."""
        pooled = self.value.pooled(relations, views.others)
        if self.itself is None or self.own is None:
            return self.head(pooled)
        own = self.own(self.itself(views)).unsqueeze(-2)
        return self.head(torch.cat([pooled, own.expand(*pooled.shape[:-1], -1)], dim=-1))


class LatentPrior(nn.Module):
    """How likely each latent is in a population of n."""

    def __init__(self, shape: RelationShape) -> None:
        super().__init__()
        self.num_latents, self.temperature = shape.num_latents, shape.prior_temperature
        self.is_uniform = shape.has_uniform_prior or shape.num_latents == 1
        self.network = None if self.is_uniform else Perceptron(1, PRIOR_HIDDEN, shape.num_latents)

    def forward(self, num_agents: torch.Tensor) -> torch.Tensor:
        """Returns log-probabilities [..., H] for numbers of agents [...]."""
        if self.network is None:
            return num_agents.new_zeros(*num_agents.shape, self.num_latents, dtype=torch.float32).log_softmax(-1)
        seen = num_agents.to(torch.float32).unsqueeze(-1) / PRIOR_UNIT
        return torch.log_softmax(self.network(seen) / self.temperature, dim=-1)


class RelationalPolicy(nn.Module):
    """All that it takes to play: the prior, the relations, the policy.

    Args:
        shape: Of the networks.
    """

    def __init__(self, shape: RelationShape) -> None:
        super().__init__()
        self.shape = shape
        self.prior, self.relation, self.policy = LatentPrior(shape), RelationNetwork(shape), PolicyNetwork(shape)

    def draw_latents(self, views: EntityViews, noise: torch.Tensor) -> torch.Tensor:
        """Returns latents [..., H], one-hot, of agents who see an episode begin.

        Args:
            views: Of them; how many others there are is part of it.
            noise: [..., H] Gumbel; zeros: the likeliest latents are taken.
        """
        chosen = (self.prior(population_of(views)) + noise).argmax(dim=-1)
        return nn.functional.one_hot(chosen, self.shape.num_latents).to(torch.float32)

    def forward(self, views: EntityViews, latents: torch.Tensor) -> torch.Tensor:
        """Returns logits [..., A] under latents [..., H]."""
        relations = self.relation.under(views, latents).unsqueeze(-2)
        return self.policy(views, relations).squeeze(-2)


def population_of(views: EntityViews) -> torch.Tensor:
    """Returns how many agents there are, [...], by what an agent sees: the others and itself."""
    return views.other_mask.sum(dim=-1) + 1
