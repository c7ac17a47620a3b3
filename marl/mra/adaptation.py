"""What a trained policy set does in a population it was not trained for: which latent it takes, and what it learns.

The paper says that one adapts quickly with first-order gradients, and the release holds no code for it, so the rules
here are ours:

- `choose_latent`: everybody plays by one latent, each is tried for some episodes, the best is taken.
- `adapt_latents`: logits of latents follow the gradient of the team's return (REINFORCE), from the prior's on; the
  networks stay as they are.
- `adapt_networks`: k updates of all networks in the new population, as in training.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

import games
from marl.mra.algorithm import MRAConfig, populations_of
from marl.mra.module import MRAModule
from marl.mra.play import Played, play_episodes
from marl.rllib.rounds import send_weights

LOGITS_RATE = 2.0  # of made-up games: 1 is slow, 4 sooner there, but led astray where latents differ little


@dataclass(frozen=True)
class Choice:
    """A latent for a population.

    Attributes:
        latent: The best.
        returns: [H] mean return of each, over the episodes it was tried for.
    """

    latent: int
    returns: tuple[float, ...]


def choose_latent(
    modules: Mapping[str, MRAModule], env_id: str, settings: dict[str, Any], *, episodes: int, seed: int
) -> Choice:
    """Tries every latent for some episodes, the same ones for each, and returns the best by the mean of all groups.

    Args:
        modules: By group.
        env_id: The world.
        settings: Its settings, of one population.
        episodes: For each latent.
        seed: Of the episodes; not one by which the choice is judged later.
    """
    count = next(iter(modules.values())).num_latents
    returns = []
    for latent in range(count):
        played = play_episodes(modules, env_id, settings, episodes=episodes, seed=seed, latents=latent)
        returns.append(float(played.team_returns.mean()))
    return Choice(int(np.argmax(returns)), tuple(returns))


def adapt_latents(
    modules: Mapping[str, MRAModule],
    env_id: str,
    settings: dict[str, Any],
    *,
    after: Sequence[int],
    episodes: int,
    seed: int,
    rate: float = LOGITS_RATE,
) -> dict[int, dict[str, np.ndarray]]:
    """Returns by k, and by group, logits [H] of latents after k updates, from those of the prior on.

    Agents draw their latents from the logits w of their group. An update adds `rate` times the mean over episodes of

        (return less mean) / deviation * sum over the group's agents of d log p(z) / d w

    where the return is the mean of all groups. The sum is the gradient of a team's return, and as large in 48 agents as
    in 3 where a latent is worth as much to the team; its noise grows with the root of their number, hence the episodes.

    Args:
        modules: By group, each with logits of its own.
        env_id: The world.
        settings: Its settings, of one population.
        after: k, numbers of updates in any order, all of one run.
        episodes: Of an update.
        seed: Of the episodes.
        rate: Step of the logits, in deviations of returns.

    Raises:
        ValueError: Settings of several populations.
    """
    logits = _prior_logits(modules, env_id, settings)
    course = [logits]
    for update in range(max(after, default=0)):
        played = play_episodes(modules, env_id, settings, episodes=episodes, seed=seed + update, latents=logits)
        gradients = _logits_gradients(played, logits)
        logits = {name: own + rate * gradients[name] for name, own in logits.items()}
        course.append(logits)
    return {k: course[k] for k in after}


def _prior_logits(modules: Mapping[str, MRAModule], env_id: str, settings: dict[str, Any]) -> dict[str, np.ndarray]:
    """Returns log-probabilities [H] by group of latents as they are drawn without adaptation."""
    populations = populations_of(games.make_batch(env_id, **settings))
    if len(populations) != 1:
        raise ValueError(f"latents adapt to one population at a time, the world has {populations}")
    count = torch.tensor(populations[0])
    with torch.no_grad():
        return {name: module.actor.prior(count).double().numpy() for name, module in modules.items()}


def _logits_gradients(played: Played, logits: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Returns by group the gradient [H] of the return, in its deviations, by logits from which latents were drawn."""
    returns = played.team_returns
    advantages = (returns - returns.mean()) / max(float(returns.std()), 1e-6)
    gradients = {}
    for name, own in logits.items():
        chances = np.exp(own - own.max())
        chances /= chances.sum()
        drawn = played.latents[name]
        hits = np.stack([(drawn == z).sum(axis=1) for z in range(len(own))], axis=1)
        expected = (drawn >= 0).sum(axis=1, keepdims=True) * chances
        gradients[name] = (advantages[:, None] * (hits - expected)).mean(axis=0)
    return gradients


def adapt_networks(
    config: MRAConfig, modules: Mapping[str, MRAModule], settings: dict[str, Any], *, after: Sequence[int]
) -> dict[int, dict[str, MRAModule]]:
    """Returns by k copies of modules after k updates in another population; those given stay as they are.

    An update is what training does: each env plays an episode under drawn latents, then critic, and policy with
    relations, take a step on what was played so far, and the targets follow; the prior stays. First-order, with a fresh
    Adam for each network. Before the first, episodes are played until there are `learning_starts` steps.

    Args:
        config: Of the training; Ray runs. Its `lr`, `num_envs_per_env_runner` and `batch_steps` hold here too.
        modules: By group, whole ones, as `algorithm.learner_group` has them.
        settings: Of the world, for the new population.
        after: k, numbers of updates in any order, all of one run; 0 are copies.
    """
    own: Any = config.copy(copy_frozen=False)
    own.env_config = dict(settings)  # RLlib's `environment` would add to those of the training
    # One population has nothing for the prior to tell apart, and its usage would pull it to even latents.
    algorithm = own.training(updates_per_round=1, usage_coeff=0.0).build_algo()
    take_over(algorithm, modules)
    done, found = 0, {0: copy.deepcopy(learned_modules(algorithm))}
    while done < max(after, default=0):
        if "learners" in algorithm.train():
            done += 1
            if done in after:
                found[done] = copy.deepcopy(learned_modules(algorithm))
    algorithm.stop()
    return {k: found[k] for k in after}


def learned_modules(algorithm: Any) -> dict[str, MRAModule]:
    """Returns the modules of an algorithm by group, whole ones, as its learner has them."""
    return dict(algorithm.learner_group._learner.module.items())


def take_over(algorithm: Any, modules: Mapping[str, MRAModule]) -> None:
    """Gives an algorithm the weights of modules, perhaps of another population: all but those that name populations.

    Raises:
        ValueError: They are of other networks.
    """
    own = learned_modules(algorithm)
    for name, module in modules.items():
        own[name].take_weights(module.state_dict(), module.actor.shape)
    send_weights(algorithm, list(modules))
