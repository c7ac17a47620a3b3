"""PlayerModule: a scripted or trained player of `agents/` as a policy that RLlib does not train."""

from __future__ import annotations

from typing import Any

from ray.rllib.core.rl_module.torch import TorchRLModule

from agents.protocol import Player


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
