"""MRAModule: one policy for all agents of a group, however many, each under a latent that it keeps for an episode.

E envs or B rows of a batch; N agents; D numbers in an observation; H latents; A actions.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.apis import InferenceOnlyAPI
from ray.rllib.core.rl_module.torch import TorchRLModule

from agents.relations import RelationalPolicy, RelationShape
from games.particles import EntityLayout, EntityViews
from marl.mra.critic import Critic, GamePredictor
from marl.rllib.modules.actor_critic import forbid
from marl.rllib.runner.actions import Categorical
from marl.rllib.runner.team import ACTION_NOISE, ALIVE, TeamAPI

OF_TRAINING = "predictor."  # names the populations of a training, so that it is of no other
LATENTS = "latents"  # Gumbel noise [E, N, H] into a forward pass; out of it the one-hot latents, [E·N, 1, H]


class MRAModule(TorchRLModule, InferenceOnlyAPI, TeamAPI):
    """Relations by latent, a policy over them, and what the learner needs beside.

    `model_config`, all set by `MRAConfig`:
        layout: Keywords of `EntityLayout`.
        shape: Keywords of `RelationShape`.
        num_agents: N, slots of the group.
        first: Place of its first agent among all of the world.
        games: Numbers of agents that the world may have, of which the predictor says which it is.
        own_action_in_critic: As `MRASettings` has it.

    Attributes:
        actor: Prior, relations and policy.
        critic: Values of actions.
        predictor: Which game it is.
        target_policy, target_critic: Copies that follow.
    """

    def setup(self) -> None:
        """Builds the networks."""
        model: Any = self.model_config
        self.layout = EntityLayout(**model["layout"])
        self.num_agents, self.first = int(model["num_agents"]), int(model["first"])
        self.games = tuple(model["games"])
        shape = RelationShape(**model["shape"])
        self.kind = Categorical(shape.num_actions)
        self.num_latents = shape.num_latents
        self.actor = RelationalPolicy(shape)
        if self.inference_only:
            return
        self.critic = Critic(shape, model["own_action_in_critic"])
        self.predictor = GamePredictor(shape, len(self.games))
        self.target_policy = copy.deepcopy(self.actor.policy).requires_grad_(False)
        self.target_critic = copy.deepcopy(self.critic).requires_grad_(False)

    def get_non_inference_attributes(self) -> list[str]:
        """Returns what a runner can do without."""
        return ["critic", "predictor", "target_policy", "target_critic"]

    def get_initial_state(self) -> dict[str, torch.Tensor]:
        """Returns no latent [H], all 0, which the first step of an episode replaces."""
        return {LATENTS: torch.zeros(self.num_latents)}

    def draw_noise(self, rng: np.random.Generator, num_steps: int, num_envs: int) -> dict[str, np.ndarray]:
        """Returns Gumbel noise of the latents, [T, E, N, H], of which an episode uses its first step's."""
        shape = (num_steps, num_envs, self.num_agents, self.num_latents)
        return {LATENTS: rng.gumbel(size=shape).astype(np.float32)}

    def take_weights(self, weights: Mapping[str, torch.Tensor], shape: RelationShape) -> None:
        """Takes the weights of a module of this shape: all but the predictor's, which names populations of a training.

        Raises:
            ValueError: They are of other networks.
        """
        own, theirs = asdict(self.actor.shape), asdict(shape)
        wrong = [f"{name} {theirs[name]!r}, not {own[name]!r}" for name in own if theirs[name] != own[name]]
        if not wrong:
            known = {key: array for key, array in weights.items() if not key.startswith(OF_TRAINING)}
            told = self.load_state_dict(known, strict=False)
            wrong = [key for key in told.missing_keys if not key.startswith(OF_TRAINING)] + list(told.unexpected_keys)
        if wrong:
            raise ValueError(f"of other networks: {', '.join(wrong)}")

    def follow(self, tau: float) -> None:
        """Moves the targets a share tau of the way; 1: all of it."""
        pairs = ((self.actor.policy, self.target_policy), (self.critic, self.target_critic))
        with torch.no_grad():
            for online, target in pairs:
                for own, other in zip(online.parameters(), target.parameters(), strict=True):
                    other.lerp_(own, tau) if tau < 1 else other.copy_(own)

    # ---- playing ----

    def choose(
        self,
        observations: torch.Tensor,
        mask: torch.Tensor | None,
        alive: torch.Tensor,
        noise: np.ndarray | None,
        latents: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns logits [E, N, A] and actions [E, N]; those of agents that are out are 0.

        Args:
            observations: [E, N, D].
            mask: [E, N, A], or None.
            alive: [E, N] bool.
            noise: [E, N, A] of the actions; None: the likeliest are taken.
            latents: [E, N, H].
        """
        logits = self.actor(self.layout.split(observations), latents)
        logits = forbid(logits, mask) * alive[..., None]
        drawn = self.kind.sample(logits.detach().numpy(), noise)
        return logits, torch.from_numpy(drawn).to(torch.int64) * alive

    def draw_latents(self, observations: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """Returns latents [E, N, H] for observations [E, N, D] and Gumbel noise [E, N, H]."""
        return self.actor.draw_latents(self.layout.split(observations), noise)

    def _forward_exploration(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return self._play(batch)

    def _forward_inference(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return self._play(batch)

    def _play(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Returns actions, logits, log-probabilities and latents, rows [E·N, 1, ...] each (`TeamAPI`)."""
        if ALIVE not in batch:
            raise ValueError("a team's module chooses for a whole team at once, which the batched runner alone knows")
        seen, mask, alive = batch[Columns.OBS], None, batch[ALIVE]
        if isinstance(seen, dict):
            seen, mask = seen["observations"], seen["action_mask"]
            mask = mask.view(*alive.shape, -1)
        observations = seen.view(*alive.shape, -1)
        kept = batch[Columns.STATE_IN][LATENTS].view(*alive.shape, -1)
        drawn = self.draw_latents(observations, batch[LATENTS]) * alive[..., None]
        latents = torch.where(kept.any(dim=-1, keepdim=True), kept, drawn)
        noise = batch[ACTION_NOISE]
        noise = None if noise is None else noise.reshape(*alive.shape, -1)
        logits, actions = self.choose(observations, mask, alive, noise, latents)
        logp = self.kind.log_prob(logits.flatten(0, 1), actions.flatten()) * alive.flatten()
        return {
            Columns.ACTIONS: actions.view(-1, 1),
            Columns.ACTION_DIST_INPUTS: logits.flatten(0, 1).unsqueeze(1),
            Columns.ACTION_LOGP: logp.unsqueeze(1),
            Columns.STATE_OUT: {LATENTS: latents.flatten(0, 1)},
            LATENTS: latents.flatten(0, 1).unsqueeze(1),
        }

    # ---- learning ----

    def views(self, observations: torch.Tensor) -> EntityViews:
        """Returns what stands in observations [B, N, D]."""
        views: EntityViews = self.layout.split(observations)
        return views

    def _forward_train(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, torch.Tensor]:
        logits = self.actor(self.views(batch[Columns.OBS]), batch[LATENTS])
        return {Columns.ACTION_DIST_INPUTS: logits}
