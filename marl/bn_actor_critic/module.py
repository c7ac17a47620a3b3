"""BayesianTeamModule: a team in which some see what others are about to do, along a graph of the moment.

B rows, each a step of one env; N agents; F numbers that say what a parent does and, if that is wanted, sees; H in the
policy's first layer; L distribution inputs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from ray.rllib.core.columns import Columns

from marl.dag import DagNet, DagNoise, SampledDags, levels, sample_dags
from marl.mappo.actions import features, num_features
from marl.mappo.layers import AgentLinear
from marl.mappo.module import TeamModule
from marl.rllib.learner.decision_rows import ACTION_MASK
from marl.rllib.modules.actor_critic import forbid
from marl.rllib.runner.team import ALIVE

# What chance adds to graphs, [B, N, N] each; a fragment keeps it, so that an update makes the graphs that were played.
ORDER_NOISE, EDGE_NOISE = "order_noise", "edge_noise"
# [B, N, num_noise], where an update draws the actions of parents anew.
PARENT_NOISE = "parent_noise"
# [B, N, N] of a training pass, 1 where the row's agent is a parent of the column's; missing without edges.
GRAPH = "graph"


class BayesianTeamModule(TeamModule):
    """A `TeamModule` whose agents also see their parents' actions (Chen and Zhang 2023).

    What parents do goes into the policy's first layer, as if one-hots of all agents stood beside the observation, with
    zeros for those that are not parents. Without edges it is `TeamModule` to the last bit. Agents on a level of the
    graph choose in one pass, so that a step takes N passes at most for all envs together.

    `model_config` as TeamModule's, and:
        graph: Keywords of the graph: kind, hidden_size, edge_bias, parent_observations, fixed_order,
            batch_mean_edges, has_gradient.

    Attributes:
        keeps_edges: Set it to False, and all edges are gone: every agent acts by what it sees itself.
    """

    def setup(self) -> None:
        """Builds the networks; those of the graph last, so that the others begin as without a graph."""
        super().setup()
        settings: Any = self.model_config
        own = settings["graph"]
        self._graph = dict(own)
        self.keeps_edges = own["kind"] != "empty"
        self._num_seen = num_features(self.kind) + own["parent_observations"] * self.observation_size
        width = settings["hidden_sizes"][0]
        copies = self.num_agents if settings["network"]["sharing"] == "none" else 1
        self.of_parents = AgentLinear(self.num_agents * self._num_seen, width, copies, 2**0.5, has_bias=False)
        if own["kind"] == "learned":
            context_size = self.num_agents * self.observation_size
            self.dag_net = DagNet(context_size, self.num_agents, own["hidden_size"])
            self.dag_net.requires_grad_(own["has_gradient"])

    def draw_noise(self, rng: np.random.Generator, num_steps: int, num_envs: int) -> dict[str, np.ndarray]:
        """Returns Gumbel noise of orders and logistic noise of edges, [T, E, N, N] each, where graphs are learned."""
        if self._graph["kind"] != "learned":
            return {}
        shape = (num_steps, num_envs, self.num_agents, self.num_agents)
        drawn = {EDGE_NOISE: rng.logistic(size=shape).astype(np.float32)}
        if not self._graph["fixed_order"]:
            drawn[ORDER_NOISE] = rng.gumbel(size=shape).astype(np.float32)
        return drawn

    def graphs(self, observations: torch.Tensor, alive: torch.Tensor, noise: dict[str, Any]) -> SampledDags | None:
        """Returns who sees whom, or None where there are no edges.

        Args:
            observations: [B, N, D], scaled; those of all who are in are the context.
            alive: [B, N] bool; who is out is nobody's parent and nobody's child.
            noise: With ORDER_NOISE and EDGE_NOISE, where graphs are learned.
        """
        if not self.keeps_edges:
            return None
        count = self.num_agents
        if self._graph["kind"] == "complete":
            every = torch.ones(count, count, device=observations.device).triu(1)
            graph = every * (alive[:, :, None] & alive[:, None, :])
            return SampledDags(graph, torch.arange(count, device=observations.device).expand(len(alive), -1))
        scores, logits = self.dag_net((observations * alive[..., None]).flatten(1))
        if self._graph["batch_mean_edges"]:
            logits = logits.mean(dim=0, keepdim=True).expand_as(logits)
        logits = logits + self._graph["edge_bias"]
        if self._graph["fixed_order"]:
            return sample_dags(None, logits, DagNoise(logits, noise[EDGE_NOISE]), alive=alive)
        return sample_dags(scores, logits, DagNoise(noise[ORDER_NOISE], noise[EDGE_NOISE]), alive=alive)

    # ---- playing ----

    def choose(
        self,
        observations: torch.Tensor,
        mask: torch.Tensor | None,
        alive: torch.Tensor,
        noise: np.ndarray | None,
        further: dict[str, Any],
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns distribution inputs [B, N, L] and actions [B, N, ...], level by level (`TeamModule.choose`)."""
        dags = self.graphs(observations * self._scale, alive, further)
        if dags is None:
            return super().choose(observations, mask, alive, noise, further)
        observations = observations * self._scale
        sums, level = self.policy.begin(observations), levels(dags.graph)
        inputs = sums.new_zeros(*alive.shape, self.kind.num_inputs)
        actions = torch.from_numpy(np.zeros((*alive.shape, *self.kind.shape), self.kind.dtype)).to(inputs.device)
        seen = self._seen(observations)
        for number in range(int(level.max()) + 1):
            rows, agents = ((level == number) & alive).nonzero(as_tuple=True)
            own = sums[rows, agents]
            if number > 0:
                parents = dags.graph[rows, :, agents][..., None] * seen[rows]
                own = own + self.of_parents(parents.flatten(1), agents)
            told = forbid(self.policy.finish(own, agents), None if mask is None else mask[rows, agents])
            drawn = self.draw(told, None if noise is None else noise[rows.cpu().numpy(), agents.cpu().numpy()])
            inputs[rows, agents], actions[rows, agents] = told, drawn
            seen[rows, agents, : num_features(self.kind)] = features(self.kind, drawn)
        return inputs, actions

    def _seen(self, observations: torch.Tensor) -> torch.Tensor:
        """Returns [B, N, F] what children see of each agent before anybody has chosen."""
        done = observations.new_zeros(*observations.shape[:2], num_features(self.kind))
        return torch.cat([done, observations], dim=-1) if self._graph["parent_observations"] else done

    # ---- learning ----

    def _forward_train(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, torch.Tensor]:
        """Returns distribution inputs [B, N, L] given the actions of parents, and the graph [B, N, N]."""
        observations, alive = batch[Columns.OBS] * self._scale, batch[ALIVE]
        dags = self.graphs(observations, alive, batch)
        if dags is None:
            return super()._forward_train(batch)
        actions = batch[Columns.ACTIONS]
        if PARENT_NOISE in batch:
            with torch.no_grad():
                noise = batch[PARENT_NOISE].cpu().numpy()
                actions = self.choose(batch[Columns.OBS], batch.get(ACTION_MASK), alive, noise, batch)[1]
        sums = self.policy.begin(observations) + self.from_parents(dags.graph, observations, actions)
        logits = self.policy.finish(sums)
        return {Columns.ACTION_DIST_INPUTS: forbid(logits, batch.get(ACTION_MASK)), GRAPH: dags.graph}

    def from_parents(self, graph: torch.Tensor, observations: torch.Tensor, actions: torch.Tensor) -> torch.Tensor:
        """Returns [B, N, H] what parents add to the first layer.

        Args:
            graph: [B, N, N], with its gradients.
            observations: [B, N, D], scaled.
            actions: [B, N, ...].
        """
        seen = features(self.kind, actions)
        if self._graph["parent_observations"]:
            seen = torch.cat([seen, observations], dim=-1)
        parents = graph.transpose(1, 2)[..., None] * seen[:, None]
        return self.of_parents(parents.flatten(2))
