"""The update of a team with a graph: MAPPO's, with the pull on the graph's density, and the release's deviations."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from ray.rllib.utils.metrics import NUM_ENV_STEPS_SAMPLED_LIFETIME

from marl.bn_actor_critic.annealing import Annealing
from marl.bn_actor_critic.module import GRAPH, PARENT_NOISE
from marl.dag import density
from marl.mappo.learner import TeamLearner
from marl.rllib.runner.team import ALIVE

GRAPH_NET = "graph"  # the optimizer of the graph's networks, where they have a rate of their own

MOST_EDGES = 16  # agents up to which the share of every edge is logged


class BayesianTeamLearner(TeamLearner):
    """Trains `BayesianTeamModule`s: actor and graph with one optimizer, the critic with another.

    Numbers of a module, beside MAPPO's: `density` of the last minibatch, `edge_<parent>_<child>` its shares of edges,
    and while edges are annealed `wanted_density` and `density_weight`.
    """

    _env_step = 0

    def before_gradient_based_update(self, *, timesteps: dict[str, Any]) -> None:
        """Takes the time, which annealing goes by."""
        super().before_gradient_based_update(timesteps=timesteps)
        self._env_step = int(timesteps.get(NUM_ENV_STEPS_SAMPLED_LIFETIME, 0))

    def optimizer_parts(self, module: Any, config: Any) -> dict[str, tuple[list[Any], Any]]:
        """Returns the parameters and the rate of each optimizer."""
        parts = super().optimizer_parts(module, config)
        if config.graph_lr is not None and hasattr(module, "dag_net"):
            of_graph = list(module.dag_net.parameters())
            kept = {id(parameter) for parameter in of_graph}
            parts = {
                name: ([each for each in own if id(each) not in kept], rate) for name, (own, rate) in parts.items()
            }
            parts[GRAPH_NET] = (of_graph, config.graph_lr)
        return parts

    def _update(self, batch: dict[str, Any], **kwargs: Any) -> tuple[Any, Any, Any]:
        config: Any = self.config
        if config.resample_context:
            batch = {module_id: columns | self._fresh_noise(module_id, columns) for module_id, columns in batch.items()}
        return super()._update(batch, **kwargs)

    def _fresh_noise(self, module_id: str, columns: dict[str, Any]) -> dict[str, torch.Tensor]:
        """Returns new noise for the graphs and the parents' actions of a minibatch."""
        module: Any = self.module[module_id].unwrapped()
        rng = np.random.default_rng(int(torch.randint(2**62, (1,), generator=self._generator)))
        alive = columns[ALIVE]
        drawn = {name: array[0] for name, array in module.draw_noise(rng, 1, len(alive)).items()}
        drawn[PARENT_NOISE] = module.kind.draw_noise(rng, tuple(alive.shape))
        return {name: torch.from_numpy(array).to(alive.device) for name, array in drawn.items()}

    def further_loss(
        self, module: Any, config: Any, batch: dict[str, Any], fwd_out: dict[str, Any]
    ) -> tuple[Any, dict[str, torch.Tensor]]:
        """Returns the pull on the graph's density, and what the graph looks like."""
        if GRAPH not in fwd_out:
            return 0.0, {}
        graph, alive = fwd_out[GRAPH], batch[ALIVE]
        found = density(graph, alive)
        told = {"density": found}
        further: Any = 0.0
        if config.annealing_steps is not None:
            schedule = Annealing(config.annealing_steps, config.annealing_weight, config.annealing_last_weight)
            wanted, weight = schedule.wanted_density(self._env_step), schedule.weight(self._env_step)
            further = weight * (found - wanted).abs()
            told |= {"wanted_density": torch.tensor(wanted), "density_weight": torch.tensor(weight)}
        if self.is_last_minibatch and module.num_agents <= MOST_EDGES:
            shares = graph.detach().mean(dim=0)
            pairs = [(j, i) for j in range(module.num_agents) for i in range(module.num_agents) if i != j]
            told |= {f"edge_{j}_{i}": shares[j, i] for j, i in pairs}
        return further, told

    def unclipped(self, module: Any) -> list[torch.Tensor]:
        """Returns the graph networks' parameters, where they are left out of clipping."""
        config: Any = self.config
        is_left_out = not config.clip_graph_net and hasattr(module, "dag_net")
        return list(module.dag_net.parameters()) if is_left_out else []
