"""PlayerModule: a scripted or trained player of `agents/` as a policy that RLlib does not train."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from ray.rllib.algorithms.algorithm_config import AlgorithmConfig
from ray.rllib.core.rl_module.multi_rl_module import MultiRLModuleSpec
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.core.rl_module.torch import TorchRLModule

from agents.protocol import Player

MakePlayer = Callable[[int], Player]
"""Makes a player from the seed of its generator."""


class PlayerModule(TorchRLModule):
    """Holds the place of a player among the modules. It has no weights, and only the batched runner can play it.

    `model_config`:
        make_player: Called with the runner's seed, returns the player; must be picklable (a class, or a
            `functools.partial`), because every runner makes a player of its own.
    """

    def setup(self) -> None:
        """Leaves the place empty: a learner has no use for the player."""
        self.player: Player | None = None

    def sit_down(self, seed: int) -> None:
        """Makes the player."""
        settings: Any = self.model_config
        self.player = settings["make_player"](seed)

    def _forward(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        raise NotImplementedError(
            "a player looks at its batch, not at observations; put the config on the batched runner "
            "(marl.rllib.use_batched_runner)"
        )


def seat_players(config: AlgorithmConfig, players: Mapping[str, MakePlayer]) -> None:
    """Gives policies of a config to players, and all others to the config's module.

    Args:
        config: With a module spec.
        players: By policy.

    Raises:
        ValueError: A player's policy is to be trained.
    """
    learned = [policy for policy in config.policies if policy not in players]
    trained = config.policies_to_train
    if trained is None:
        config.multi_agent(policies_to_train=learned)
    elif not callable(trained) and set(trained) & set(players):
        raise ValueError(f"policies_to_train names {sorted(set(trained) & set(players))}, which are played by players")
    spec: Any = config._rl_module_spec
    if isinstance(spec, MultiRLModuleSpec):
        specs = dict(spec.rl_module_specs or {})
    else:
        specs = {policy: copy.deepcopy(spec) for policy in learned}
    for policy, make_player in players.items():
        specs[policy] = RLModuleSpec(module_class=PlayerModule, model_config={"make_player": make_player})
    config.multi_agent(policies=sorted(specs))
    config.rl_module(rl_module_spec=MultiRLModuleSpec(rl_module_specs=specs))
