from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
import tree
from one_policy_per_group import one_policy_per_group
from played_steps import play
from ray.rllib.algorithms.algorithm import Algorithm
from ray.rllib.algorithms.dqn import DQNConfig
from ray.rllib.algorithms.dqn.torch.default_dqn_torch_rl_module import DefaultDQNTorchRLModule
from ray.rllib.algorithms.sac import SACConfig
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.multi_rl_module import MultiRLModuleSpec
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.env.single_agent_episode import SingleAgentEpisode
from ray.rllib.examples.rl_modules.classes.random_rlm import RandomRLModule
from ray.rllib.policy.sample_batch import MultiAgentBatch, SampleBatch
from ray.tune import RunConfig, Tuner
from test_replay import episodes_of

from agents.greedy_cook import GreedyCook
from marl.rllib import BatchedDQN, BatchedSAC, QModule, ReplayBuffer, use_batched_runner

DILEMMA, SCISSORS, KITCHEN = (
    "matrix/prisoners_dilemma_v0",
    "matrix/rock_paper_scissors_v0",
    "overcooked/cramped_room_v0",
)
PROBE = "probe/everything_v0"

# Both get the same. One pair of actions is worth most, not the one that does best against a player who mixes evenly.
COORDINATION = np.array([[0.0, 0.0, 0.0], [0.0, 0.6, 0.6], [0.0, 0.0, 1.0]])
COORDINATION = np.stack([np.maximum(COORDINATION, COORDINATION.T)] * 2)

Config = Any
Build = Callable[[Config], Algorithm]


def make(
    config: Config, id: str, *, num_envs: int = 8, settings: dict[str, Any] | None = None, **kwargs: Any
) -> Config:
    config.environment(id, env_config=settings or {})
    config.env_runners(num_envs_per_env_runner=num_envs, **{"num_env_runners": 0, **kwargs})
    config.training(num_steps_sampled_before_learning_starts=4 * num_envs)
    # SAC's iterations would last a second at least, however many steps that makes.
    config.reporting(min_sample_timesteps_per_iteration=10 * num_envs, min_time_s_per_iteration=0)
    return config.debugging(seed=3, log_level="ERROR")


def make_dqn(id: str, **kwargs: Any) -> Config:
    config = make(DQNConfig(), id, **kwargs).training(lr=1e-3)
    return config.rl_module(model_config={"fcnet_hiddens": [64, 64]})


def make_sac(id: str, **kwargs: Any) -> Config:
    config = make(SACConfig(), id, **kwargs).training(train_batch_size_per_learner=64, target_entropy=0.3)
    config.rl_module(model_config={"fcnet_hiddens": [64, 64]})
    return config.training(actor_lr=1e-3, critic_lr=3e-3, alpha_lr=3e-3)


def two_policies(config: Config) -> Config:
    return config.multi_agent(
        policies={"a", "b"}, policy_mapping_fn=lambda agent, episode, **kwargs: "ab"[int(agent[-1])]
    )


class StillModule(RandomRLModule):
    """Always takes action 0; plays where spaces of another kind stand beside the group that learns."""

    def _forward_exploration(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        num_rows = len(tree.flatten(batch[Columns.OBS])[0])
        return {Columns.ACTIONS: np.zeros((num_rows, *self.action_space.shape), self.action_space.dtype)}


def only_walkers_learn(config: Config) -> Config:
    one_policy_per_group(config)
    still = RLModuleSpec(module_class=StillModule)
    specs = {"walker": config.get_default_rl_module_spec(), "picker": still, "caller": still}
    config.rl_module(rl_module_spec=MultiRLModuleSpec(rl_module_specs=specs))
    return config.multi_agent(policies_to_train=["walker"])


def learner_of(algorithm: Algorithm) -> Any:
    assert algorithm.learner_group is not None
    return algorithm.learner_group._learner


def everything_learned(algorithm: Algorithm) -> dict[str, Any]:
    state = learner_of(algorithm).get_state()
    return {key: state[key] for key in ("rl_module", "optimizer", "last_target_updates")}


def assert_same(found: Any, expected: Any) -> None:
    if isinstance(expected, dict):
        assert found.keys() == expected.keys()
        for key, value in expected.items():
            assert_same(found[key], value)
    elif isinstance(expected, list | tuple):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_same(one, other)
    else:
        np.testing.assert_array_equal(np.asarray(found), np.asarray(expected))


# ---- learning ----


def return_of_greedy_play(algorithm: Algorithm) -> float:
    (group,) = algorithm.env_runner.sample(num_timesteps=8, explore=False)[0].groups.values()
    return float(group.rewards.mean())


def test_dqn_finds_the_best_profile_of_a_common_interest_game(build: Build) -> None:
    config = two_policies(make_dqn(SCISSORS, settings={"payoffs": COORDINATION}, num_envs=32))
    config.training(epsilon=[(0, 1.0), (6000, 0.05)], target_network_update_freq=300, train_batch_size_per_learner=64)
    config.training(lr=5e-3, gamma=0.0)
    algorithm = build(use_batched_runner(config))
    assert isinstance(algorithm, BatchedDQN)
    for _ in range(30):
        algorithm.train()
    assert return_of_greedy_play(algorithm) == 1.0


def test_sac_finds_the_best_profile_of_a_common_interest_game(build: Build) -> None:
    config = two_policies(make_sac(SCISSORS, settings={"payoffs": COORDINATION}, num_envs=32))
    algorithm = build(use_batched_runner(config))
    assert isinstance(algorithm, BatchedSAC)
    for _ in range(30):
        algorithm.train()
    assert return_of_greedy_play(algorithm) == 1.0


def test_dqn_learns_that_betrayal_pays_on_one_shared_policy(build: Build) -> None:
    config = make_dqn(DILEMMA, settings={"horizon": 8}, num_envs=32)
    config.training(gamma=0.0, epsilon=[(0, 1.0), (4000, 0.05)], target_network_update_freq=300)
    algorithm = build(use_batched_runner(config))
    for _ in range(20):
        algorithm.train()
    assert return_of_greedy_play(algorithm) == 1.0  # mutual betrayal; an even mix gets 2.25


def test_dqn_trains_in_the_kitchen(build: Build) -> None:
    config = make_dqn(KITCHEN, settings={"horizon": 40, "shaped_reward_weight": 1.0}, num_envs=16)
    result: dict[str, Any] = {}
    algorithm = build(use_batched_runner(config))
    for _ in range(3):
        result = algorithm.train()
    assert np.isfinite(result["learners"]["default_policy"]["qf_loss"])
    assert result["replay_buffer"]["num_env_steps_stored"] == result["num_env_steps_sampled_lifetime"]
    assert result["replay_buffer"]["num_module_steps_stored"]["default_policy"] == 2 * 3 * 160
    timers = {"env_runner_sampling_timer", "learner_update_timer", "replay_buffer_sampling_timer"}
    assert timers | {"replay_buffer_add_data_timer", "replay_buffer_update_prios_timer"} <= set(result["timers"])


def test_sac_trains_a_group_with_continuous_actions_beside_groups_that_do_not_learn(build: Build) -> None:
    config = only_walkers_learn(make_sac(PROBE, num_envs=8)).training(target_entropy="auto")
    algorithm = build(use_batched_runner(config))
    for _ in range(2):
        result = algorithm.train()
    assert np.isfinite(result["learners"]["walker"]["qf_loss"])
    assert result["learners"]["walker"]["target_entropy"] == -2  # the negative number of action parts


@pytest.mark.parametrize(
    "settings",
    [
        {"num_atoms": 11, "v_min": 0.0, "v_max": 20.0},
        {"num_atoms": 11, "v_min": 0.0, "v_max": 20.0, "dueling": False},
        {"dueling": False, "double_q": False},
        {"n_step": 3},
        {"n_step": (2, 5)},
        {"training_intensity": 4.0},
        {"training_intensity": 400.0},
        {"replay_buffer_config": {"type": "EpisodeReplayBuffer", "capacity": 500}},
        {"replay_buffer_config": {"type": "MultiAgentPrioritizedEpisodeReplayBuffer", "capacity": 500, "beta": 0.4}},
    ],
)
@pytest.mark.parametrize("is_masked", [False, True])
def test_what_rainbow_is_made_of_runs(build: Build, settings: dict[str, Any], is_masked: bool) -> None:
    legal = {"legal_actions": [[True, False, True], [False, True, True]], "payoffs": COORDINATION}
    config = make_dqn(SCISSORS, settings={"horizon": 6, **(legal if is_masked else {})}).training(**settings)
    algorithm = build(use_batched_runner(config))
    for _ in range(2):
        result = algorithm.train()
    assert np.isfinite(result["learners"]["default_policy"]["total_loss"])


def test_training_intensity_sets_how_many_rows_are_replayed_for_each_step(build: Build) -> None:
    config = make_dqn(SCISSORS, num_envs=8).training(training_intensity=16.0)
    algorithm = build(use_batched_runner(config))
    trained = []
    for _ in range(3):
        trained.append(algorithm.train()["learners"]["__all_modules__"]["num_env_steps_trained_lifetime"])
    # 80 env steps an iteration, 16 rows for each.
    assert np.diff(trained).tolist() == [1280, 1280]


# ---- masks ----


def test_dqn_never_takes_a_forbidden_action(build: Build) -> None:
    legal = [[True, False, True], [False, True, True]]
    config = make_dqn(SCISSORS, settings={"legal_actions": legal, "payoffs": COORDINATION}, num_envs=32)
    config.training(gamma=0.0, epsilon=[(0, 1.0), (3000, 0.05)], lr=5e-3)
    algorithm = build(use_batched_runner(config))
    assert isinstance(learner_of(algorithm).module["default_policy"].unwrapped(), QModule)
    for _ in range(10):
        algorithm.train()
        for explore in (True, False):
            (group,) = algorithm.env_runner.sample(num_timesteps=64, explore=explore)[0].groups.values()
            assert (group.actions[..., 0] != 1).all()
            assert (group.actions[..., 1] != 0).all()
    assert return_of_greedy_play(algorithm) == 1.0


def q_modules(**model_config: Any) -> tuple[Any, Any]:
    """Returns RLlib's module and ours with the same weights."""
    algorithm_config = make_dqn(SCISSORS).training(**model_config)
    spaces: Any = {
        "observation_space": gymnasium.spaces.Box(-1, 1, (4,), np.float32),
        "action_space": gymnasium.spaces.Discrete(3),
        "model_config": algorithm_config.model_config,
    }
    theirs, ours = DefaultDQNTorchRLModule(**spaces), QModule(**spaces)
    for module in (theirs, ours):
        module.make_target_networks()
    ours.load_state_dict(theirs.state_dict())
    return theirs, ours


@pytest.mark.parametrize("settings", [{}, {"double_q": False}, {"num_atoms": 5}, {"dueling": False}])
def test_without_a_mask_the_module_is_rllibs_own(settings: dict[str, Any]) -> None:
    theirs, ours = q_modules(**settings)
    batch = {"obs": torch.rand(6, 4), "new_obs": torch.rand(6, 4)}
    expected, found = theirs.forward_train(batch), ours.forward_train(batch)
    assert expected.keys() == found.keys()
    for name in expected:
        torch.testing.assert_close(found[name], expected[name], rtol=0, atol=0)


@pytest.mark.parametrize("settings", [{}, {"double_q": False}, {"num_atoms": 5}, {"dueling": False}])
def test_a_mask_takes_actions_out_of_every_maximum_and_changes_nothing_else(settings: dict[str, Any]) -> None:
    theirs, ours = q_modules(**settings)
    mask, next_mask = torch.tensor([[1.0, 0, 1], [1, 1, 0]]), torch.tensor([[0.0, 1, 0], [0, 0, 0]])
    obs, new_obs = torch.rand(2, 4), torch.rand(2, 4)
    expected = theirs.forward_train({"obs": obs, "new_obs": new_obs})
    found = ours.forward_train(
        {
            "obs": {"observations": obs, "action_mask": mask},
            "new_obs": {"observations": new_obs, "action_mask": next_mask},
        }
    )
    # A row that allows nothing belongs to an agent that is out: its values stay as they are.
    legal = {"qf_preds": mask, "qf_next_preds": torch.tensor([[0.0, 1, 0], [1, 1, 1]])}
    legal["qf_target_next_preds"] = legal["qf_next_preds"]
    assert expected.keys() == found.keys()
    for name in expected:
        values = expected[name]
        if name in legal:
            values = torch.where(legal[name] > 0, values, -torch.inf)
        torch.testing.assert_close(found[name], values)


# ---- beside RLlib's own ----


def single_steps(episode: SingleAgentEpisode) -> list[SingleAgentEpisode]:
    """Returns an episode as RLlib's replay buffers give it to a learner, one step each."""
    return [
        SingleAgentEpisode(
            observations=episode.get_observations([t, t + 1]),
            actions=[episode.get_actions(t)],
            rewards=[episode.get_rewards(t)],
            terminated=episode.is_terminated and t + 1 == len(episode),
            extra_model_outputs={"weights": [1.0], "n_step": [1]},
            len_lookback_buffer=0,
        )
        for t in range(len(episode))
    ]


@pytest.mark.parametrize("settings", [{}, {"num_atoms": 7, "v_min": 0.0, "v_max": 9.0}, {"double_q": False}])
def test_an_update_on_rows_is_rllibs_update_on_episodes(ppo: Any, build: Build, settings: dict[str, Any]) -> None:
    (fragment,) = play(ppo(DILEMMA, settings={"horizon": 7}, num_envs=2), [20])
    for group in fragment.groups.values():
        group.actions[...] %= 2
    config = make_dqn(DILEMMA, settings={"horizon": 7}).training(**settings)
    algorithms = [build(use_batched_runner(config.copy())) for _ in range(2)]
    assert_same(everything_learned(algorithms[1]), everything_learned(algorithms[0]))
    timesteps = {"num_env_steps_sampled_lifetime": 600}

    episodes = [step for episode in episodes_of(fragment) for step in single_steps(episode)]
    buffer = ReplayBuffer(1000, seed=1)
    buffer.add([fragment])
    leaves = np.flatnonzero(buffer._modules["default_policy"].tree.leaves)
    assert len(leaves) == len(episodes)
    columns = buffer._look_up(leaves, np.ones(len(leaves), int), 0.99)
    columns["weights"] = np.ones(len(leaves), np.float32)

    for _ in range(2):
        theirs = algorithms[0].learner_group.update(episodes=episodes, timesteps=timesteps)
        batch = MultiAgentBatch({"default_policy": SampleBatch(columns)}, len(leaves))
        ours = algorithms[1].learner_group.update(batch=batch, timesteps=timesteps)
    for name in ("total_loss", "qf_mean", "td_error_mean"):
        expected, found = (results[0]["default_policy"][name].peek() for results in (theirs, ours))
        assert float(found) == pytest.approx(float(expected), rel=1e-4)
    weights = [everything_learned(algorithm)["rl_module"]["default_policy"] for algorithm in algorithms]
    for name, expected in weights[0].items():
        np.testing.assert_allclose(weights[1][name], expected, atol=1e-4)  # of 1e-3 that Adam moved them


# ---- checkpoints ----


@pytest.mark.parametrize("kind", ["dqn", "uniform dqn", "masked dqn", "sac", "continuous sac"])
def test_a_restored_algorithm_goes_on_exactly(build: Build, tmp_path: Path, kind: str) -> None:
    config = config_of(kind)
    algorithm = build(use_batched_runner(config.copy()))
    for _ in range(2):
        algorithm.train()
    algorithm.save_to_path(tmp_path)
    torch.rand(7)  # somebody else draws from torch's generator
    fresh, loaded = build(use_batched_runner(config.copy())), Algorithm.from_checkpoint(tmp_path)
    try:
        fresh.train()
        fresh.restore_from_path(tmp_path)
        if "sac" in kind:
            alphas = [learner_of(a).get_state()["log_alphas"] for a in (algorithm, fresh, loaded)]
            assert alphas[0] == alphas[1] == alphas[2]
            assert all(value != 0 for value in alphas[0].values())
        expected = [algorithm.train() for _ in range(2)][-1]
        for other in (fresh, loaded):
            found = [other.train() for _ in range(2)][-1]
            assert_same(everything_learned(other), everything_learned(algorithm))
            assert_same(other.local_replay_buffer.get_state(), algorithm.local_replay_buffer.get_state())
            for name in ("num_env_steps_sampled_lifetime", "training_iteration", "replay_buffer"):
                assert_same(found[name], expected[name])
            counts = [result["learners"]["__all_modules__"] for result in (found, expected)]
            assert counts[0]["num_module_steps_trained_lifetime"] == counts[1]["num_module_steps_trained_lifetime"]
    finally:
        loaded.stop()


def config_of(kind: str) -> Config:
    if kind == "continuous sac":
        return only_walkers_learn(make_sac(PROBE, num_envs=4)).training(target_entropy="auto")
    if kind == "sac":
        return make_sac(DILEMMA, settings={"horizon": 5}, num_envs=4)
    legal = {"legal_actions": [[True, False, True], [False, True, True]]} if kind == "masked dqn" else {}
    config = make_dqn(SCISSORS, settings={"horizon": 5, **legal}, num_envs=4)
    config.training(target_network_update_freq=30, n_step=2, epsilon=[(0, 1.0), (300, 0.1)])
    if kind == "uniform dqn":
        config.training(replay_buffer_config={"type": "EpisodeReplayBuffer", "capacity": 60})
    return config


def test_the_first_target_update_after_a_restore_comes_when_it_is_due(build: Build, tmp_path: Path) -> None:
    config = config_of("uniform dqn").training(target_network_update_freq=50)
    algorithm = build(use_batched_runner(config.copy()))
    algorithm.train()
    algorithm.train()
    last = learner_of(algorithm).get_state()["last_target_updates"]
    assert last["default_policy"] > 0
    algorithm.save_to_path(tmp_path)
    restored = build(use_batched_runner(config.copy()))
    restored.restore_from_path(tmp_path)
    assert learner_of(restored).get_state()["last_target_updates"] == last


def test_a_checkpoint_may_leave_the_buffer_out(build: Build, tmp_path: Path) -> None:
    config = use_batched_runner(config_of("uniform dqn")).training(store_buffer_in_checkpoints=False)
    algorithm = build(config)
    algorithm.train()
    algorithm.save_to_path(tmp_path)
    assert not (tmp_path / "local_replay_buffer").exists()
    restored = build(config.copy())
    restored.restore_from_path(tmp_path)
    assert restored.local_replay_buffer.num_env_steps == 0
    restored.train()


def test_an_added_module_has_a_temperature_that_its_optimizer_moves(build: Build) -> None:
    algorithm = build(use_batched_runner(two_policies(make_sac(DILEMMA))))
    spec = learner_of(algorithm).module["a"]
    algorithm.add_module("late", RLModuleSpec.from_module(spec))
    learner = learner_of(algorithm)
    (held,) = learner.get_optimizer("late", "alpha").param_groups[0]["params"]
    assert learner.curr_log_alpha["late"] is held


# ---- more processes, policies that stay as they are, Tune ----


@pytest.mark.parametrize(
    ("num_env_runners", "num_learners"),
    [(1, 2), *(pytest.param(*few, marks=pytest.mark.learn) for few in [(2, 0), (0, 1)])],
)
def test_runners_and_learners_of_other_processes_take_part(
    build: Build, num_env_runners: int, num_learners: int
) -> None:
    config = two_policies(make_dqn(SCISSORS, num_env_runners=num_env_runners, num_envs=4))
    algorithm = build(use_batched_runner(config.learners(num_learners=num_learners)))
    for _ in range(2):
        result = algorithm.train()
    learned = algorithm.learner_group.get_weights()
    for module_id in "ab":
        assert np.isfinite(result["learners"][module_id]["qf_loss"])
        for played in algorithm.env_runner_group.foreach_env_runner(lambda runner: runner.get_weights()):
            assert_same(played[module_id], {name: learned[module_id][name] for name in played[module_id]})
    # Every learner's TD errors came back, in the order of the rows: no priority is left as it was at first.
    for module_id in "ab":
        weights = algorithm.local_replay_buffer._modules[module_id].tree.leaves
        assert np.count_nonzero((weights > 0) & (weights != weights.max())) >= 32


def test_policies_that_are_not_trained_stay_as_they_are(build: Build) -> None:
    config = two_policies(make_dqn(SCISSORS)).multi_agent(policies_to_train=["a"])
    algorithm = build(use_batched_runner(config))
    before = algorithm.learner_group.get_weights()
    result = algorithm.train()
    after = algorithm.learner_group.get_weights()
    assert [module_id for module_id in "ab" if "qf_loss" in result["learners"][module_id]] == ["a"]
    assert_same(after["b"], before["b"])
    with pytest.raises(AssertionError):
        assert_same(after["a"], before["a"])


@pytest.mark.parametrize("make_one", [make_dqn, make_sac])
def test_a_policy_learns_beside_a_scripted_player(build: Build, make_one: Callable[..., Config]) -> None:
    config = make_one(KITCHEN, settings={"horizon": 40})
    config.multi_agent(
        policies={"learner", "cook"},
        policy_mapping_fn=lambda agent, episode, **kwargs: "learner" if agent.endswith("0") else "cook",
    )
    algorithm = build(use_batched_runner(config, players={"cook": GreedyCook}))
    result = algorithm.train()
    assert np.isfinite(result["learners"]["learner"]["qf_loss"])
    assert algorithm.local_replay_buffer.num_module_steps("learner") == result["num_env_steps_sampled_lifetime"]


def test_tune_runs_it(local_ray: None, tmp_path: Path) -> None:
    config = use_batched_runner(make_dqn(DILEMMA))
    run = RunConfig(stop={"training_iteration": 2}, storage_path=str(tmp_path), verbose=0)
    (result,) = Tuner(config.algo_class, param_space=config, run_config=run).fit()
    assert result.error is None
    assert result.metrics["training_iteration"] == 2


# ---- what is refused ----


def shared_spaces(config: Config) -> Config:
    one_policy_per_group(config)
    return config


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (lambda: make_sac(DILEMMA).training(target_entropy="auto"), r"between 0 and log\(2\)"),
        (lambda: make_sac(DILEMMA).training(target_entropy=None), r"between 0 and log\(2\)"),
        (lambda: make_sac(DILEMMA).training(target_entropy=0.7), r"between 0 and log\(2\)"),
        (lambda: make_sac(DILEMMA).training(twin_q=False), "twin_q=True"),
        (lambda: make_sac(SCISSORS, settings={"legal_actions": [[1, 0, 1], [0, 1, 1]]}), "knows no action masks"),
        (lambda: make_dqn(DILEMMA).training(noisy=True), "no noisy networks"),
        (lambda: shared_spaces(make_dqn(PROBE)), r"DQN needs Discrete actions; policy 'walker'"),
        (lambda: shared_spaces(make_sac(PROBE)), r"SAC needs Discrete or Box actions|knows no action masks"),
    ],
)
def test_settings_that_cannot_work_are_refused_when_the_algorithm_is_built(
    local_ray: None, config: Callable[[], Config], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        use_batched_runner(config()).build_algo()


def test_rllibs_module_on_a_world_with_masks_is_refused(local_ray: None) -> None:
    config = make_dqn(SCISSORS, settings={"legal_actions": [[1, 0, 1], [0, 1, 1]]})
    with pytest.raises(ValueError, match="RLlib's default module knows none"):
        use_batched_runner(config, rllib_module=True).build_algo()


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (lambda: make_dqn(DILEMMA).rl_module(model_config={"use_lstm": True}), "recurrent"),
        (lambda: make_dqn(DILEMMA).training(n_step=(1, 3)).env_runners(rollout_fragment_length=5), '"auto"'),
        (lambda: make_dqn(DILEMMA).training(replay_buffer_config={"prioritized_replay_alpha": 1}), "known: "),
        (lambda: make_dqn(DILEMMA).training(replay_buffer_config={"type": "ReplayBuffer"}), "buffers for episodes"),
    ],
)
def test_settings_that_cannot_work_are_refused_by_use_batched_runner(
    config: Callable[[], Config], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        use_batched_runner(config())
