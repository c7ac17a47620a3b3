"""A lower bound of the NashConv by fresh best responses, which learn for that alone and are in no population.

What a response of agent i gets against the others' meta-strategy, less what i's own meta-strategy gets there, is no
more than i could gain in the whole world, but for the noise of the episodes it is measured by. How near it comes is the
oracle's budget, so that stands beside every number.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydantic

from agents.protocol import Player
from agents.tabular import load_table
from agents.trained import TrainedPlayer
from marl.psro.match import play_episodes
from marl.psro.opponents import Opponents
from marl.psro.oracles import Oracle, learn
from marl.psro.risk_rewards import RiskAversion
from marl.psro.simulation import Arena


class Bound(pydantic.BaseModel, extra="forbid"):
    """What fresh best responses gained on a meta-strategy.

    Attributes:
        gains: By agent: the mean return of its response less the value of its meta-strategy; below 0 where the
            response is worse.
        errors: Standard errors of the gains.
        oracle: Which one.
        settings: Its budget and all else that it was told.
        episodes: By which each response was measured.
    """

    gains: list[float]
    errors: list[float]
    oracle: str
    settings: dict[str, Any]
    episodes: int

    @property
    def nash_conv(self) -> float:
        """The sum of the gains, 0 for who gained nothing."""
        return float(sum(max(0.0, gain) for gain in self.gains))


def try_response(
    oracle: Oracle, arena: Arena, agent: str, opponents: Opponents, place: Path, seed: int, episodes: int
) -> tuple[float, float]:
    """Learns a fresh response, unless it is there, and plays it; returns its mean return and the standard error.

    Args:
        oracle: Who learns.
        arena: Where it plays.
        agent: Who responds.
        opponents: Whom to.
        place: Folder of the response.
        seed: Of the learning and the episodes.
        episodes: How many, at least 2.
    """
    if not place.exists():
        learn(oracle, agent, opponents, place, seed, RiskAversion(0.0), None, None)
    words = [int(word) for word in np.random.SeedSequence([seed, 1]).generate_state(3)]
    own: Player = TrainedPlayer(place, words[0]) if oracle.kind == "trained" else load_table(place, words[0])
    others: dict[str, Player] = {other: opponents.make_player(other, words[1:2]) for other in opponents.mixtures}
    played = play_episodes(
        arena.env_id,
        {agent: own, **others},
        episodes,
        seed=words[2],
        settings=arena.settings,
        num_envs=arena.num_envs,
    )
    returns = played.returns[:, list(arena.seats).index(agent)]
    return float(returns.mean()), float(returns.std(ddof=1) / np.sqrt(episodes))
