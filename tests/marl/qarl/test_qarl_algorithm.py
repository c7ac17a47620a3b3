"""QARL under RLlib: the numbers of the many-seeds trainer with one seed, results, checkpoints, and mistakes."""

from __future__ import annotations

import re
from ast import literal_eval
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from ray import tune
from ray.rllib.algorithms.algorithm import Algorithm

from marl.qarl.arena import ADVERSARY, PROTAGONIST
from marl.qarl.rllib import QARL, QARLConfig
from marl.qarl.rllib.learner import to_batch
from marl.qarl.soft_actor_critic import SacSettings, SoftActorCritics
from marl.qarl.trainer import ManySeedsTrainer, TrainerSettings
from marl.rllib import DivergedError

ROOT = Path(__file__).parents[3]
WORLD: tuple[str, dict[str, Any]] = ("control/cartpole_balance_v0", {"horizon": 12})
SEED = 7
RUN: dict[str, Any] = {
    "iterations": 6,
    "episodes": 2,
    "batch_size": 8,
    "critic_after": 20,
    "capacity": 100,
    "threshold": 0.0,
}
NETWORKS: dict[str, Any] = {"hidden_sizes": (8, 8), "actor_rate": 1e-2, "critic_rate": 1e-2}
CURRICULUM_ITERATIONS = 8  # of four episodes: an update of the curriculum wants thirty

Build = Callable[..., Any]


def make_config(method: str = "qarl", **settings: Any) -> QARLConfig:
    config = QARLConfig().training(method=method, **RUN, **NETWORKS).training(**settings)
    config.environment(WORLD[0], env_config=WORLD[1]).debugging(seed=SEED, log_level="ERROR")
    return config


@pytest.fixture
def build(local_ray: None) -> Iterator[Build]:
    built: list[Algorithm] = []

    def build_one(config: QARLConfig) -> QARL:
        algorithm = config.build_algo()
        built.append(algorithm)
        return algorithm

    yield build_one
    for algorithm in built:
        algorithm.stop()


def numbers(agent: SoftActorCritics) -> list[torch.Tensor]:
    """All that an agent has learned."""
    return [*(each for network in agent.networks().values() for each in network.parameters()), agent.log_temperature]


def assert_equal(ours: dict[str, SoftActorCritics], others: dict[str, SoftActorCritics]) -> None:
    assert ours.keys() == others.keys()
    for role, own in ours.items():
        pairs = zip(numbers(own), numbers(others[role]), strict=True)
        assert all(torch.equal(*pair) for pair in pairs), role


@pytest.mark.parametrize("method", ["sac", "rarl", "qarl", "force", "cat", "mixed_ne_ld", "point"])
def test_a_run_has_the_numbers_of_the_many_seeds_trainer_with_one_seed(build: Build, method: str) -> None:
    algorithm = build(make_config(method))
    sac = SacSettings(**NETWORKS)
    trainer = ManySeedsTrainer(*WORLD, TrainerSettings(method=method, sac=sac, **RUN), [SEED])
    for _ in range(3):
        result, expected = algorithm.train(), trainer.iterate()
        returns = result["env_runners"]["module_episode_returns_mean"]
        assert returns[PROTAGONIST] == -returns[ADVERSARY] == expected.returns[0] > 0
        assert result["qarl"]["discounted_return_mean"] == expected.discounted[0]
        assert result["qarl"]["context_mean"] == expected.contexts[0]
        assert result["qarl"]["temperature"] == expected.temperatures[0]
    assert_equal(algorithm.agents, {role: student.learners for role, student in trainer.students.items()})


@pytest.mark.parametrize("method", ["mixed_ne_ld", "qarl", "force"])
def test_a_restored_run_goes_on_as_if_nothing_had_been(build: Build, tmp_path: Path, method: str) -> None:
    algorithm = build(make_config(method, threshold=-100.0))
    for _ in range(CURRICULUM_ITERATIONS - 1):
        algorithm.train()
    algorithm.save_to_path(tmp_path)
    state = algorithm.get_state()
    results = [algorithm.train() for _ in range(2)]
    other = build(make_config(method, threshold=-100.0))
    other.restore_from_path(tmp_path)
    again = [other.train() for _ in range(2)]
    assert_equal(other.agents, algorithm.agents)
    assert [each["qarl"] for each in again] == [each["qarl"] for each in results]
    steps = [each["env_runners"]["num_env_steps_sampled_lifetime"] for each in (results[1], again[1])]
    assert steps == [9 * 2 * 12 * len(algorithm.agents)] * 2
    algorithm.restore_from_path(tmp_path)  # back, in an algorithm whose weights are newer
    for _ in range(2):
        algorithm.train()
    assert_equal(algorithm.agents, other.agents)
    algorithm.set_state(state)
    assert algorithm.train()["qarl"] == results[0]["qarl"]
    algorithm.train()
    assert_equal(algorithm.agents, other.agents)


def test_the_curriculum_moves_and_is_in_the_results(build: Build) -> None:
    """At a threshold that every return meets the first update goes from a mean of 0.05 to 0.0433 (KL of 0.5)."""
    algorithm = build(make_config(threshold=-100.0))
    found = [algorithm.train()["qarl"]["concentration"] for _ in range(CURRICULUM_ITERATIONS)]
    assert found[:-1] == [50.0] * (CURRICULUM_ITERATIONS - 1)
    assert found[-1] == pytest.approx(43.3, abs=1.0)


def test_results_tell_what_was_learned_and_for_how_long(build: Build) -> None:
    algorithm = build(make_config(steps_per_update=4))
    for _ in range(2):
        result = algorithm.train()
    sampled, learned = result["env_runners"], result["learners"]
    assert sampled["num_env_steps_sampled_lifetime"] == 2 * 2 * 2 * 12  # iterations, phases, episodes, steps
    assert sampled["num_episodes_lifetime"] == 2 * 2 * 2
    assert sampled["episode_len_mean"] == 12
    for role in (PROTAGONIST, ADVERSARY):
        assert learned[role]["critic_loss"] > 0
        # Of an agent's 48 transitions those from the 19th on count, two at a time: one update for four of them.
        assert learned[role]["num_module_steps_trained_lifetime"] == 8 * (30 // 4)
    assert learned[ADVERSARY]["temperature"] == pytest.approx(0.05, abs=0.02)
    assert learned[PROTAGONIST]["temperature"] < 0.005, "it begins there and falls while entropy is above its target"


@pytest.mark.parametrize("method", ["sac", "force"])
def test_evaluation_plays_whole_episodes_in_the_same_world_or_another(build: Build, method: str) -> None:
    config = make_config(method).evaluation(
        evaluation_interval=1,
        evaluation_duration=6,
        evaluation_duration_unit="episodes",
        evaluation_config={"explore": False, "env_config": {"force": 0.0}},
    )
    algorithm = build(config)
    found = algorithm.train()["evaluation"]["env_runners"]
    assert found["num_episodes"] == 6
    assert found["mean_force_mean"] == 0
    assert 0 < found["module_episode_returns_mean"][PROTAGONIST] <= 12
    assert algorithm.env_runner.env.config.force > 0, "the training envs keep their force"


def test_runners_play_what_the_learner_learned(build: Build) -> None:
    algorithm = build(make_config())
    for _ in range(2):
        algorithm.train()
    (fragment,) = algorithm.env_runner.sample(num_timesteps=10, explore=False)
    for role, agent in algorithm.agents.items():
        group = fragment.groups[role]
        seen, played = (torch.from_numpy(array[:, :, 0]) for array in (group.observations, group.actions))
        expected = agent.act(seen[: len(played)].flatten(0, 1)[None], is_greedy=True)[0]
        torch.testing.assert_close(played.flatten(0, 1), expected)


def test_the_learner_says_what_a_batch_would_cost(build: Build) -> None:
    """The two losses of `SoftActorCritics`, from the same draws."""
    algorithm = build(make_config("rarl"))
    for _ in range(2):
        algorithm.train()
    own, drawn = algorithm.agents[ADVERSARY], algorithm.run.students[ADVERSARY].replay.draw(8)
    before = own.generators[0].get_state()
    expected = own.critic_losses(drawn) + own.actor_losses(drawn)[0]
    own.generators[0].set_state(before)
    rows = to_batch(ADVERSARY, drawn).policy_batches[ADVERSARY]
    asked = algorithm.learner_group.foreach_learner(
        lambda learner: learner.compute_losses(fwd_out={ADVERSARY: {}}, batch={ADVERSARY: rows})
    )
    (losses,) = (found.get() for found in asked)
    assert torch.equal(losses[ADVERSARY], expected.sum())


def test_a_run_that_diverges_ends_with_a_line_that_says_so(build: Build) -> None:
    algorithm = build(make_config("sac"))
    with torch.no_grad():
        algorithm.agents[PROTAGONIST].targets.weights[0].fill_(torch.nan)
    with pytest.raises(DivergedError, match="the loss of module 'protagonist' is nan: training has diverged"):
        algorithm.train()


def test_the_readme_has_the_defaults() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `(.*?)` \|", (ROOT / "marl/qarl/README.md").read_text(), re.MULTILINE)
    assert len(rows) > 10
    config = QARLConfig()
    assert {name: literal_eval(default) for name, default in rows} == {name: getattr(config, name) for name, _ in rows}


def test_a_config_survives_as_a_dict(build: Build) -> None:
    """Tune hands trials theirs like that."""
    algorithm = QARL(make_config("linear").to_dict())
    assert algorithm.config.trainer_settings() == make_config("linear").trainer_settings()
    algorithm.stop()


@pytest.mark.learn
def test_tune_sweeps_methods_and_its_checkpoints_go_on(local_ray: None, tmp_path: Path) -> None:
    config = make_config().training(method=tune.grid_search(["sac", "qarl"]))
    run_config = tune.RunConfig(
        storage_path=str(tmp_path),
        stop={"training_iteration": 2},
        checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=True),
        verbose=0,
    )
    results = tune.Tuner(config.algo_class, param_space=config, run_config=run_config).fit()
    assert sorted(result.metrics["env_runners"]["num_env_steps_sampled_lifetime"] for result in results) == [48, 96]
    for result in results:
        algorithm = QARL.from_checkpoint(result.checkpoint.path)
        assert algorithm.train()["training_iteration"] == 3
        algorithm.stop()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "qarll"}, "unknown method 'qarll'; did you mean 'qarl'"),
        ({"episodes": 0}, "episodes must be a whole number of at least 1, got 0"),
    ],
)
def test_settings_out_of_range_are_named_before_anything_is_built(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_config(**settings).validate()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hiden_sizes": (8,)}, "unknown setting of QARL 'hiden_sizes'; did you mean 'hidden_sizes'"),
        ({"gamma": 0.9}, r"QARL's gamma is called discount: training\(discount=...\)"),
    ],
)
def test_names_that_are_not_ours_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        QARLConfig().training(**settings)


def test_what_cannot_be_is_refused_with_a_reason() -> None:
    with pytest.raises(ValueError, match="num_env_runners must be 0, got 2"):
        make_config().env_runners(num_env_runners=2).validate()
    with pytest.raises(ValueError, match="num_learners must be 0, got 1"):
        make_config().learners(num_learners=1).validate()
    with pytest.raises(ValueError, match=r"groups \['protagonist', 'adversary'\]; matrix/chicken_v0 has"):
        QARLConfig().environment("matrix/chicken_v0").validate()
    with pytest.raises(ValueError, match=r"cannot call \['on_episode_step'\]"):
        make_config().callbacks(on_episode_step=print).validate()
