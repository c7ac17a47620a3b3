"""GoalModule: a team in which each agent follows a subgoal of its own, as a module of RLlib."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import torch
from ray.rllib.core.columns import Columns

from games.spec import spec
from marl.gmah.goals import COMPLETED, EXPIRED, FIRST, GOES_ON, NOVEL, SURPRISING, VOID, choose_uniformly
from marl.gmah.networks import GoalNetworks
from marl.gmah.task_tree import find_tree
from marl.qmix.modules import AgentModule
from marl.qmix.values import explore, forbid, values_of
from marl.rllib.runner.actions import action_kind
from marl.rllib.runner.batched_runner import EPISODE_FRAGMENT_LENGTH
from marl.rllib.runner.team import ACTION_NOISE, ALIVE, TeamAPI

# What a fragment keeps of each step, [T, E, P]: the subgoal in force and why it was chosen (`marl.gmah.goals`).
SUBGOALS, CAUSES = "subgoals", "causes"
# [T, E, P, 2] in [0, 1): whether a subgoal is chosen at random, and which.
SUBGOAL_NOISE = "subgoal_noise"


class GoalModule(AgentModule, TeamAPI):
    """Values of subgoals and of actions on the way to them, of n agents that share the networks.

    What it remembers of an agent: its subgoal, since how many steps, what it saw last and what it expected of that, and
    the steps of its episode.

    `model_config`, beside AgentModule's:
        world: Id and settings, by which the task tree is found.
        goals: chooser, trigger, interval, autoencoder, code_size, low_discount, low_hidden_sizes, as
            `GoalSettings` has them, and the schedule low_epsilon of this runner's env steps.
    """

    def setup(self) -> None:
        """Builds the networks."""
        space: Any = self.observation_space
        model: Any = self.model_config
        if isinstance(space, gymnasium.spaces.Dict):
            space = space["observations"]
        id, settings = model["world"]
        self.tree = find_tree(spec(id).config(**settings))
        self.goals = dict(model["goals"])
        self.num_agents = int(model["num_agents"])
        self.has_ids = bool(model["agent_ids"])
        self.scale = float(model["observation_scale"])
        self._times, self._chances = np.array(model["epsilon"], np.float64).T
        self._low_times, self._low_chances = np.array(self.goals["low_epsilon"], np.float64).T
        self.kind = action_kind(self.action_space)  # type: ignore[arg-type]
        self.observation_size = gymnasium.spaces.flatdim(space)
        self.network = GoalNetworks(
            self.observation_size + 2 * len(self.tree) + (self.num_agents if self.has_ids else 0),
            self.observation_size,
            self.tree.num_features,
            len(self.tree),
            int(self.action_space.n),  # type: ignore[union-attr]
            model["hidden_sizes"],
            self.goals["low_hidden_sizes"],
            self.goals["code_size"] if self.goals["autoencoder"] else 0,
        )
        model["max_seq_len"] = EPISODE_FRAGMENT_LENGTH  # nobody looks at the memory but the module
        self._copy_target()

    @property
    def goal_target(self) -> GoalNetworks:
        """Their target."""
        target: Any = self.target_network
        return target

    @property
    def goal_network(self) -> GoalNetworks:
        """The online networks."""
        network: Any = self.network
        return network

    def add_ids(self, features: torch.Tensor) -> torch.Tensor:
        """Returns what the high level sees of observations [..., n, D].

        That is, behind what they say, scaled: how far each subgoal is, which can be chosen, and who is who.
        """
        distances = self.tree.distances(features) / self.tree.most_steps
        choices = self.tree.choices(features).to(features.dtype)
        parts = [features * self.scale, distances, choices]
        if self.has_ids:
            parts.append(torch.eye(self.num_agents).expand(*features.shape[:-1], self.num_agents))
        return torch.cat(parts, dim=-1)

    def get_initial_state(self) -> dict[str, torch.Tensor]:
        """Returns the memory of an agent that has no subgoal yet, which is 0; subgoal g is g + 1."""
        return {
            "age": torch.zeros(()),
            "expected": torch.zeros(self.goal_network.code_size),
            "seen": torch.zeros(self.observation_size),
            "steps": torch.zeros(()),
            "subgoal": torch.zeros(()),
        }

    def draw_noise(self, rng: np.random.Generator, num_steps: int, num_envs: int) -> dict[str, np.ndarray]:
        """Returns what subgoals are drawn by, and room for what is noted of them."""
        shape = (num_steps, num_envs, self.num_agents)
        return {
            SUBGOAL_NOISE: rng.random((*shape, 2), np.float32),
            SUBGOALS: np.zeros(shape, np.int16),
            CAUSES: np.zeros(shape, np.uint8),
        }

    # ---- playing ----

    def _forward(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return self._play(batch, None)

    def _forward_exploration(self, batch: dict[str, Any], t: int = 0, **kwargs: Any) -> dict[str, Any]:
        return self._play(batch, t)

    def _play(self, batch: dict[str, Any], t: int | None) -> dict[str, Any]:
        """Returns actions, subgoals and why they were chosen, rows [E·P, 1, ...]; t: env steps so far, None: greedy."""
        seen, masks = batch[Columns.OBS], None
        if isinstance(seen, dict):
            seen, masks = seen["observations"].squeeze(1), seen["action_mask"].squeeze(1)
        else:
            seen = seen.squeeze(1)
        seen, memory, network = seen.to(torch.float32), batch[Columns.STATE_IN], self.goal_network
        choices, subgoals = self.tree.choices(seen), (memory["subgoal"].long() - 1).clamp(min=0)
        scaled = seen * self.scale
        causes = self._causes(seen, scaled, subgoals, memory, choices)
        if (causes != GOES_ON).any():
            noise = batch[SUBGOAL_NOISE].flatten(0, 1) if t is not None else _scramble(seen, memory["steps"])
            chosen = self._choose(seen, choices, noise, t)
            subgoals = torch.where(causes == GOES_ON, subgoals, chosen)
        features = self.tree.features(seen, subgoals)
        values = network.act(features)
        inputs = forbid(values, masks) if t is None else explore(values, masks, self._low_epsilon_at(t))
        actions = self.kind.sample(inputs.numpy(), batch[ACTION_NOISE]) * batch[ALIVE].flatten().numpy()
        after = {
            "age": torch.where(causes == GOES_ON, memory["age"], 0) + 1,
            "expected": network.foretell(scaled, features),
            "seen": seen,
            "steps": memory["steps"] + 1,
            "subgoal": subgoals.float() + 1,
        }
        told = {Columns.ACTIONS: torch.from_numpy(actions), Columns.ACTION_DIST_INPUTS: inputs}
        told |= {SUBGOALS: subgoals, CAUSES: causes}
        return {name: value.unsqueeze(1) for name, value in told.items()} | {Columns.STATE_OUT: after}

    def _causes(
        self,
        seen: torch.Tensor,
        scaled: torch.Tensor,
        subgoals: torch.Tensor,
        memory: dict[str, torch.Tensor],
        choices: torch.Tensor,
    ) -> torch.Tensor:
        """Returns [R] uint8: whether agents choose a subgoal, and why; the first reason that holds."""
        causes = torch.full(subgoals.shape, GOES_ON, dtype=torch.uint8)
        if self.goals["trigger"] == "adaptive":
            causes[self._is_surprised(scaled, subgoals, seen, memory)] = SURPRISING
            network = self.goal_network
            causes[network.novelty(scaled) > network.novelty_limit] = NOVEL
        causes[memory["age"] >= self.goals["interval"]] = EXPIRED
        if self.goals["trigger"] != "fixed":
            causes[~values_of(choices, subgoals)] = VOID
            causes[values_of(self.tree.achievements(memory["seen"], seen), subgoals)] = COMPLETED
        causes[memory["subgoal"] == 0] = FIRST
        return causes

    def _is_surprised(
        self, scaled: torch.Tensor, subgoals: torch.Tensor, seen: torch.Tensor, memory: dict[str, torch.Tensor]
    ) -> torch.Tensor:
        network = self.goal_network
        follows = network.foretell(scaled, self.tree.features(seen, subgoals))
        missed = network.encode(scaled) + self.goals["low_discount"] * follows - memory["expected"]
        return missed.square().mean(dim=-1) > network.surprise_limit

    def _choose(self, seen: torch.Tensor, choices: torch.Tensor, noise: torch.Tensor, t: int | None) -> torch.Tensor:
        """Returns a subgoal for each row [R], by noise [R, 2]."""
        by_team = seen.unflatten(0, (-1, self.num_agents))
        if self.goals["chooser"] == "oracle":
            return self.tree.oracle(by_team).flatten()
        at_random = choose_uniformly(choices, noise[:, 1])
        if self.goals["chooser"] == "random":
            return at_random
        values = self.network(self.add_ids(by_team).flatten(0, 1).unsqueeze(1))[0].squeeze(1)
        best = forbid(values, choices).argmax(dim=-1)
        return best if t is None else torch.where(noise[:, 0] < self.epsilon_at(t), at_random, best)

    def _low_epsilon_at(self, step: int) -> float:
        return float(np.interp(step, self._low_times, self._low_chances))


def _scramble(seen: torch.Tensor, steps: torch.Tensor) -> torch.Tensor:
    """Returns [R, 2] in [0, 1), which look drawn and are decided by what was seen [R, D] and when [R].

    A runner that does not explore draws nothing, yet a team whose subgoals are random has to be judged as what it is.
    """
    weights = torch.arange(1, seen.shape[-1] + 1, dtype=torch.float64).sqrt()
    key = seen.double() @ weights + steps.double() * 78.233
    return ((key.unsqueeze(-1) + torch.tensor([0.0, 0.5])).sin() * 43758.5453).frac().abs().float().clamp(max=1 - 1e-6)
