"""Scripted and loaded players as policies, and callbacks of runners."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cyclic_player import CyclicPlayer, Diary
from ray.rllib.algorithms.algorithm import Algorithm
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.callbacks.callbacks import RLlibCallback
from ray.rllib.connectors.env_to_module import FlattenObservations

from agents.random_player import RandomPlayer
from agents.trained import TrainedPlayer
from marl.rllib import use_batched_runner
from marl.rllib.export import export_policy

SCISSORS = "matrix/rock_paper_scissors_v0"

Build = Callable[[PPOConfig], Algorithm]


def first_learns(agent: str, episode: Any, **kwargs: Any) -> str:
    return "learner" if agent == "player_0" else "opponent"


def against_an_opponent(horizon: int = 1, **env_runners: Any) -> PPOConfig:
    config = PPOConfig().environment(SCISSORS, env_config={"horizon": horizon})
    config.env_runners(
        **{"num_env_runners": 0, "num_envs_per_env_runner": 32, "rollout_fragment_length": 6, **env_runners}
    )
    config.multi_agent(policies={"learner", "opponent"}, policy_mapping_fn=first_learns)
    config.training(lr=5e-3, num_epochs=4, minibatch_size=96)
    return config.debugging(seed=3, log_level="ERROR")


def test_a_scripted_opponent_plays_in_every_runner_and_is_not_trained(build: Build) -> None:
    algorithm = build(use_batched_runner(against_an_opponent(horizon=6), players={"opponent": CyclicPlayer}))
    (fragment,) = algorithm.env_runner.sample()
    (group,) = fragment.groups.values()
    # Six rounds of an episode: rock, paper, scissors, rock, paper, scissors.
    np.testing.assert_array_equal(group.actions[:, :, 1], np.repeat([[0, 1, 2, 0, 1, 2]], 32, axis=0).T)
    result = algorithm.train()
    assert "policy_loss" in result["learners"]["learner"]
    assert "policy_loss" not in result["learners"].get("opponent", {})
    assert set(algorithm.get_weights()) == {"learner", "opponent"}
    assert not algorithm.get_weights()["opponent"]


@pytest.mark.parametrize("player", [RandomPlayer, CyclicPlayer])
def test_a_restored_run_meets_the_same_opponent(build: Build, tmp_path: Path, player: type) -> None:
    def make() -> Algorithm:
        return build(use_batched_runner(against_an_opponent(horizon=7), players={"opponent": player}))

    first, second = make(), make()
    first.train()  # six steps of episodes of seven
    first.save_to_path(tmp_path / "saved")
    second.train()
    second.train()
    second.restore_from_path(tmp_path / "saved")
    (expected,), (found,) = (algorithm.env_runner.sample() for algorithm in (first, second))
    np.testing.assert_array_equal(found.groups["players"].actions, expected.groups["players"].actions)


def test_a_trained_policy_comes_back_as_an_opponent(build: Build, tmp_path: Path) -> None:
    config = against_an_opponent().multi_agent(policies_to_train=["learner"])
    teacher = build(use_batched_runner(config))
    weights = teacher.learner_group.get_weights()
    weights["learner"]["policy_head.bias"][:] = [9.0, 0.0, 0.0]  # always rock
    teacher.set_weights(weights)
    export_policy(teacher.env_runner.module["learner"], tmp_path, SCISSORS, {})
    players = {"opponent": partial(TrainedPlayer, tmp_path)}
    algorithm = build(use_batched_runner(against_an_opponent(), players=players))
    for _ in range(15):
        result = algorithm.train()
    assert result["env_runners"]["agent_episode_returns_mean"]["player_0"] > 0.9


def test_a_player_that_shall_be_trained_is_refused() -> None:
    config = against_an_opponent().multi_agent(policies_to_train=["learner", "opponent"])
    with pytest.raises(ValueError, match=r"policies_to_train names \['opponent'\]"):
        use_batched_runner(config, players={"opponent": RandomPlayer})


@pytest.fixture
def empty_diary() -> Iterator[None]:
    """Leaves nothing in the class: envs that it holds would outlive the interpreter."""
    yield
    for page in (Diary.created, Diary.ended, Diary.samples):
        page.clear()


@pytest.mark.usefixtures("empty_diary")
def test_callbacks_are_told_of_envs_samples_and_ended_episodes(build: Build) -> None:
    config = against_an_opponent(horizon=3).callbacks(Diary)
    algorithm = build(use_batched_runner(config, players={"opponent": CyclicPlayer}))
    result = algorithm.train()
    assert [batch.num_envs for batch in Diary.created] == [32]
    assert [len(fragments) for fragments in Diary.samples] == [1]
    # 32 envs, six steps, episodes of three.
    assert len(Diary.ended) == 64
    assert {episode.env_index for episode in Diary.ended} == set(range(32))
    mean = np.mean([episode.agent_returns["player_0"] for episode in Diary.ended])
    assert mean == pytest.approx(result["env_runners"]["agent_episode_returns_mean"]["player_0"])
    assert all(episode.get_return() == 0 for episode in Diary.ended)  # zero-sum
    assert {episode.module_for("player_1") for episode in Diary.ended} == {"opponent"}
    assert result["env_runners"]["longest"] == 3


class StepCounter(RLlibCallback):
    def on_episode_step(self, **kwargs: Any) -> None: ...


def test_callbacks_and_connectors_that_would_not_be_called_are_refused() -> None:
    with pytest.raises(ValueError, match="on_episode_step"):
        use_batched_runner(against_an_opponent().callbacks(StepCounter))
    with pytest.raises(ValueError, match="on_episode_start"):
        use_batched_runner(against_an_opponent().callbacks(on_episode_start=lambda **kwargs: None))
    with pytest.raises(ValueError, match="env_to_module_connector"):
        use_batched_runner(
            against_an_opponent(env_to_module_connector=lambda env, spaces, device: FlattenObservations())
        )
