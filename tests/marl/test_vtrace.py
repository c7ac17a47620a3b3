from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import ray
import torch
from one_policy_per_group import POLICIES, one_policy_per_group
from ray.rllib.algorithms.algorithm import Algorithm
from ray.rllib.algorithms.appo import APPOConfig
from ray.rllib.algorithms.impala import IMPALAConfig
from ray.rllib.core import DEFAULT_MODULE_ID
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.apis import TARGET_NETWORK_ACTION_DIST_INPUTS
from ray.rllib.core.rl_module.multi_rl_module import MultiRLModuleSpec
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.utils.metrics import WEIGHTS_SEQ_NO
from test_advantages import NUM_ACTIONS, NUM_FEATURES, as_episodes, random_fragment

from marl.rllib import ActorCriticModule, Fragment, GroupFragment, use_batched_runner
from marl.rllib.learner.fragment_to_trajectories import CERTAIN_LOGP, FragmentToTrajectories
from marl.rllib.learner.vtrace_learner import KL_COEFFS, LAST_TARGET_UPDATES, VTraceFragmentLearner
from marl.rllib.runner.player_module import PlayerModule

SCISSORS, KITCHEN, PROBE = "matrix/rock_paper_scissors_v0", "overcooked/cramped_room_v0", "probe/everything_v0"

# One pair of actions is worth most, and it is not the one that does best against a player who mixes evenly.
COORDINATION = np.array([[0.0, 0.0, 0.0], [0.0, 0.6, 0.6], [0.0, 0.0, 1.0]])
COORDINATION = np.maximum(COORDINATION, COORDINATION.T)

# Ray warns of its own settings when it starts a learner in another process.
ignore_rays_own_warnings = pytest.mark.filterwarnings("ignore::DeprecationWarning:ray.data.context")

# A prime, so that RLlib's lines are cut in the midst of episodes, at their ends, and between step and bootstrap row.
LINE_LENGTH = 7

Build = Callable[[Any], Algorithm]


def make_module_spec() -> MultiRLModuleSpec:
    spec = RLModuleSpec(
        module_class=ActorCriticModule,
        observation_space=gymnasium.spaces.Box(-9, 9, (NUM_FEATURES,), np.float32),
        action_space=gymnasium.spaces.Discrete(NUM_ACTIONS),
        model_config={"fcnet_hiddens": [16]},
    )
    return MultiRLModuleSpec(rl_module_specs={DEFAULT_MODULE_ID: spec})


def rllibs_batch(fragment: Fragment, config: IMPALAConfig) -> dict[str, torch.Tensor]:
    """The fragment as RLlib's own connectors make it, trajectories in our order: by env, agent, time."""
    episodes = sorted(as_episodes(fragment), key=lambda pair: (pair[1][0, 1], pair[1][0, 2], pair[1][0, 0]))
    assert len(episodes) > 20
    pipeline = config.build_learner_connector(None, None)
    return pipeline(rl_module=make_module_spec().build(), episodes=[episode for episode, _ in episodes])[
        DEFAULT_MODULE_ID
    ]


def our_batch(fragment: Fragment, **settings: Any) -> dict[str, torch.Tensor]:
    columns = FragmentToTrajectories(**settings)(episodes=[fragment])[DEFAULT_MODULE_ID]
    return {name: torch.from_numpy(column) for name, column in columns.items()}


# ---- columns ----


def test_columns_equal_those_of_rllibs_own_connectors() -> None:
    fragment = random_fragment()
    theirs = rllibs_batch(fragment, IMPALAConfig())
    ours = our_batch(fragment, repeats_logp=True)
    # The one more is a diagnostic that RLlib's runners put into episodes.
    assert set(ours) == {*theirs, WEIGHTS_SEQ_NO}
    assert theirs[Columns.TERMINATEDS].any()
    assert theirs[Columns.TRUNCATEDS].any()
    for name, column in theirs.items():
        np.testing.assert_array_equal(ours[name].numpy(), column.numpy(), err_msg=name)


def test_by_default_bootstrap_rows_differ_in_their_log_probability_alone() -> None:
    theirs, ours = our_batch(random_fragment(), repeats_logp=True), our_batch(random_fragment())
    for name, column in theirs.items():
        rows = ours[Columns.LOSS_MASK] if name == Columns.ACTION_LOGP else slice(None)
        np.testing.assert_array_equal(ours[name][rows].numpy(), column[rows].numpy())
    assert (ours[Columns.ACTION_LOGP][~ours[Columns.LOSS_MASK]] == CERTAIN_LOGP).all()


def one_env(num_steps: int, **changes: Any) -> Fragment:
    """One env, two agents, no episode end; agent p sees 10 p + t before step t."""
    shape = (num_steps, 1, 2)
    seen = np.arange(num_steps + 1)[:, None, None, None] + np.array([0, 10])[None, None, :, None]
    arrays: dict[str, Any] = {
        "observations": seen.astype(np.uint8),
        "action_masks": None,
        "alive": np.ones((num_steps + 1, 1, 2), bool),
        "actions": seen[:-1, ..., 0] + 100,
        "action_dist_inputs": np.zeros((*shape, NUM_ACTIONS), np.float32),
        "action_logp": np.full(shape, -1, np.float32),
        "rewards": np.ones(shape, np.float32),
        "terminations": np.zeros(shape, bool),
        "truncations": np.zeros(shape, bool),
        "final_observations": np.empty((0, 2, 1), np.uint8),
        **changes,
    }
    group = GroupFragment(agents=("a_0", "a_1"), modules=(DEFAULT_MODULE_ID,) * 2, **arrays)
    ended = np.zeros(shape[:2], bool)
    return Fragment({"all": group}, ended, np.zeros((0, 2), int), np.ones_like(ended), weights_seq_no=5)


def test_an_agent_that_leaves_and_one_that_comes_back_have_the_rows_of_the_hand_worked_example() -> None:
    # Agent 0 is over after step 0, and back from step 2 on. Agent 1 is cut off after step 1. Three steps.
    alive = np.array([[1, 1], [0, 1], [1, 0], [1, 0]], bool)[:, None]
    terminations = np.array([[1, 0], [0, 0], [0, 0]], bool)[:, None]
    truncations = np.array([[0, 0], [0, 1], [0, 0]], bool)[:, None]
    rows = our_batch(one_env(3, alive=alive, terminations=terminations, truncations=truncations))
    expected = {
        # agent 0: step 0, end, step 2, end; agent 1: step 0, step 1, end
        Columns.OBS: [[0], [1], [2], [3], [10], [11], [12]],
        Columns.ACTIONS: [100, 100, 102, 102, 110, 111, 111],
        Columns.REWARDS: [1, 0, 1, 0, 1, 1, 0],
        Columns.LOSS_MASK: [True, False, True, False, True, True, False],
        Columns.TERMINATEDS: [True, False, False, False, False, False, False],
        Columns.TRUNCATEDS: [False, False, True, False, False, True, False],
        WEIGHTS_SEQ_NO: [5] * 7,
    }
    for name, column in expected.items():
        np.testing.assert_array_equal(rows[name].numpy(), column, err_msg=name)
    assert rows[Columns.OBS].dtype == torch.uint8


# ---- losses ----


@pytest.fixture
def start_learner() -> Iterator[Callable[[type], Any]]:
    """Builds RLlib's own learner of an algorithm."""
    started: list[Any] = []

    def start(config_class: type) -> Any:
        config = config_class().env_runners(rollout_fragment_length=LINE_LENGTH).learners(num_learners=0)
        config.training(gamma=0.9, **({"use_kl_loss": True} if config_class is APPOConfig else {}))
        torch.manual_seed(0)
        started.append(config.learner_class(config=config, module_spec=make_module_spec()))
        started[-1].build()
        return started[-1]

    yield start
    for learner in started:
        learner.shutdown()


@pytest.fixture(params=[IMPALAConfig, APPOConfig])
def learner(request: pytest.FixtureRequest, start_learner: Callable[[type], Any]) -> Any:
    return start_learner(request.param)


def losses(learner: Any, batch: dict[str, torch.Tensor]) -> dict[str, float]:
    output = learner.module[DEFAULT_MODULE_ID].forward_train(batch)
    config = learner.config.get_config_for_module(DEFAULT_MODULE_ID)
    loss = learner.compute_loss_for_module(module_id=DEFAULT_MODULE_ID, config=config, batch=batch, fwd_out=output)
    names = ["vf_loss", "entropy", *(["policy_loss", "mean_IS"] if isinstance(config, APPOConfig) else ["pi_loss"])]
    terms = {name: torch.as_tensor(learner.metrics.peek((DEFAULT_MODULE_ID, name))).item() for name in names}
    return {**terms, "total_loss": loss.item()}


def test_losses_equal_those_on_rllibs_own_batch(learner: Any) -> None:
    fragment = random_fragment()
    expected = losses(learner, rllibs_batch(fragment, learner.config))
    assert losses(learner, our_batch(fragment, repeats_logp=True)) == pytest.approx(expected, rel=1e-6)


def test_what_is_right_for_ever_stays_so_when_a_fragment_is_cut(learner: Any) -> None:
    # A reward of 1 in every step and gamma 0.9 are worth 1 / (1 - 0.9) = 10. A value network that says so, under the
    # policy that played, has nothing to learn, and no action was better than another.
    module = learner.module[DEFAULT_MODULE_ID]
    module.value_head.weight.data.zero_()
    module.value_head.bias.data.fill_(10.0)
    for part in (module.policy_head, getattr(module, "target_policy_head", module.policy_head)):
        part.weight.data.zero_()  # every action has the same probability
    fragment = random_fragment(num_steps=20)
    (group,) = fragment.groups.values()
    group.terminations[...], group.truncations[...] = False, fragment.ended[..., None]
    group.rewards[...], group.action_logp[...] = 1, -np.log(NUM_ACTIONS)
    found = losses(learner, our_batch(fragment))
    assert found["vf_loss"] == pytest.approx(0, abs=1e-6)
    assert found["policy_loss" if "policy_loss" in found else "pi_loss"] == pytest.approx(0, abs=1e-4)
    # With the log-probabilities as RLlib repeats them, what comes after a cut is worth nothing.
    assert losses(learner, our_batch(fragment, repeats_logp=True))["vf_loss"] > 10


def test_the_loss_of_one_cut_episode_is_that_of_the_paper(start_learner: Callable[[type], Any]) -> None:
    # Espeholt et al. 2018, "IMPALA", eq. 1 and section 4.2, for one agent and an episode that is cut after 4 steps.
    learner = start_learner(IMPALAConfig)
    num_steps, gamma = 4, 0.9
    fragment = one_env(num_steps, observations=np.random.default_rng(0).normal(size=(num_steps + 1, 1, 2, 5)))
    (group,) = fragment.groups.values()
    group.observations = group.observations.astype(np.float32)
    group.alive[:, :, 1] = False
    group.actions, group.rewards = (
        group.actions % NUM_ACTIONS,
        group.rewards * np.arange(4, dtype=np.float32)[:, None, None],
    )
    module = learner.module[DEFAULT_MODULE_ID]
    with torch.no_grad():
        seen = torch.from_numpy(group.observations[:, 0, 0])
        v = module.compute_values({Columns.OBS: seen}).numpy()
        logits = module.forward_train({Columns.OBS: seen[:-1]})[Columns.ACTION_DIST_INPUTS]
    logp = torch.log_softmax(logits, -1).numpy()[np.arange(num_steps), group.actions[:, 0, 0]]
    rho = np.minimum(1, np.exp(logp - group.action_logp[:, 0, 0]))
    r = group.rewards[:, 0, 0]
    delta = rho * (r + gamma * v[1:] - v[:-1])
    targets = [
        v[s] + sum(gamma ** (t - s) * np.prod(rho[s:t]) * delta[t] for t in range(s, num_steps))
        for s in range(num_steps)
    ]
    advantages = rho * (r + gamma * np.array([*targets[1:], v[num_steps]]) - v[:-1])
    found = losses(learner, our_batch(fragment))
    assert found["vf_loss"] == pytest.approx(0.5 * np.square(v[:-1] - targets).sum(), rel=1e-4)
    assert found["pi_loss"] == pytest.approx(-(logp * advantages).sum(), rel=1e-4)


# ---- training ----


def local(config_class: type, id: str, num_envs: int = 64, length: int = 8, **settings: Any) -> Any:
    """A config that samples and learns in this process."""
    config = config_class().environment(id, env_config=settings)
    config.env_runners(num_env_runners=0, num_envs_per_env_runner=num_envs, rollout_fragment_length=length)
    config.learners(num_learners=0).reporting(min_time_s_per_iteration=0)
    return config.debugging(seed=3, log_level="ERROR")


def coordination(config_class: type) -> Any:
    config = local(config_class, SCISSORS, payoffs=np.stack([COORDINATION, COORDINATION]))
    config.multi_agent(policies={"a", "b"}, policy_mapping_fn=lambda agent, episode, **kwargs: "ab"[int(agent[-1])])
    return config.training(lr=5e-3)


def train_until(algorithm: Algorithm, is_done: Callable[[dict[str, Any]], bool], limit_s: float = 60) -> dict[str, Any]:
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        result = algorithm.train()
        if is_done(result):
            return result
        if algorithm.config.num_env_runners > 0:
            time.sleep(0.05)  # RLlib asks for results without a pause, and the others have work to do
    raise AssertionError(f"not within {limit_s} s: {result}")


def trained(result: dict[str, Any]) -> float:
    """Env steps trained; remote learners tell of them later."""
    learners = result.get("learners", {}).get("__all_modules__", {})
    return learners.get("num_env_steps_trained_lifetime", 0)


def plays_well(result: dict[str, Any]) -> bool:
    return result.get("env_runners", {}).get("episode_return_mean", 0.0) > 1.9


@pytest.mark.parametrize("config_class", [IMPALAConfig, APPOConfig])
def test_the_best_profile_of_a_common_interest_game_is_found(build: Build, config_class: type) -> None:
    algorithm = build(use_batched_runner(coordination(config_class)))
    result = algorithm.train()
    assert result["env_runners"]["episode_return_mean"] < 1.2  # both get the mean payoff 0.38
    result = train_until(algorithm, plays_well)
    sampled = result["env_runners"]["num_env_steps_sampled_lifetime"]
    assert sampled == result["training_iteration"] * 64 * 8
    assert trained(result) == sampled


@ignore_rays_own_warnings
@pytest.mark.learn
def test_remote_runners_and_a_remote_learner_find_it_too_and_survive_a_killed_runner(build: Build) -> None:
    config = coordination(APPOConfig).env_runners(num_env_runners=2, num_cpus_per_env_runner=0.5)
    config.learners(num_learners=1, num_cpus_per_learner=0.5)
    algorithm = build(use_batched_runner(config))
    group = algorithm.env_runner_group
    train_until(algorithm, lambda result: trained(result) > 0)
    ray.kill(group._worker_manager.actors()[1], no_restart=False)
    train_until(algorithm, lambda result: group.num_healthy_remote_workers() == 1)
    train_until(algorithm, lambda result: group.num_healthy_remote_workers() == 2)
    result = train_until(algorithm, plays_well)
    assert trained(result) % (64 * 8) == 0

    def weights_seq_no(runner: Any) -> int:
        return runner._weights_seq_no

    # The new one has the weights that the others have, or newer ones; it began with 0.
    assert min(group.foreach_env_runner(weights_seq_no, local_env_runner=False)) > 0


@ignore_rays_own_warnings
@pytest.mark.parametrize(
    "config",
    [local(IMPALAConfig, SCISSORS), pytest.param(coordination(APPOConfig), marks=pytest.mark.learn)],
    ids=["shared", "two"],
)
def test_two_learners_get_a_fragment_each_and_keep_the_same_weights(build: Build, config: Any) -> None:
    config.env_runners(num_env_runners=1, num_cpus_per_env_runner=0.2)
    config.learners(num_learners=2, num_cpus_per_learner=0.4)
    algorithm = build(use_batched_runner(config))
    train_until(algorithm, lambda result: trained(result) >= 8 * 64 * 8)

    first, second = weights_at_rest(algorithm)
    for module_id, weights in first.items():
        for name, value in weights.items():
            np.testing.assert_allclose(value, second[module_id][name], rtol=1e-5, atol=1e-6, err_msg=name)


def weights_at_rest(algorithm: Any) -> list[dict[str, Any]]:
    """The weights of each learner once all have worked off their queues; until then one may be a step ahead."""

    def look(learner: Any) -> dict[str, Any]:
        return {m: learner.module[m].unwrapped().get_state() for m in learner.module.keys()}  # noqa: SIM118

    seen: list[dict[str, Any]] = []
    for _ in range(60):
        before, seen = seen, [found.get() for found in algorithm.learner_group.foreach_learner(look)]
        if before and all(map(same_weights, before, seen)):
            return seen
        time.sleep(1.0)
    raise AssertionError("the learners did not come to rest within a minute")


def same_weights(first: dict[str, Any], second: dict[str, Any]) -> bool:
    return all(
        np.array_equal(value, second[m][name]) for m, weights in first.items() for name, value in weights.items()
    )


def test_appo_trains_on_every_batch_as_often_as_configured_when_sampling_is_faster(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    updates = []

    def slow_update(learner: Any, *args: Any, **kwargs: Any) -> Any:
        time.sleep(0.02)
        updates.append(learner)
        return update(learner, *args, **kwargs)

    update = VTraceFragmentLearner._update
    monkeypatch.setattr(VTraceFragmentLearner, "_update", slow_update)
    config = coordination(APPOConfig).training(circular_buffer_num_batches=2, circular_buffer_iterations_per_batch=3)
    algorithm = build(use_batched_runner(config))
    for _ in range(10):
        algorithm.train()
    buffer = algorithm.learner_group._learner._learner_thread_in_queue
    deadline = time.monotonic() + 30
    while buffer.qsize() > 0 and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.2)  # the last one is out of the buffer before it is counted
    assert buffer.get_stats()["total_puts"] >= 8
    assert len(updates) == 3 * buffer.get_stats()["total_puts"]


@ignore_rays_own_warnings
@pytest.mark.learn
def test_aggregators_make_the_batches_and_steps_are_counted_right(build: Build) -> None:
    config = coordination(APPOConfig).env_runners(num_env_runners=1, num_cpus_per_env_runner=0.5)
    config.learners(num_learners=1, num_cpus_per_learner=0.5, num_aggregator_actors_per_learner=1)
    algorithm = build(use_batched_runner(config))
    result = train_until(algorithm, lambda result: trained(result) > 0)
    assert trained(result) % (64 * 8) == 0
    train_until(algorithm, plays_well)


@pytest.mark.parametrize("config_class", [IMPALAConfig, APPOConfig])
def test_every_kind_of_space_is_trained(build: Build, config_class: type) -> None:
    config = local(config_class, PROBE, num_envs=8, length=50)
    one_policy_per_group(config)
    algorithm = build(use_batched_runner(config))
    before = algorithm.learner_group.get_weights()
    for _ in range(3):
        result = algorithm.train()
    assert set(result["learners"]) >= set(POLICIES)
    after = algorithm.learner_group.get_weights()
    for module_id in POLICIES:
        assert np.isfinite(result["learners"][module_id]["total_loss"])
        assert any(not np.array_equal(value, after[module_id][name]) for name, value in before[module_id].items())


@pytest.mark.parametrize("config_class", [IMPALAConfig, APPOConfig])
def test_rllibs_own_modules_learn_from_small_images(build: Build, config_class: type) -> None:
    config = local(config_class, KITCHEN, num_envs=4, length=10)
    result = build(use_batched_runner(config, rllib_module=True)).train()
    assert np.isfinite(result["learners"][DEFAULT_MODULE_ID]["total_loss"])


@pytest.mark.parametrize("config_class", [IMPALAConfig, APPOConfig])
def test_a_frozen_policy_stays_as_it_is_and_is_exploited(build: Build, config_class: type) -> None:
    config = local(config_class, SCISSORS).training(lr=5e-3)
    config.multi_agent(
        policies={"learner", "frozen"},
        policy_mapping_fn=lambda agent, episode, **kwargs: "learner" if agent == "player_0" else "frozen",
        policies_to_train=["learner"],
    )
    algorithm = build(use_batched_runner(config))
    state = algorithm.learner_group.get_weights()
    state["frozen"]["policy_head.bias"][:] = [9.0, 0.0, 0.0]  # always rock
    algorithm.set_weights(state)
    result = train_until(
        algorithm, lambda result: result["env_runners"]["agent_episode_returns_mean"]["player_0"] > 0.9
    )
    for name, value in algorithm.learner_group.get_weights()["frozen"].items():
        if not name.startswith("target"):  # APPO's targets follow their networks, trained or not
            np.testing.assert_array_equal(value, state["frozen"][name])
    assert {module_id for module_id, values in result["learners"].items() if "total_loss" in values} == {"learner"}


class Rock:
    """Always plays rock."""

    def __init__(self, seed: int) -> None: ...

    def act(self, batch: Any, agent: str) -> np.ndarray:
        return np.zeros(batch.num_envs, np.int64)


@pytest.mark.parametrize("config_class", [IMPALAConfig, APPOConfig])
def test_a_scripted_player_is_exploited(build: Build, config_class: type) -> None:
    config = local(config_class, SCISSORS).training(lr=5e-3)
    config.multi_agent(
        policies={"learner", "rock"},
        policy_mapping_fn=lambda agent, episode, **kwargs: "learner" if agent == "player_0" else "rock",
        policies_to_train=["learner"],
    )
    specs = {
        "learner": RLModuleSpec(module_class=ActorCriticModule),
        "rock": RLModuleSpec(module_class=PlayerModule, model_config={"make_player": Rock}),
    }
    config.rl_module(rl_module_spec=MultiRLModuleSpec(rl_module_specs=specs))
    algorithm = build(use_batched_runner(config))
    train_until(algorithm, lambda result: result["env_runners"]["agent_episode_returns_mean"]["player_0"] > 0.9)


def test_an_update_without_a_trained_step_passes(build: Build) -> None:
    config = local(IMPALAConfig, SCISSORS).multi_agent(policies_to_train=[])
    algorithm = build(use_batched_runner(config))
    for _ in range(3):
        result = algorithm.train()
    assert result["env_runners"]["num_env_steps_sampled_lifetime"] == 3 * 64 * 8


# ---- checkpoints ----


def test_coefficients_schedules_and_target_networks_survive_a_checkpoint(build: Build, tmp_path: Path) -> None:
    config = local(APPOConfig, KITCHEN, num_envs=4, length=10)
    # A target of the KL divergence that no update reaches halves the coefficient each time. Each batch is used once, so
    # that the learner thread has nothing left to do between iterations.
    config.training(use_kl_loss=True, kl_coeff=0.4, kl_target=1e3, lr=1e-3)
    config.training(entropy_coeff=[[0, 0.1], [800, 0.0]], target_network_update_freq=3)
    config.training(circular_buffer_iterations_per_batch=1, circular_buffer_num_batches=1)
    algorithm = build(use_batched_runner(config))
    for _ in range(5):
        algorithm.train()
    algorithm.save_to_path(tmp_path)
    restored = Algorithm.from_checkpoint(tmp_path)
    try:
        learners = [a.learner_group._learner for a in (algorithm, restored)]
        expected, found = (learner.get_state() for learner in learners)
        assert found[KL_COEFFS] == expected[KL_COEFFS]
        assert found[KL_COEFFS][DEFAULT_MODULE_ID] < 0.4
        assert found[LAST_TARGET_UPDATES] == expected[LAST_TARGET_UPDATES]
        assert found[LAST_TARGET_UPDATES][DEFAULT_MODULE_ID] > 0
        for name, value in expected["rl_module"][DEFAULT_MODULE_ID].items():
            np.testing.assert_array_equal(found["rl_module"][DEFAULT_MODULE_ID][name], value, err_msg=name)
        assert any(name.startswith("target_") for name in found["rl_module"][DEFAULT_MODULE_ID])
        results = algorithm.train(), restored.train()
        coefficients = [result["learners"][DEFAULT_MODULE_ID]["curr_entropy_coeff"] for result in results]
        # Linear from 0.1 at the start to 0 at 800 env steps, of which 6 * 40 are sampled.
        assert coefficients == pytest.approx([0.1 * (1 - 240 / 800)] * 2)
        assert results[0]["num_env_steps_sampled_lifetime"] == results[1]["num_env_steps_sampled_lifetime"]
    finally:
        restored.stop()


# ---- modules ----


def test_a_target_policy_stays_behind_and_runners_do_without_it() -> None:
    module = make_module_spec().build()[DEFAULT_MODULE_ID]
    runners_names = set(module.get_state(inference_only=True))
    module.make_target_networks()
    batch = {Columns.OBS: torch.randn(4, NUM_FEATURES)}
    before = module.forward_train(batch)[Columns.ACTION_DIST_INPUTS].detach()
    module.policy_head.bias.data.add_(1)
    torch.testing.assert_close(module.forward_target(batch)[TARGET_NETWORK_ACTION_DIST_INPUTS], before)
    assert set(module.get_state(inference_only=True)) == runners_names
    assert not any(name.startswith(("target", "value")) for name in runners_names)


# ---- settings that cannot work ----


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda config: config.learners(num_learners=2).training(train_batch_size_per_learner=100), "dealt out evenly"),
        (lambda config: config.learners(num_learners=2).training(minibatch_size=64), "numbers of minibatches"),
        (
            lambda config: config.learners(num_aggregator_actors_per_learner=1).env_runners(
                batch_mode="complete_episodes"
            ),
            "whole episodes",
        ),
    ],
)
def test_settings_that_cannot_work_are_refused_at_once(change: Callable[[Any], Any], message: str) -> None:
    config = local(APPOConfig, SCISSORS)
    change(config)
    with pytest.raises(ValueError, match=message):
        use_batched_runner(config)
