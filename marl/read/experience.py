"""Experience of a planner: what it did, and the returns that followed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from agents.planners.protocol import Planner
from agents.protocol import Player
from games.batch import Batch
from games.wording import wording
from marl.read.encoders import state_of
from marl.read.refine import Memory, Rules, decide, waiting
from marl.read.starts import scatter


@dataclass(frozen=True)
class Experience:
    """Steps of episodes, N in all.

    Attributes:
        states: [N, S] float32.
        texts: N descriptions; empty where none were kept.
        actions: [N, n] int32.
        returns: [N] float64, discounted, from this step on.
        queries: What they cost, questions without a reply included.
    """

    states: np.ndarray
    texts: list[str]
    actions: np.ndarray
    returns: np.ndarray
    queries: int


@dataclass(frozen=True)
class ExperienceSettings:
    """How experience is gathered.

    Attributes:
        episodes: Of the planner.
        scattered_share: Share of the episodes that begin in a scattered state and at a random time.
        wait_share: Share of those whose first step is that all wait, which a planner hardly ever says.
        max_queries: Of a step.
        discount: gamma.
        keeps_texts: Whether descriptions are kept, for encoders that read them.
        seed: Of the starts.
    """

    episodes: int = 1500
    scattered_share: float = 0.7
    wait_share: float = 0.3
    max_queries: int = 10
    discount: float = 0.95
    keeps_texts: bool = False
    seed: int = 0


def gather(
    batch: Batch,
    make_planner: Callable[[int], Planner],
    players: Mapping[str, Player],
    settings: ExperienceSettings,
) -> Experience:
    """Lets a planner play with checks of validity, and nothing else, and returns what happened.

    Args:
        batch: One env, autoreset disabled.
        make_planner: From an episode's number; planners may look at the batch.
        players: By agent, who lead to scattered states; they take no part in what is kept.
        settings: Of the experience.
    """
    rules, words = Rules(max_queries=settings.max_queries), wording(batch.config)
    states, texts, queries = list[np.ndarray](), list[str](), 0
    actions, returns = list[list[int]](), list[float]()
    for number in range(settings.episodes):
        rng = np.random.default_rng([settings.seed, number])
        planner, first, waits = make_planner(number), len(states), False
        if rng.random() < settings.scattered_share:
            scatter(batch, players, rng)
            waits = rng.random() < settings.wait_share
        else:
            batch.reset()
        rewards = []
        while not batch.ended[0]:
            states.append(state_of(batch))
            if settings.keeps_texts:
                texts.append(words.describe(batch.fields(0)))
            if waits and len(states) == first + 1:
                joint = waiting(words, len(batch.agents))
            else:
                memory = Memory()
                joint = decide(batch, words, planner, rules, memory=memory)
                queries += memory.usage.queries + memory.usage.failures
            actions.append(joint)
            batch.step(np.array([joint], np.int32))
            rewards.append(float(batch.rewards[0].mean()))
        returns += discounted(rewards, settings.discount)
    return Experience(np.stack(states), texts, np.array(actions, np.int32), np.array(returns), queries)


def discounted(rewards: list[float], discount: float) -> list[float]:
    """Returns the discounted sum of rewards from each step on."""
    sums, following = [], 0.0
    for reward in reversed(rewards):
        following = reward + discount * following
        sums.append(following)
    return sums[::-1]
