"""What a cell says of its learning while it learns: diagnostics of every group, and returns where it trains."""

from __future__ import annotations

from typing import Any

from experiments.studies.mra_populations.settings import WORLDS, Cell
from marl.mra.adaptation import learned_modules
from marl.mra.play import play_episodes

COLUMNS = ("team", "steps", "group", "measure", "value")
MEASURES = (
    *("information", "information_ceiling", "information_bound", "game_information", "game_accuracy"),
    *("attention_entropy", "latent_entropy", "prior_entropy", "entropy", "critic_loss", "policy_loss", "q_mean"),
)
USAGE = "latent_"  # how measures begin of which there is one for each latent and population
RETURN = "return_of_"  # and one for each population
POINTS = 40
EPISODES = 20  # of a point, in each population
SEED = 2_000_000  # of them, the same for all cells


class Curve:
    """Rows of a training, some tens of points of it.

    Args:
        cell: Which.

    Attributes:
        rows: With COLUMNS. Returns are of all groups together, whose name is empty.
    """

    def __init__(self, cell: Cell) -> None:
        self.rows: list[dict[str, Any]] = []
        self._cell, self._reached = cell, 0

    def watch(self, algorithm: Any, result: dict[str, Any], team: int, steps: int) -> None:
        """Adds a point, where one is due and something was learned.

        Args:
            algorithm: That trains.
            result: Of a round.
            team: Number of the team, of those that a curriculum trains.
            steps: Of the cell so far.
        """
        reached = steps * POINTS // self._cell.env_steps
        if reached == self._reached or "learners" not in result:
            return
        self._reached = reached
        modules = learned_modules(algorithm)
        found = {("", name): value for name, value in self._returns(algorithm, modules).items()}
        for group in modules:
            told = result["learners"][group]
            found |= {(group, name): told[name] for name in told if name in MEASURES or name.startswith(USAGE)}
        point = {"team": team, "steps": steps}
        self.rows += [
            point | {"group": group, "measure": name, "value": float(value)} for (group, name), value in found.items()
        ]

    def _returns(self, algorithm: Any, modules: Any) -> dict[str, float]:
        world, returns = WORLDS[self._cell.world], {}
        for row in algorithm.config.env_config["populations"]:
            size = row[0] if world.partners else row
            played = play_episodes(modules, world.env_id, world.of_many((size,)), episodes=EPISODES, seed=SEED)
            returns[f"{RETURN}{size}"] = float(played.team_returns.mean())
        return returns
