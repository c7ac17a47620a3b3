"""What a trained policy set does in a population it was not trained for: which latent it takes, and what it learns.

The paper says that one adapts quickly with first-order gradients, and the release holds no code for it, so the rules
here are ours:

- `choose_latent`: everybody plays by one latent, each is tried for some episodes, the best is taken.
- `adapt_latents`: logits of latents follow the gradient of the returns (REINFORCE), the networks stay as they are.
- `adapt_networks`: k updates of all networks in the new population, as in training.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from marl.mra.algorithm import MRAConfig
from marl.mra.module import MRAModule
from marl.mra.play import play_episodes
from marl.rllib.rounds import send_weights


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
        returns.append(float(np.mean([own.mean() for own in played.returns.values()])))
    return Choice(int(np.argmax(returns)), tuple(returns))


def adapt_latents(
    modules: Mapping[str, MRAModule],
    env_id: str,
    settings: dict[str, Any],
    *,
    updates: int,
    episodes: int,
    seed: int,
    rate: float = 1.0,
) -> np.ndarray:
    """Returns logits [H] of latents after so many updates, from even ones on.

    Agents draw their latents from the logits w; an update adds `rate` times the mean, over episodes and agents, of
    (return less mean) / deviation, times d log p(z) / d w.

    Args:
        modules: By group; they share the logits.
        env_id: The world.
        settings: Its settings, of one population.
        updates: k.
        episodes: Of an update.
        seed: Of the episodes.
        rate: Step of the logits, in deviations of returns.
    """
    count = next(iter(modules.values())).num_latents
    logits = np.zeros(count)
    for update in range(updates):
        played = play_episodes(
            modules, env_id, settings, episodes=episodes, seed=seed + update, latents=tuple(logits.tolist())
        )
        chances = np.exp(logits - logits.max())
        chances /= chances.sum()
        gradient = np.zeros(count)
        for name, returns in played.returns.items():
            advantages = (returns - returns.mean()) / max(float(returns.std()), 1e-6)
            chosen = played.latents[name]
            hits = np.stack([(chosen == z).sum(axis=1) for z in range(count)], axis=1)
            shares = hits / np.maximum((chosen >= 0).sum(axis=1, keepdims=True), 1)
            gradient += (advantages[:, None] * (shares - chances)).mean(axis=0) / len(played.returns)
        logits += rate * gradient
    return logits


def adapt_networks(
    config: MRAConfig, modules: Mapping[str, MRAModule], settings: dict[str, Any], *, updates: int
) -> dict[str, MRAModule]:
    """Returns copies of modules after k updates in another population; those given stay as they are.

    An update is what training does: each env plays an episode under drawn latents, then critic, policy with relations,
    and prior take a step on what was played so far, and the targets follow. First-order, with a fresh Adam for each
    network. Before the first, episodes are played until there are `learning_starts` steps.

    Args:
        config: Of the training; Ray runs. Its `lr`, `num_envs_per_env_runner` and `batch_steps` hold here too.
        modules: By group, whole ones, as `algorithm.learner_group` has them.
        settings: Of the world, for the new population.
        updates: k; 0 returns copies.
    """
    own: Any = config.copy(copy_frozen=False)
    own.env_config = dict(settings)  # RLlib's `environment` would add to those of the training
    algorithm = own.training(updates_per_round=1).build_algo()
    take_over(algorithm, modules)
    done = 0
    while done < updates:
        result = algorithm.train()
        done += int("learners" in result)
    copies = copy.deepcopy(learned_modules(algorithm))
    algorithm.stop()
    return copies


def learned_modules(algorithm: Any) -> dict[str, MRAModule]:
    """Returns the modules of an algorithm by group, whole ones, as its learner has them."""
    return dict(algorithm.learner_group._learner.module.items())


def take_over(algorithm: Any, modules: Mapping[str, MRAModule]) -> None:
    """Gives an algorithm the weights of modules, perhaps of another population: all but those that name populations."""
    own = learned_modules(algorithm)
    for name, module in modules.items():
        weights = {key: value for key, value in module.state_dict().items() if not key.startswith("predictor.")}
        own[name].load_state_dict(weights, strict=False)
    send_weights(algorithm, list(modules))
