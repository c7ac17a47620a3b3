"""MAPPO: what a row of a team is, what the loss says, and everything that users of RLlib expect of an algorithm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ray import tune
from ray.rllib.algorithms.algorithm import Algorithm
from ray.rllib.core.columns import Columns
from ray.rllib.evaluation.postprocessing import Postprocessing

import games
from agents.random_player import RandomPlayer
from agents.trained import TrainedPlayer, load_policy
from games.names import UnknownNameError
from marl.mappo import IPPO, MAPPO, IPPOConfig, MAPPOConfig
from marl.mappo.export import export_team
from marl.mappo.rows import OLD_VALUES, TeamRows, _seen
from marl.mappo.value_scale import ValueScale, keep_values
from marl.rllib.runner.team import ALIVE

BITS, PROBE, FORAGING = "coordination/bits_v0", "probe/everything_v0", "grid/foraging_8x8_2p_2f_v0"
SPREAD, TAG = "particles/simple_spread_v0", "particles/simple_tag_v0"
Team = Callable[..., Algorithm]


def learner_of(algorithm: Algorithm) -> Any:
    return algorithm.learner_group._learner


def columns_of(algorithm: Algorithm, module_id: str) -> tuple[Any, Any, dict[str, Any]]:
    """One fragment, the learner's module, and its columns as a minibatch has them."""
    learner = learner_of(algorithm)
    (fragment,) = algorithm.env_runner.sample()
    module = learner.module[module_id].unwrapped()
    return fragment, module, learner._to_device(learner._columns([fragment])[module_id])


def logp_of(module: Any, columns: dict[str, Any]) -> torch.Tensor:
    inputs = module.forward_train(columns)[Columns.ACTION_DIST_INPUTS]
    return module.kind.log_prob(inputs.flatten(0, 1), columns[Columns.ACTIONS].flatten(0, 1)).view(inputs.shape[:2])


def weights_of(algorithm: Algorithm) -> dict[str, np.ndarray]:
    state = learner_of(algorithm).module.get_state()
    return {f"{m}/{name}": np.array(value) for m, own in state.items() for name, value in own.items()}


@pytest.mark.parametrize("sharing", ["full", "heads", "none"])
@pytest.mark.parametrize("world", [BITS, FORAGING])
def test_before_the_first_step_every_ratio_is_one(team: Team, world: str, sharing: str) -> None:
    algorithm = team(MAPPOConfig, world, sharing=sharing, head_gain=1.0)
    name = next(iter(games.make_batch(world).groups))
    fragment, module, columns = columns_of(algorithm, name)
    torch.testing.assert_close(logp_of(module, columns), columns[Columns.ACTION_LOGP], rtol=0, atol=2e-6)
    assert columns[Columns.OBS].shape[:2] == (60, len(fragment.groups[name].agents))


def test_a_value_of_the_team_is_learned_from_its_reward_up_to_the_end_of_the_episode(team: Team) -> None:
    """With lambda 0 a target is r + gamma V(next), by hand from the fragment; the horizon's end bootstraps."""
    algorithm = team(MAPPOConfig, BITS, world={"horizon": 4}, lambda_=0.0, gamma=0.9, value_normalization=None)
    fragment, module, columns = columns_of(algorithm, "agents")
    group = fragment.groups["agents"]

    def value(observations: np.ndarray) -> float:
        seen = {Columns.OBS: torch.from_numpy(observations[None]), ALIVE: torch.ones(1, 3, dtype=torch.bool)}
        return module.compute_values(seen).item()

    targets = columns[Postprocessing.VALUE_TARGETS].reshape(10, 6)
    for e in range(6):
        (end,) = np.flatnonzero((fragment.final_index == [3, e]).all(axis=1))
        for t, following in {0: group.observations[1, e], 3: group.final_observations[end]}.items():
            expected = group.rewards[t, e, 0] + 0.9 * value(following)
            assert targets[t, e].item() == pytest.approx(expected, abs=1e-5)


def test_own_credit_gives_each_agent_its_reward_and_team_credit_the_mean(team: Team) -> None:
    # gamma and lambda 0, value weights 0: an advantage is the reward, standardized over all agents.
    for config_class, takes_mean in ((MAPPOConfig, True), (IPPOConfig, False)):
        algorithm = team(config_class, PROBE, gamma=0.0, lambda_=0.0, value_normalization=None)
        name = next(iter(games.make_batch(PROBE).groups))
        module = learner_of(algorithm).module[name].unwrapped()
        for parameter in module.critic.parameters():
            parameter.data.zero_()
        fragment, _, columns = columns_of(algorithm, name)
        group = fragment.groups[name]
        alive, rewards = group.alive[:-1], group.rewards.astype(np.float64)
        if takes_mean:
            mean = (rewards * alive).sum(axis=2) / np.maximum(alive.sum(axis=2), 1)
            rewards = np.repeat(mean[:, :, None], alive.shape[2], axis=2)
        chosen = rewards[alive]
        expected = (chosen - chosen.mean()) / max(chosen.std(), 1e-4)
        got = columns[Postprocessing.ADVANTAGES].reshape(alive.shape).numpy()[alive]
        np.testing.assert_allclose(got, expected, atol=1e-5)


@pytest.mark.parametrize(("critic", "credit"), [("central", "team"), ("central", "own"), ("own", "own")])
def test_targets_over_several_steps_stop_where_an_agent_is_out(team: Team, critic: str, credit: str) -> None:
    """Advantages by the definition, delta_t + gamma lambda delta_t+1 + ..., in plain loops with deaths among them.

    The team goes on to the end of the episode; an agent with credit of its own ends where it is out.
    """
    gamma, weight = 0.9, 0.8
    settings = {"gamma": gamma, "lambda_": weight, "value_normalization": None, "critic": critic, "credit": credit}
    algorithm = team(MAPPOConfig, PROBE, runner={"rollout_fragment_length": 30}, **settings)
    first = algorithm.env_runner.sample()[0]
    name = next(name for name, group in first.groups.items() if not group.alive[:-1].all())
    fragment, module, columns = columns_of(algorithm, name)
    group, alive = fragment.groups[name], fragment.groups[name].alive
    rewards = group.rewards.astype(np.float64)
    if credit == "team":
        rewards = ((rewards * alive[:-1]).sum(axis=2) / np.maximum(alive[:-1].sum(axis=2), 1))[:, :, None]
    steps, envs = fragment.ended.shape
    # What the critic says is as it says it; the test above has it from the module itself.
    values, values_tp1 = TeamRows._values(None, module, fragment, group, _seen(fragment, group))
    targets = columns[Postprocessing.VALUE_TARGETS].numpy().reshape(steps, envs, -1)
    died = 0
    for e in range(envs):
        for i in range(values.shape[2]):
            ahead = 0.0
            for t in reversed(range(steps)):
                is_out = credit == "own" and not alive[t + 1, e, i] and not fragment.ended[t, e]
                is_cut = group.truncations[t, e].any() if credit == "team" else group.truncations[t, e, i]
                is_terminal = is_out or (fragment.ended[t, e] and not is_cut)
                if credit == "own":
                    is_terminal = is_terminal or bool(group.terminations[t, e, i])
                following = 0.0 if is_terminal else gamma * values_tp1[t, e, i]
                stops = is_terminal or is_cut or fragment.ended[t, e]
                delta = rewards[t, e, i] + following - values[t, e, i]
                ahead = delta + (0.0 if stops else gamma * weight * ahead)
                if credit == "team" or alive[t, e, i]:
                    died += bool(is_out and alive[t, e, i])
                    assert targets[t, e, i] == pytest.approx(values[t, e, i] + ahead, abs=1e-3), (t, e, i)
    assert died or credit == "team"
    assert not alive[:-1].all()


def test_agents_that_are_out_do_nothing_and_count_for_nothing(team: Team) -> None:
    algorithm = team(MAPPOConfig, PROBE, runner={"rollout_fragment_length": 30})
    name = next(name for name, group in algorithm.env_runner.sample()[0].groups.items() if not group.alive[:-1].all())
    _, module, columns = columns_of(algorithm, name)
    out = ~columns[ALIVE]
    assert out.any()
    assert (columns[Columns.ACTIONS][out] == 0).all()
    assert (columns[Columns.ACTION_LOGP][out] == 0).all()
    learner = learner_of(algorithm)
    config = learner.config.get_config_for_module(name)

    def loss(changed: dict[str, Any]) -> float:
        outputs = module.forward_train(changed)
        return learner.compute_loss_for_module(module_id=name, config=config, batch=changed, fwd_out=outputs).item()

    noise = torch.where(out, 5.0, 0.0)
    changed = {**columns, Postprocessing.ADVANTAGES: columns[Postprocessing.ADVANTAGES] + noise}
    changed[Columns.OBS] = columns[Columns.OBS] + noise[..., None]
    assert loss(changed) == loss(columns)


def test_the_loss_is_the_papers(team: Team) -> None:
    """Equation by equation over rows and agents, with plain loops."""
    algorithm = team(MAPPOConfig, BITS, entropy_coeff=0.03, clip_param=0.1, value_clip=0.05, huber_delta=0.2)
    algorithm.train()
    _, module, columns = columns_of(algorithm, "agents")
    generator = torch.Generator().manual_seed(1)
    columns[Columns.ACTION_LOGP] = columns[Columns.ACTION_LOGP] + 0.2 * torch.randn(60, 3, generator=generator)
    columns[OLD_VALUES] = columns[OLD_VALUES] + 0.2 * torch.randn(60, 1, generator=generator)
    learner = learner_of(algorithm)
    config, outputs = learner.config.get_config_for_module("agents"), module.forward_train(columns)
    loss = learner.compute_loss_for_module(module_id="agents", config=config, batch=columns, fwd_out=outputs).item()
    expected, values = 0.0, module.raw_values(columns)
    for b in range(60):
        for i in range(3):
            probabilities = torch.softmax(outputs[Columns.ACTION_DIST_INPUTS][b, i], dim=-1)
            chosen = probabilities[columns[Columns.ACTIONS][b, i]]
            ratio = (chosen.log() - columns[Columns.ACTION_LOGP][b, i]).exp().item()
            advantage = columns[Postprocessing.ADVANTAGES][b, i].item()
            expected -= min(ratio * advantage, min(max(ratio, 0.9), 1.1) * advantage) / 180
            expected += 0.03 * (probabilities * probabilities.log()).sum().item() / 180
        value, old = values[b, 0].item(), columns[OLD_VALUES][b, 0].item()
        target = columns[Postprocessing.VALUE_TARGETS][b, 0].item()
        errors = [value - target, old + min(max(value - old, -0.05), 0.05) - target]
        expected += max(e**2 / 2 if abs(e) <= 0.2 else 0.2 * (abs(e) - 0.1) for e in errors) / 60
    assert loss == pytest.approx(expected, abs=1e-5)


def test_the_scale_of_values_is_that_of_targets_and_popart_changes_no_value(team: Team) -> None:
    scale = ValueScale()
    for _ in range(2000):
        scale.learn(5.0, 25.0 + 4.0)
    assert scale.numbers() == pytest.approx((5.0, 2.0))
    algorithm = team(MAPPOConfig, BITS, value_normalization="popart")
    algorithm.train()
    module = learner_of(algorithm).module["agents"].unwrapped()
    seen = {Columns.OBS: torch.rand(20, 3, 3), ALIVE: torch.ones(20, 3, dtype=torch.bool)}
    values, before = module.compute_values(seen), module.value_scale.numbers()
    assert before != (0.0, 1.0)
    module.value_scale.learn(100.0, 20_000.0)
    keep_values(module.critic.head, before, module.value_scale.numbers())
    torch.testing.assert_close(module.compute_values(seen), values, rtol=1e-4, atol=1e-3)


def test_a_joint_ratio_is_the_product_of_those_of_the_agents(team: Team) -> None:
    algorithm = team(MAPPOConfig, BITS, ratio="joint", entropy_coeff=0.0, clip_param=100.0)
    _, module, columns = columns_of(algorithm, "agents")
    columns[Columns.ACTION_LOGP] = columns[Columns.ACTION_LOGP] - 0.1  # each is e^0.1 likelier now
    columns[Postprocessing.ADVANTAGES] = torch.ones(60, 3)
    learner = learner_of(algorithm)
    config, outputs = learner.config.get_config_for_module("agents"), module.forward_train(columns)
    learner.compute_loss_for_module(module_id="agents", config=config, batch=columns, fwd_out=outputs)
    told = learner.metrics.peek(("agents", "policy_loss"))
    assert float(told) == pytest.approx(-np.exp(0.3), abs=1e-4)


@pytest.mark.parametrize("id", [PROBE, TAG])
def test_worlds_with_several_groups_masks_deaths_and_continuous_actions_are_trained(team: Team, id: str) -> None:
    algorithm = team(MAPPOConfig, id, credit="own", minibatch_size=30)
    before = weights_of(algorithm)
    result = algorithm.train()
    groups = games.make_batch(id).groups
    assert set(groups) <= set(result["learners"])
    after = weights_of(algorithm)
    for name in groups:
        assert any((before[key] != after[key]).any() for key in before if key.startswith(f"{name}/policy")), name


def test_a_group_may_be_played_by_a_player_instead(build: Callable[..., Algorithm]) -> None:
    config = MAPPOConfig().environment(TAG).players({"agents": RandomPlayer})
    config.env_runners(num_envs_per_env_runner=4, rollout_fragment_length=8)
    learned = build(config).train()["learners"]
    assert "policy_loss" in learned["adversaries"]
    assert "policy_loss" not in learned["agents"]


def test_a_restored_algorithm_goes_on_bit_for_bit(team: Team, tmp_path: Path) -> None:
    algorithm = team(MAPPOConfig, BITS, minibatch_size=20, value_normalization="popart")
    algorithm.train()
    algorithm.save_to_path(tmp_path / "saved")
    algorithm.train()
    expected = weights_of(algorithm)
    restored = MAPPO.from_checkpoint(str(tmp_path / "saved"))
    restored.train()
    for name, value in weights_of(restored).items():
        np.testing.assert_array_equal(value, expected[name], err_msg=name)
    restored.stop()


def test_evaluation_plays_whole_episodes(build: Callable[..., Algorithm]) -> None:
    config = IPPOConfig().environment(BITS).env_runners(num_envs_per_env_runner=4, rollout_fragment_length=25)
    config.evaluation(evaluation_interval=1, evaluation_duration=8, evaluation_duration_unit="episodes")
    config.evaluation(evaluation_num_env_runners=0, evaluation_config={"explore": False})
    algorithm = build(config)
    assert isinstance(algorithm, IPPO)
    assert algorithm.train()["evaluation"]["env_runners"]["num_episodes"] == 8


def test_settings_survive_the_way_through_a_dict() -> None:
    """This is how Tune hands a trial its values."""
    config = MAPPOConfig().environment(BITS).training(sharing="heads", critic_lr=1e-3, lr=2e-3)
    read = MAPPOConfig().update_from_dict({**config.to_dict(), "head_gain": 0.5})
    assert read.team_settings() == replace(config.team_settings(), head_gain=0.5)
    assert read.lr == 2e-3


@pytest.mark.learn
def test_tune_searches_settings_of_a_team(local_ray: None, tmp_path: Path) -> None:
    config = MAPPOConfig().environment(BITS).training(head_gain=tune.grid_search([0.01, 1.0]), hidden_sizes=(8,))
    config.env_runners(num_envs_per_env_runner=4, rollout_fragment_length=25)
    run_config = tune.RunConfig(storage_path=str(tmp_path), stop={"training_iteration": 1}, verbose=0)
    results = tune.Tuner(MAPPO, param_space=config, run_config=run_config).fit()
    assert not results.errors
    assert sorted(result.config["head_gain"] for result in results) == [0.01, 1.0]


@pytest.mark.parametrize("sharing", ["full", "heads", "none"])
def test_policy_files_of_a_team_play_its_policies(team: Team, tmp_path: Path, sharing: str) -> None:
    algorithm = team(MAPPOConfig, FORAGING, sharing=sharing, head_gain=1.0, observation_scale=0.5)
    name, group = next(iter(games.make_batch(FORAGING).groups.items()))
    module = algorithm.get_module(name)
    folders = export_team(module, tmp_path, FORAGING, {}, group.agents)
    batch = games.make_batch(FORAGING, 7, seed=1)
    batch.reset()
    with torch.no_grad():
        expected = module.policy(0.5 * torch.from_numpy(batch.observations.reshape(7, len(group.agents), -1)))
    for number, folder in enumerate(folders):
        player = TrainedPlayer(folder, is_greedy=True)
        ours = player.logits(batch.observations[:, number].reshape(7, -1))
        np.testing.assert_allclose(ours, expected[:, number], rtol=0, atol=1e-5)
        assert player.act(batch, group.agents[number]).shape == (7,)
        assert load_policy(folder)[0].env_id == FORAGING


def test_networks_that_policy_files_do_not_hold_are_refused(team: Team, tmp_path: Path) -> None:
    module = team(MAPPOConfig, BITS, layer_norms=True).get_module("agents")
    with pytest.raises(ValueError, match="only networks of linear layers"):
        export_team(module, tmp_path, BITS, {}, ("agent_0", "agent_1", "agent_2"))


def test_an_export_that_cannot_be_whole_writes_nothing(team: Team, tmp_path: Path) -> None:
    module = team(MAPPOConfig, BITS).get_module("agents")
    names = ["agent_0", "agent_1", "agent_2"]
    (tmp_path / "agent_2").mkdir()
    for id, settings, agents, error, says in (
        (BITS, {}, names[:2], ValueError, "agents must be 3 different plain names"),
        (BITS, {}, [*names, "agent_3"], ValueError, "agents must be 3 different plain names"),
        (BITS, {}, ["a", "a", "b"], ValueError, "agents must be 3 different plain names"),
        (BITS, {}, ["../evil", "a", "b"], ValueError, "agents must be 3 different plain names"),
        (BITS, {}, "abc", ValueError, "agents must be 3 different plain names"),
        ("coordination/bitz_v0", {}, ["a", "b", "c"], UnknownNameError, "bits"),
        (BITS, {"num_agent": 3}, ["a", "b", "c"], ValueError, "num_agent"),
        (BITS, {}, names, FileExistsError, "agent_2 exists already"),
    ):
        with pytest.raises(error, match=says):
            export_team(module, tmp_path, id, settings, agents)
    with pytest.raises(FileNotFoundError, match="no folder"):
        export_team(module, tmp_path / "none", BITS, {}, names)
    assert [path.name for path in tmp_path.iterdir()] == ["agent_2"]


@pytest.mark.parametrize(
    ("settings", "error", "says"),
    [
        ({"sharin": "full"}, UnknownNameError, "did you mean 'sharing'"),
        ({"sharing": "ful"}, UnknownNameError, "did you mean 'full'"),
        ({"value_normalization": "pop_art"}, UnknownNameError, "did you mean 'popart'"),
        ({"value_clip": 0.0}, ValueError, "value_clip must be above 0"),
        ({"critic": "own"}, ValueError, 'critic="own" needs credit="own"'),
        ({"hidden_sizes": ()}, ValueError, "hidden_sizes must be at least one"),
        ({"hidden_sizes": 64}, ValueError, "hidden_sizes must be at least one width in a list"),
        ({"hidden_sizes": (8.5,)}, ValueError, "hidden_sizes must be a whole number"),
        ({"activation": "rel"}, UnknownNameError, "did you mean 'relu'"),
        ({"observation_scale": float("nan")}, ValueError, "observation_scale must be a finite number"),
        ({"observation_scale": 0.0}, ValueError, "observation_scale must be above 0"),
        ({"agent_ids": "yes"}, ValueError, "agent_ids must be True or False"),
        ({"gamma": 1.5}, ValueError, "gamma must be at least 0 and at most 1, got 1.5"),
        ({"gamma": float("nan")}, ValueError, "gamma must be a finite number"),
        ({"lambda_": -2}, ValueError, "lambda_ must be at least 0"),
        ({"lr": -1.0}, ValueError, "lr must be at least 0"),
        ({"lr": float("nan")}, ValueError, "lr must be a finite number"),
        ({"clip_param": 0}, ValueError, "clip_param must be above 0"),
        ({"num_epochs": 0}, ValueError, "num_epochs must be a whole number of at least 1"),
        ({"minibatch_size": 0}, ValueError, "minibatch_size must be a whole number of at least 1"),
        ({"grad_clip": -1}, ValueError, "grad_clip must be above 0"),
    ],
)
def test_mistakes_are_named(settings: dict[str, Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        MAPPOConfig().environment(BITS).training(**settings).validate()


def test_a_seat_in_no_group_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'agents'"):
        MAPPOConfig().environment(BITS).players({"agent": RandomPlayer}).validate()


@pytest.mark.learn
def test_mappo_finds_the_landmarks_of_simple_spread(team: Team) -> None:
    algorithm = team(
        MAPPOConfig,
        SPREAD,
        runner={"num_envs_per_env_runner": 128, "rollout_fragment_length": 25},
        hidden_sizes=(64, 64),
        num_epochs=5,
    )
    returns = [algorithm.train()["env_runners"]["episode_return_mean"] for _ in range(150)]
    assert np.mean(returns[-10:]) > np.mean(returns[:3]) + 20
