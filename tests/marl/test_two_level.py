"""Workers and planner: a small economy whose optimum is known, phases, and what several runners share."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from ray.rllib.algorithms.algorithm import Algorithm
from ray.rllib.algorithms.ppo import PPOConfig

import econ  # noqa: F401 - registers its worlds
import games
from agents.random_player import RandomPlayer
from agents.rational_worker import RationalWorker
from agents.saez_planner import SaezPlanner
from econ.taxation import SaezTax, us_federal
from marl.two_level import (
    OTHERS,
    PLANNER,
    WORKERS,
    Level,
    Sampling,
    decisions_of,
    falling,
    share_samples,
    take_weights,
    two_level_config,
    warm_up,
    weights_of,
)

Build = Callable[[PPOConfig], Algorithm]
ONE_STEP = "econ/one_step_v0"

# Labor costs h^2 / 10. Without taxes a worker with skill s works 5 s hours and gains 2.5 s^2: 3 hours and 0.9, 6 hours
# and 3.6, in the mean 2.25. Utility is linear in coin, so a tax moves coin about without a gain, and half the pay makes
# the hours worse: 1 or 2 instead of 3, 3 instead of 6. Both brackets have somebody in them: incomes are 1.8 and 7.2.
TINY = {
    **{"num_workers": 2, "skills": (0.6, 1.2), "hours": 10, "labor_cost": 0.1, "labor_exponent": 2.0},
    **{"bracket_spacing": "custom", "bracket_cutoffs": (0, 3), "rate_step": 0.5, "objective": "utilitarian"},
}
QUICK = Level(learning_rate=3e-3, discount=1.0, gae_lambda=1.0, hidden_sizes=(32,))


def greedy(algorithm: Algorithm, policy: str, group: Any) -> np.ndarray:
    """The most likely actions [P, ...] of a policy for the first env of a group."""
    parts = 2 if policy == PLANNER else 1
    chosen = decisions_of(algorithm, policy, group.observations[0], group.action_masks[0], parts).argmax(axis=2)
    return (chosen if policy == PLANNER else chosen[:, 0]).astype(np.int32)


def test_workers_and_planner_find_the_optimum_of_a_tiny_economy(build: Build) -> None:
    """With fragments of three steps, every other one of which ends while somebody waits."""
    iterations, num_envs, length = 70, 128, 3
    level = replace(QUICK, entropy_coefficient=falling(0.6, 0.0, iterations * num_envs * length))
    sampling = Sampling(num_envs=num_envs, fragment_steps=length, num_epochs=4, minibatch_size=128, seed=1)
    algorithm = build(two_level_config(ONE_STEP, TINY, workers=level, planner=level, sampling=sampling))
    for _ in range(iterations):
        algorithm.train()
    batch = games.make_batch(ONE_STEP, 1, **TINY)
    batch.reset()
    workers, planner_group = batch.groups[WORKERS], batch.groups[PLANNER]
    batch.step({WORKERS: np.zeros((1, 2), np.int32), PLANNER: greedy(algorithm, PLANNER, planner_group)[None, 0:1]})
    assert batch.fields(0)["tax_rates"].tolist() == [0, 0]
    batch.step({WORKERS: greedy(algorithm, WORKERS, workers)[None], PLANNER: np.zeros((1, 1, 2), np.int32)})
    assert batch.episode_statistics["welfare"][0] == pytest.approx(2.25)


def test_a_decision_of_the_planner_is_one_row_of_its_policy(build: Build) -> None:
    sampling = Sampling(num_envs=8, fragment_steps=6, minibatch_size=24)
    settings = {**TINY, "tax_period": 3, "horizon": 6}
    algorithm = build(two_level_config(ONE_STEP, settings, workers=QUICK, planner=QUICK, sampling=sampling))
    learnt = algorithm.train()["learners"]
    assert learnt[PLANNER]["num_module_steps_trained"] == 8 * 2
    assert learnt[WORKERS]["num_module_steps_trained"] == 8 * 2 * 4


def test_a_second_phase_begins_with_the_weights_of_the_first(build: Build) -> None:
    sampling = Sampling(num_envs=4, fragment_steps=2, minibatch_size=8)
    first = build(two_level_config(ONE_STEP, TINY, workers=QUICK, planner=RandomPlayer, sampling=sampling))
    first.train()
    weights = weights_of(first, WORKERS)
    second = build(two_level_config(ONE_STEP, TINY, workers=QUICK, planner=QUICK, sampling=sampling))
    before = weights_of(second, PLANNER)
    take_weights(second, WORKERS, weights)
    for name, array in weights_of(second, WORKERS).items():
        np.testing.assert_array_equal(array, weights[name])
    for name, array in weights_of(second, PLANNER).items():
        np.testing.assert_array_equal(array, before[name])
    played = second.get_module(WORKERS).state_dict()  # the runner's, which needs no values
    for name in ("policy_torso.0.weight", "policy_head.bias"):
        np.testing.assert_array_equal(played[name].numpy(), weights[name])
    second.train()


def test_one_worker_learns_beside_others_that_play(build: Build) -> None:
    sampling = Sampling(num_envs=4, fragment_steps=2, minibatch_size=4)
    config = two_level_config(
        ONE_STEP, TINY, workers=QUICK, planner=RandomPlayer, sampling=sampling, others=RationalWorker
    )
    algorithm = build(config)
    trained = algorithm.train()["learners"]
    assert {name for name in trained if "policy_loss" in trained[name]} == {WORKERS}
    assert trained[WORKERS]["num_module_steps_trained"] == 4  # of the first worker in step 2
    runner = algorithm.env_runner
    assert [runner.map_agents()[f"worker_{i}"] for i in (0, 1)] == [WORKERS, OTHERS]


def test_values_are_learned_in_units_of_the_returns(build: Build) -> None:
    """Ten times the unit, and a hundredth of the weight in the loss: errors count as before, in units."""
    algorithms = []
    for scale in (1.0, 10.0):
        level = replace(QUICK, return_scale=scale)
        sampling = Sampling(num_envs=4, fragment_steps=2, minibatch_size=8, seed=3)
        algorithms.append(
            build(two_level_config(ONE_STEP, TINY, workers=level, planner=RandomPlayer, sampling=sampling))
        )
    plain, scaled = ([weights_of(each, WORKERS), each.learner_group] for each in algorithms)
    for name in plain[0]:
        np.testing.assert_array_equal(plain[0][name], scaled[0][name])
    observations = {"obs": torch.ones(3, plain[0]["policy_torso.0.weight"].shape[1])}
    values = [
        group.foreach_learner(lambda learner: learner.module[WORKERS].compute_values(observations).detach().numpy())
        for _, group in (plain, scaled)
    ]
    first, second = (next(iter(found)).get() for found in values)
    np.testing.assert_allclose(second, 10 * first, rtol=1e-6)
    configs = [each.config.copy(copy_frozen=False).get_config_for_module(WORKERS) for each in algorithms]
    assert [config.vf_loss_coeff for config in configs] == [0.5, 0.005]


@pytest.mark.learn
def test_runners_share_what_saezs_formula_knows(build: Build) -> None:
    settings = {"num_workers": 3, "tax_model": "planner_rates"}
    saez = partial(make_saez, cutoffs=tuple(us_federal().cutoffs.tolist()))
    sampling = Sampling(num_envs=5, fragment_steps=6, num_env_runners=2, minibatch_size=30)
    algorithm = build(two_level_config(ONE_STEP, settings, workers=QUICK, planner=saez, sampling=sampling))
    for _ in range(2):
        algorithm.train()
        share_samples(algorithm)
    group = algorithm.env_runner_group
    own, others = zip(*group.foreach_env_runner(known_samples, local_env_runner=False), strict=True)
    # Of six tax days of five envs with three workers the last one is seen at the start of a third fragment.
    assert [len(samples) for samples in own] == [5 * 5 * 3] * 2
    np.testing.assert_array_equal(own[0], others[1])
    np.testing.assert_array_equal(own[1], others[0])
    assert not np.array_equal(*own)


def make_saez(seed: int, cutoffs: tuple[float, ...]) -> SaezPlanner:
    return SaezPlanner(SaezTax(cutoffs, elasticity=0.4))


def known_samples(runner: Any) -> tuple[np.ndarray, np.ndarray]:
    saez = runner.module[PLANNER].player.saez
    return saez.samples, np.array(saez.get_state()["others"])


def test_only_a_saez_planner_has_samples_to_share(build: Build) -> None:
    sampling = Sampling(num_envs=2, fragment_steps=2, minibatch_size=4)
    algorithm = build(two_level_config(ONE_STEP, TINY, workers=QUICK, planner=RandomPlayer, sampling=sampling))
    share_samples(algorithm)  # the one runner there is has nobody to tell


def test_mistakes_are_said() -> None:
    sampling = Sampling(num_envs=2, fragment_steps=2, minibatch_size=4)
    with pytest.raises(ValueError, match="both players: nobody learns"):
        two_level_config(ONE_STEP, TINY, workers=RationalWorker, planner=RandomPlayer, sampling=sampling)
    with pytest.raises(
        ValueError, match=r"needs groups 'workers' and 'planner'; cards/kuhn_poker_v0 has \['players'\]"
    ):
        two_level_config("cards/kuhn_poker_v0", {}, workers=QUICK, planner=QUICK, sampling=sampling)


def test_schedules_of_the_curriculum() -> None:
    # ai-economist 1.7.1: weight 1 - exp(-k / constant).
    assert warm_up(0, 100) == 0
    assert warm_up(100, 100) == pytest.approx(1 - 1 / math.e)
    assert warm_up(5, 0) == 1
    assert falling(0.5, 0.1, 1000) == [(0, 0.5), (1000, 0.1)]
