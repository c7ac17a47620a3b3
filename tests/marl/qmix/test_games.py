"""What each mixer can and cannot learn where every joint action is tried as often: values, not only rewards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from small_configs import make_config

from games.matrix.named import penalty_game

STATES = ("1", "2A", "2B")
UNIFORM = {"epsilon": [(0, 1.0)], "is_recurrent": False, "hidden_sizes": (64,), "hypernet_size": 0, "mixing_size": 8}
LEARNING = {"episodes_per_update": 32, "target_update_interval": 40}
RATES = {"qmix": 5e-3, "vdn": 2e-3}  # a sum that cannot fit jitters at the larger one
MUST_FAIL = [[8, -12, -12], [-12, 0, 0], [-12, 0, 0]]  # Son et al. 2019 (QTRAN), table 1


def learn(build_one: Callable, name: str, id: str, settings: dict[str, Any], rounds: int, seed: int) -> Any:
    config = make_config(name, id, settings, num_envs=8, lr=RATES[name], **UNIFORM, **LEARNING).debugging(seed=seed)
    algorithm = build_one(config)
    for _ in range(rounds):
        algorithm.train()
    return algorithm


def tables(algorithm: Any) -> dict[str, np.ndarray]:
    """Q_tot of all joint actions in the states of the two-step game."""
    modules = algorithm.learner_group._learner.module
    agents, mixer = modules["players"], modules["mixer"]
    seen = torch.eye(agents.observation_space.shape[0])[: len(STATES)]
    with torch.no_grad():
        values = agents.unroll(seen[:, None, None].expand(-1, 1, 2, -1))[0][:, 0]
        found = {}
        for number, state in enumerate(STATES):
            pairs = torch.cartesian_prod(*values[number])[None]
            states = seen[number].repeat(2).expand(1, len(pairs[0]), -1)
            found[state] = mixer.mix(pairs, states).reshape(2, 2).numpy()
    return found


def greedy_return(algorithm: Any) -> float:
    (fragment,) = algorithm.env_runner.sample(num_episodes=8, explore=False)
    rewards = fragment.groups["players"].rewards[..., 0].sum(axis=0)
    assert (rewards == rewards[0]).all()
    return float(rewards[0])


def assert_qmix_tables(found: dict[str, np.ndarray]) -> None:
    """Rashid et al. 2018, table 2: state 1 has 6.93 6.93 / 7.92 7.92, 2A 7 everywhere, 2B 0 1 / 1 8."""
    np.testing.assert_allclose(found["1"], [[6.93, 6.93], [7.92, 7.92]], atol=0.2)
    np.testing.assert_allclose(found["2A"], np.full((2, 2), 7.0), atol=0.2)
    np.testing.assert_allclose(found["2B"], [[0, 1], [1, 8]], atol=0.2)


def assert_vdn_tables(found: dict[str, np.ndarray]) -> None:
    """The least squares of 2B by a sum are -1.5 2.5 / 2.5 6.5: rows differ by 4, columns by 4, mean 2.5.

    So 2B looks like 6.5 at best and 2A like 7. What the first step bootstraps from is 7 or 6.5, times 0.99. A sum that
    cannot fit goes on jittering with the batches: of ten seeds the farthest value was 0.8 off.
    """
    np.testing.assert_allclose(found["2B"], [[-1.5, 2.5], [2.5, 6.5]], atol=1.0)
    np.testing.assert_allclose(found["1"], [[6.93, 6.93], [6.44, 6.44]], atol=1.0)
    assert found["1"][0].mean() > found["1"][1].mean()


def test_qmix_finds_the_8_of_the_two_step_game_and_its_values(build_one: Callable) -> None:
    algorithm = learn(build_one, "qmix", "markov/two_step_v0", {}, rounds=350, seed=0)
    assert greedy_return(algorithm) == 8
    assert_qmix_tables(tables(algorithm))


def test_a_sum_settles_for_the_7_of_the_two_step_game(build_one: Callable) -> None:
    algorithm = learn(build_one, "vdn", "markov/two_step_v0", {}, rounds=400, seed=0)
    assert greedy_return(algorithm) == 7
    assert_vdn_tables(tables(algorithm))


@pytest.mark.learn
@pytest.mark.parametrize("seed", range(10))
def test_every_seed_ends_at_8_with_qmix_and_at_7_with_a_sum(build_one: Callable, seed: int) -> None:
    mixed, summed = (learn(build_one, name, "markov/two_step_v0", {}, 500, seed) for name in ("qmix", "vdn"))
    assert (greedy_return(mixed), greedy_return(summed)) == (8, 7)
    assert_qmix_tables(tables(mixed))
    assert_vdn_tables(tables(summed))


@pytest.mark.parametrize(
    ("payoffs", "reached"),
    [
        (MUST_FAIL, {0}),
        (penalty_game()[0].tolist(), {2}),
        ([[11, -30, 0], [-30, 7, 6], [0, 0, 5]], {5, 6}),
    ],
    ids=["must fail", "penalty", "climbing"],
)
def test_a_monotone_mixer_misses_the_best_where_a_mistake_of_one_costs_both(
    build_one: Callable, payoffs: list, reached: set
) -> None:
    """A monotone Q_tot cannot have the best joint action beside its neighbours: finding it would show a leak.

    By hand, with both players uniform, every action's mean: penalty -30, 0.67, -30; climbing's rows -6.3, -5.7, 1.7 and
    columns -6.3, -7.7, 3.7; the 3x3 game's -5.3, -4, -4.
    """
    settings = {"payoffs": np.array([payoffs, payoffs], float), "horizon": 1}
    algorithm = learn(build_one, "qmix", "matrix/climbing_v0", settings, rounds=200, seed=1)
    assert greedy_return(algorithm) in reached
