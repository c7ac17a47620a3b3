"""QMIX, VDN and IQL under RLlib: the loss, checkpoints, evaluation, worlds with different agents, and mistakes."""

from __future__ import annotations

import re
from ast import literal_eval
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ray import tune
from small_configs import make_config

import games
from agents.trained import TrainedPlayer
from marl.qmix import QMIX, QMIXConfig
from marl.qmix.export import export_agent
from marl.qmix.seating import to_batch
from marl.qmix.settings import FactorizationSettings
from marl.rllib import DivergedError, TrainingError

PAIR = "particles/simple_speaker_listener_v0"  # two agents with spaces of their own
MASKED: tuple[str, dict[str, Any]] = (
    "matrix/climbing_v0",
    {"payoffs": np.arange(18.0).reshape(2, 3, 3), "legal_actions": [[1, 0, 1], [1, 1, 1]], "horizon": 3, "memory": 1},
)


def tensors(columns: dict[str, np.ndarray]) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in columns.items()}


def draw(algorithm: Any, count: int = 4) -> dict[str, dict[str, torch.Tensor]]:
    batch = to_batch(algorithm.replay.draw(count), algorithm._seats)
    return {module_id: tensors(dict(rows)) for module_id, rows in batch.policy_batches.items()}


def weights(algorithm: Any) -> list[torch.Tensor]:
    module = algorithm.learner_group._learner.module
    return [each for _, own in module.items() for each in own.state_dict().values()]


def plain_loss(learner: Any, batch: dict[str, dict[str, torch.Tensor]], double_q: bool, gamma: float) -> float:
    """The loss again, one episode, step and agent at a time, as QMIX eq. 6 has it."""
    agents = [module_id for module_id in batch if module_id != "mixer"]
    mixer, errors = learner.module["mixer"], []
    mask, is_terminal = batch[agents[0]]["mask"], batch[agents[0]]["is_terminal"]
    for b in range(len(mask)):
        length = int(mask[b].sum())
        chosen, following = torch.zeros(length, 0), torch.zeros(length, 0)
        rewards = torch.zeros(length, 0)
        for module_id in agents:
            module, rows = learner.module[module_id], batch[module_id]
            for place in range(module.num_agents):
                now, then = [], []
                memories: list[Any] = [None, None]
                for t in range(length + 1):
                    seen = rows["obs"][b, t, place].flatten()
                    if module.has_ids:
                        seen = torch.cat([seen, torch.eye(module.num_agents)[place]])
                    both = []
                    for i, network in enumerate((module.network, module.target_network)):
                        values, memories[i] = network(seen[None, None], memories[i])
                        both.append(values[0, 0])
                    legal = rows["action_mask"][b, t, place] > 0 if "action_mask" in rows else both[0] == both[0]
                    choices = [k for k in range(len(legal)) if legal[k]]
                    judge = both[0] if double_q else both[1]
                    then.append(both[1][max(choices, key=lambda k: judge[k].item())])
                    if t < length:
                        now.append(both[0][rows["actions"][b, t, place]])
                chosen = torch.cat([chosen, torch.stack(now)[:, None]], dim=1)
                following = torch.cat([following, torch.stack(then[1:])[:, None]], dim=1)
                rewards = torch.cat([rewards, rows["rewards"][b, :length, place][:, None]], dim=1)
        for t in range(length):
            states = [torch.cat([batch[m]["obs"][b, s].flatten() for m in agents])[None] for s in (t, t + 1)]
            future = 0.0 if is_terminal[b, t] else mixer.target_network(following[t][None], states[1]).item()
            target = rewards[t].mean().item() + gamma * future
            errors.append((mixer.network(chosen[t][None], states[0]).item() - target) ** 2)
    return float(np.mean(errors))


@pytest.mark.parametrize(
    ("id", "settings", "training"),
    [
        (PAIR, {"horizon": 6}, {}),
        (*MASKED, {"double_q": False}),
        (*MASKED, {"share_parameters": False, "is_recurrent": False}),
        ("grid/foraging_8x8_2p_2f_coop_v0", {"horizon": 8}, {}),
    ],
)
def test_the_loss_is_that_of_one_agent_and_step_at_a_time(
    build_one: Callable, id: str, settings: dict, training: dict
) -> None:
    algorithm = build_one(make_config("qmix", id, settings, gamma=0.9, **training))
    for _ in range(4):  # so that targets are not the networks
        algorithm.train()
    learner, batch = algorithm.learner_group._learner, draw(algorithm)
    with torch.no_grad():
        loss, _ = learner.factorization_loss(batch)
        expected = plain_loss(learner, batch, training.get("double_q", True), 0.9)
    assert loss.item() == pytest.approx(expected, rel=1e-4)


def test_time_limits_are_bootstrapped_in_single_steps_too(build_one: Callable) -> None:
    """A constant reward of 1 and a limit of 4 steps: with gamma 0.5 everything is worth 2, also in the last step."""
    settings = {"transitions": np.ones((1, 2, 2, 1)), "rewards": np.ones((2, 1, 2, 2)), "horizon": 4}
    training = {"gamma": 0.5, "lr": 0.02, "target_update_interval": 10, "is_recurrent": False, "steps_per_update": 16}
    algorithm = build_one(make_config("qmix", "markov/tabular_v0", settings, num_envs=8, **training))
    for _ in range(120):
        result = algorithm.train()
    assert result["learners"]["agents"]["q_mean"] == pytest.approx(2, abs=0.05)


@pytest.mark.parametrize("name", ["vdn", "iql"])
def test_agents_that_are_out_are_worth_nothing(build_one: Callable, name: str) -> None:
    """Whatever an agent that is out sees, does or is paid, and though no action of its is legal: the same loss."""
    config = make_config(name, *MASKED, **({"team_reward": "own"} if name == "iql" else {}))
    algorithm = build_one(config)
    algorithm.train()
    learner, batch = algorithm.learner_group._learner, draw(algorithm)
    rows = batch["players"]
    rows["alive"][:, 1:, 1] = False  # it leaves in the first step
    rows["next_alive"][:, :, 1] = False
    rows["rewards"][:, 1:, 1] = 0
    losses = []
    for fill in (0.0, 50.0):
        rows["obs"][:, 1:, 1] = fill
        rows["action_mask"][:, 1:, 1] = 0
        rows["actions"][:, 1:, 1] = int(fill > 0)
        losses.append(learner.factorization_loss(batch)[0].item())
    assert losses[0] == losses[1] > 0


def test_time_limits_are_bootstrapped(build_one: Callable) -> None:
    """A constant reward of 1 and a limit of 4 steps: with gamma 0.5 everything is worth 2, also in the last step."""
    settings = {"transitions": np.ones((1, 2, 2, 1)), "rewards": np.ones((2, 1, 2, 2)), "horizon": 4}
    training = {"gamma": 0.5, "lr": 0.02, "target_update_interval": 10}
    config = make_config("vdn", "markov/tabular_v0", settings, num_envs=8, **training)
    algorithm = build_one(config)
    for _ in range(120):
        result = algorithm.train()
    assert not draw(algorithm)["players"]["is_terminal"].any()
    assert result["learners"]["agents"]["q_mean"] == pytest.approx(2, abs=0.05)


def test_time_limits_promise_nothing_that_is_illegal(build_one: Callable) -> None:
    """As above, with a second action that is never legal and that the networks think is worth 100: still all 2."""
    settings = {"transitions": np.ones((1, 2, 2, 1)), "rewards": np.ones((2, 1, 2, 2)), "horizon": 4}
    settings["legal_actions"] = [np.array([[1, 0]])] * 2
    training = {"gamma": 0.5, "lr": 0.02, "target_update_interval": 10}
    algorithm = build_one(make_config("iql", "markov/tabular_v0", settings, num_envs=8, **training))
    module = algorithm.learner_group._learner.module["players"]
    for network in (module.network, module.target_network):
        with torch.no_grad():
            network.head.bias[1] = 100
    for _ in range(120):
        result = algorithm.train()
    assert module.network.head.bias[1] == 100, "nobody has tried it"
    assert result["learners"]["agents"]["q_mean"] == pytest.approx(2, abs=0.05)


@pytest.mark.parametrize("name", ["qmix", "vdn", "iql"])
def test_a_restored_run_goes_on_as_if_nothing_had_been(build_one: Callable, tmp_path: Path, name: str) -> None:
    settings = {"target_update_interval": 3, "lr": 0.01, "updates_per_round": 2}
    algorithm = build_one(make_config(name, *MASKED, **settings))
    for _ in range(3):
        algorithm.train()
    algorithm.save_to_path(tmp_path)
    results = [algorithm.train()["learners"]["agents"] for _ in range(3)]
    other = build_one(make_config(name, *MASKED, **settings))
    other.restore_from_path(tmp_path)
    again = [other.train()["learners"]["agents"] for _ in range(3)]
    assert again == results
    assert all(torch.equal(*pair) for pair in zip(weights(algorithm), weights(other), strict=True))
    algorithm.restore_from_path(tmp_path)  # back, in an algorithm whose weights are newer
    assert [algorithm.train()["learners"]["agents"] for _ in range(3)] == results


def test_targets_follow_softly_or_at_once(build_one: Callable) -> None:
    for tau, share in ((1.0, 1.0), (0.25, 0.25)):
        algorithm = build_one(make_config("qmix", PAIR, {"horizon": 4}, tau=tau, target_update_interval=1))
        module = algorithm.learner_group._learner.module["mixer"]
        before = module.network.make_b1.weight.detach().clone()
        assert torch.equal(module.target_network.make_b1.weight, before)
        algorithm.train()
        moved = module.network.make_b1.weight.detach() - before
        assert moved.abs().max() > 0
        torch.testing.assert_close(module.target_network.make_b1.weight - before, share * moved, rtol=0.02, atol=1e-6)


def test_gradients_of_all_networks_are_cut_together(build_one: Callable) -> None:
    """RMSprop's first step is g / sqrt(0.01 g^2), whatever g; with a tiny cut its epsilon makes it tiny."""
    algorithm = build_one(make_config("qmix", PAIR, {"horizon": 4}, grad_clip=1e-9, optimizer_name="rmsprop"))
    before = [each.clone() for each in weights(algorithm)]
    result = algorithm.train()
    assert result["learners"]["agents"]["gradient_norm"] > 1e-3, "before the cut"
    assert max((a - b).abs().max() for a, b in zip(before, weights(algorithm), strict=True)) < 1e-6


def test_evaluation_is_greedy_and_plays_whole_episodes(build_one: Callable) -> None:
    """The greedy players of a matrix game do the same in every episode, the exploring ones do not."""
    settings = {"payoffs": np.arange(8.0).reshape(2, 2, 2), "horizon": 1}
    config = make_config("vdn", "matrix/climbing_v0", settings, num_envs=16, epsilon=[(0, 1.0)])
    config.evaluation(evaluation_interval=1, evaluation_duration=20, evaluation_duration_unit="episodes")
    result = build_one(config).train()
    played, judged = result["env_runners"], result["evaluation"]["env_runners"]
    assert judged["num_episodes"] == 20
    assert judged["episode_return_min"] == judged["episode_return_max"]
    assert played["episode_return_min"] < played["episode_return_max"]


def test_epsilon_falls_with_the_steps_of_all_runners(build_one: Callable) -> None:
    config = make_config("qmix", PAIR, {"horizon": 4}, epsilon=[(0, 1.0), (100, 0.5), (200, 0.0)])
    module = build_one(config).env_runner.module["speakers"]
    assert [module.epsilon_at(t) for t in (0, 50, 100, 150, 1000)] == [1, 0.75, 0.5, 0.25, 0]


@pytest.mark.learn
def test_remote_runners_collect_for_the_same_replay(build_one: Callable) -> None:
    algorithm = build_one(make_config("qmix", PAIR, {"horizon": 5}).env_runners(num_env_runners=2))
    for _ in range(3):
        result = algorithm.train()
    assert result["env_runners"]["num_env_steps_sampled_lifetime"] == 3 * 2 * 4 * 5
    assert result["episode_replay"]["num_episodes"] == 24


@pytest.mark.learn
def test_tune_sweeps_a_setting_and_its_checkpoints_go_on(local_ray: None, tmp_path: Path) -> None:
    config = make_config("qmix", PAIR, {"horizon": 4}).training(lr=tune.grid_search([1e-3, 1e-4]))
    run_config = tune.RunConfig(
        storage_path=str(tmp_path),
        stop={"training_iteration": 2},
        checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=True),
        verbose=0,
    )
    results = tune.Tuner(config.algo_class, param_space=config, run_config=run_config).fit()
    for result in results:
        algorithm = QMIX.from_checkpoint(result.checkpoint.path)
        assert algorithm.train()["training_iteration"] == 3
        algorithm.stop()


@pytest.mark.parametrize("agent_ids", [True, False])
def test_an_exported_agent_plays_what_the_team_plays(build_one: Callable, tmp_path: Path, agent_ids: bool) -> None:
    id = "grid/foraging_8x8_2p_2f_coop_v0"
    config = make_config("qmix", id, is_recurrent=False, agent_ids=agent_ids, observation_scale=0.1, lr=0.02)
    algorithm = build_one(config)
    for _ in range(3):
        algorithm.train()
    (fragment,) = algorithm.env_runner.sample(num_episodes=4, explore=False)
    (group,) = fragment.groups.values()
    module = algorithm.env_runner.module[next(iter(algorithm._seats))]
    batch = games.make_batch(id, 1)
    players = []
    for place in range(2):
        folder = tmp_path / str(place)
        folder.mkdir()
        export_agent(module, place, folder, id, {})
        players.append(TrainedPlayer(folder))
    for t in range(20):
        batch.only_group.observations[0] = group.observations[t, 0]
        for place, player in enumerate(players):
            assert player.act(batch, batch.agents[place])[0] == group.actions[t, 0, place]


def test_memory_and_missing_agents_are_not_exported(build_one: Callable, tmp_path: Path) -> None:
    module = build_one(make_config("qmix", PAIR, {"horizon": 4})).env_runner.module["speakers"]
    with pytest.raises(ValueError, match="policy files hold no memory"):
        export_agent(module, 0, tmp_path, PAIR, {})
    with pytest.raises(ValueError, match=r"place must be in \[0, 1\), got 1"):
        export_agent(module, 1, tmp_path, PAIR, {})


def test_a_run_that_diverges_ends_with_a_line_that_says_so(build_one: Callable) -> None:
    algorithm = build_one(make_config("qmix", PAIR, {"horizon": 4}))
    with torch.no_grad():
        algorithm.learner_group._learner.module["mixer"].network.make_b1.weight.fill_(torch.nan)
    with pytest.raises(DivergedError, match="the loss of module 'agents' is nan"):
        algorithm.train()


def test_what_cannot_be_is_refused_with_a_reason() -> None:
    with pytest.raises(ValueError, match="unknown setting of value factorization 'mixing_sise'; did you mean"):
        QMIXConfig().training(mixing_sise=8)
    with pytest.raises(ValueError, match="train_batch_size_per_learner is called episodes_per_update here"):
        QMIXConfig().training(train_batch_size_per_learner=8)
    with pytest.raises(TrainingError, match="num_learners must be 0, got 1"):
        make_config("qmix", PAIR).learners(num_learners=1).validate()
    with pytest.raises(TrainingError, match="batch_mode must be 'complete_episodes'"):
        make_config("qmix", PAIR).env_runners(batch_mode="truncate_episodes").validate()
    with pytest.raises(TrainingError, match="value factorization needs Discrete actions; 'walkers' have Box"):
        make_config("qmix", "probe/everything_v0").validate()
    with pytest.raises(TrainingError, match=r"cannot call \['on_episode_step'\]"):
        make_config("qmix", PAIR).callbacks(on_episode_step=print).validate()


def test_the_readme_has_the_defaults() -> None:
    readme = Path(__file__).parents[3] / "marl/qmix/README.md"
    rows = re.findall(r"^\| `(\w+)` \| `(.*?)` \|", readme.read_text(), re.MULTILINE)
    assert {name: literal_eval(default) for name, default in rows} == vars(FactorizationSettings())
