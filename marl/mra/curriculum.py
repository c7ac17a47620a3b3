"""A population curriculum: start small, grow, mix and match, keep the best.

Long et al. 2020, "Evolutionary population curriculum for scaling multi-agent reinforcement learning" (ICLR; EPC), with
the networks and the update of MRA without latents, so that the two compare.

In EPC every agent has a policy of its own, and a larger team is put together from those of two smaller ones. Here all
agents of a group share one, so teams are put together group by group: collectors of one, banks of another. In a world
of one group nothing is left to mix, and the curriculum is growth and selection.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from marl.mra.adaptation import learned_modules, take_over
from marl.mra.algorithm import MRAConfig
from marl.mra.module import MRAModule
from marl.mra.play import play_episodes

Team = dict[str, MRAModule]
Watch = Callable[
    [Any, dict[str, Any], int, int], None
]  # algorithm, result, number of the team, env steps of all so far


@dataclass(frozen=True)
class Stage:
    """A size of population.

    Attributes:
        settings: Of the world.
        rounds: Of training, for each candidate.
    """

    settings: dict[str, Any]
    rounds: int


@dataclass(frozen=True, eq=False)
class Grown:
    """What a curriculum came to.

    Attributes:
        team: The best of the last stage, modules by group.
        scores: Of each stage's candidates, in their order: the mean return of all groups.
        env_steps: Of all training, candidates that were dropped included.
    """

    team: Team
    scores: list[list[float]]
    env_steps: int


def grow(
    config: MRAConfig,
    stages: Sequence[Stage],
    *,
    candidates: int = 3,
    kept: int = 2,
    episodes: int = 50,
    seed: int = 0,
    watch: Watch = lambda *round_of: None,
) -> Grown:
    """Trains teams through stages of larger and larger populations. Ray runs.

    The first stage trains `candidates` teams from scratch; every other one trains matches of the best `kept` of the
    stage before. EPC's numbers are 9 and 2 in grassland, 6 and 3 in food collection.

    Args:
        config: Of the training; its world's settings are those of the stages, and its `num_latents` is 1.
        stages: One at least.
        candidates: Teams of a stage at most.
        kept: Teams that go on.
        episodes: By which candidates are judged, the same ones for all of a stage.
        seed: Candidate i of stage s trains with seed + 100 s + i.
        watch: Is called after every round.

    Raises:
        ValueError: No stage, latents, or fewer candidates than are kept.
    """
    if not stages or not 1 <= kept <= candidates:
        raise ValueError(
            f"needs a stage at least, and 1 <= kept <= candidates; got {len(stages)}, {kept}, {candidates}"
        )
    if config.mra_settings().num_latents != 1:
        raise ValueError("a curriculum has one policy for all, training(num_latents=1)")
    parents: list[Team] = []
    scores, env_steps, trained = [], 0, 0
    for number, stage in enumerate(stages):
        starts: list[Team | None] = list(match(parents)[:candidates]) if parents else [None] * candidates
        teams: list[Team] = []
        for i, start in enumerate(starts):
            tell = partial(_tell, watch, trained, env_steps)
            team, steps = _train(config, stage, start, seed + 100 * number + i, tell)
            teams.append(team)
            env_steps, trained = env_steps + steps, trained + 1
        scores.append([_judge(team, config, stage, episodes, seed + 100 * number + 99) for team in teams])
        best = np.argsort(scores[-1], kind="stable")[::-1][:kept]
        parents = [teams[i] for i in best.tolist()]
    return Grown(parents[0], scores, env_steps)


def match(parents: Sequence[Mapping[str, MRAModule]]) -> list[Team]:
    """Returns all teams whose groups come from some parent each: the parents first, then the mixed ones."""
    groups = list(parents[0])
    choices = sorted(product(range(len(parents)), repeat=len(groups)), key=lambda choice: len(set(choice)))
    return [{name: parents[i][name] for name, i in zip(groups, choice, strict=True)} for choice in choices]


def _tell(watch: Watch, team: int, before: int, algorithm: Any, result: dict[str, Any], steps: int) -> None:
    watch(algorithm, result, team, before + steps)


def _train(
    config: MRAConfig, stage: Stage, start: Team | None, seed: int, tell: Callable[[Any, dict[str, Any], int], None]
) -> tuple[Team, int]:
    """Returns a team after a stage, and the env steps that it took."""
    own: Any = config.copy(copy_frozen=False)
    own.env_config = dict(stage.settings)
    algorithm = own.debugging(seed=seed).build_algo()
    if start is not None:
        take_over(algorithm, start)
    steps = 0
    for _ in range(stage.rounds):
        result = algorithm.train()
        steps = int(result["env_runners"]["num_env_steps_sampled_lifetime"])
        tell(algorithm, result, steps)
    team = copy.deepcopy(learned_modules(algorithm))
    algorithm.stop()
    return team, steps


def _judge(team: Team, config: MRAConfig, stage: Stage, episodes: int, seed: int) -> float:
    played = play_episodes(team, str(config.env), stage.settings, episodes=episodes, seed=seed)
    return float(played.team_returns.mean())
