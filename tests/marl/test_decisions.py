"""Steps of waiting are folded into the decision before them, within a fragment and across fragments."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.evaluation.postprocessing import Postprocessing

import econ  # noqa: F401 - registers its worlds
from agents.random_player import RandomPlayer
from marl.rllib import ActorCriticModule, BatchedEnvRunner, Fragment, GroupFragment, use_batched_runner
from marl.rllib.learner.advantages import Discounts, generalized_advantages
from marl.rllib.learner.decision_rows import module_rows
from marl.rllib.learner.played import Played
from marl.rllib.runner.decisions import carry_over

KUHN, ONE_STEP = "cards/kuhn_poker_v0", "econ/one_step_v0"
NUM_FEATURES = 4


def test_a_hand_worked_decision_spans_its_steps_of_waiting() -> None:
    # gamma 0.5, lambda 0.5. Decisions at steps 0, 3 and 4; the agent waits in steps 1, 2 and 5, which ends the episode.
    r_t = np.array([1, 2, 4, 1, 0, 8], np.float32)
    v_t = np.array([3, 0, 0, 8, 2, 0], np.float32)
    v_tp1 = np.array([0, 0, 8, 2, 0, 0], np.float32)
    goes_on = np.array([True, True, True, True, True, False])
    waits_tp1 = np.array([True, True, False, False, True, True])
    found = generalized_advantages(r_t, v_t, v_tp1, goes_on, Discounts(0.5, 0.5), waits_tp1)
    # At 4: two steps to the end, 0 + 0.5 * 8 - 2 = 2. At 3: 1 + 0.5 * 2 - 8 = -6, and 0.5 * 0.5 * 2 = 0.5 more.
    # At 0: three steps, 1 + 0.5 * 2 + 0.25 * 4 + 0.125 * 8 - 3 = 1, and 0.125 * 0.5 * -5.5 = -0.34375 more.
    np.testing.assert_allclose(found[[0, 3, 4]], [1 - 0.34375, -5.5, 2])


@pytest.fixture
def module() -> ActorCriticModule:
    return make_module(NUM_FEATURES, 2)


def make_module(num_features: int, num_actions: int) -> ActorCriticModule:
    torch.manual_seed(0)
    spec = RLModuleSpec(
        module_class=ActorCriticModule,
        observation_space=gymnasium.spaces.Box(-9, 9, (num_features,), np.float32),
        action_space=gymnasium.spaces.Discrete(num_actions),
        model_config={"fcnet_hiddens": [16]},
    )
    return spec.build()


def random_fragment(num_steps: int, num_envs: int = 5, num_agents: int = 2) -> Fragment:
    """Agents wait in two of three steps, episodes end at random by rule or by time."""
    rng = np.random.default_rng(7)
    shape = (num_steps, num_envs, num_agents)
    longer = (num_steps + 1, num_envs, num_agents)
    ended = rng.random(shape[:2]) < 0.1
    is_terminal = ended & (rng.random(shape[:2]) < 0.5)
    masks = np.ones((*longer, 2), np.uint8)
    masks[rng.random(longer) < 2 / 3, 1] = 0
    index = np.argwhere(ended)
    group = GroupFragment(
        agents=("a_0", "a_1"),
        modules=("m", "m"),
        observations=rng.normal(size=(*longer, NUM_FEATURES)).astype(np.float32),
        action_masks=masks,
        alive=np.ones(longer, bool),
        actions=rng.integers(2, size=shape),
        action_dist_inputs=rng.normal(size=(*shape, 2)).astype(np.float32),
        action_logp=np.full(shape, -1.0, np.float32),
        rewards=rng.normal(size=shape).astype(np.float32),
        terminations=np.repeat(is_terminal[:, :, None], num_agents, axis=2),
        truncations=np.repeat((ended & ~is_terminal)[:, :, None], num_agents, axis=2),
        final_observations=rng.normal(size=(len(index), num_agents, NUM_FEATURES)).astype(np.float32),
    )
    return Fragment({"all": group}, ended, index, np.ones_like(ended))


def targets_one_by_one(fragment: Fragment, module: Any, discounts: Discounts) -> dict[tuple[int, int, int], float]:
    """Value targets of all decisions whose outcome is known, agent by agent, from the definition."""
    (group,) = fragment.groups.values()
    gamma, lambda_ = discounts
    finals = {
        tuple(place): row for place, row in zip(fragment.final_index.tolist(), group.final_observations, strict=True)
    }

    def value(observation: np.ndarray) -> float:
        return module.compute_values({Columns.OBS: torch.from_numpy(observation[None])}).item()

    num_steps, num_envs, num_agents = group.rewards.shape
    targets = {}
    for e in range(num_envs):
        for p in range(num_agents):
            decides = group.action_masks[:, e, p].sum(axis=-1) == 2
            advantage, following = 0.0, None
            for t in reversed(np.flatnonzero(decides[:-1])):
                sums, discount, k = float(group.rewards[t, e, p]), gamma, t
                while k + 1 < num_steps and not fragment.ended[k, e] and not decides[k + 1]:
                    k += 1
                    sums += discount * group.rewards[k, e, p]
                    discount *= gamma
                has_ended = fragment.ended[k, e]
                if not has_ended and not decides[k + 1]:
                    continue  # the fragment is over, and the agent still waits
                if has_ended:
                    worth = 0.0 if group.terminations[k, e, p] else value(finals[k, e][p])
                else:
                    worth = value(group.observations[k + 1, e, p])
                if has_ended or following != k + 1:
                    advantage = 0.0
                here = value(group.observations[t, e, p])
                advantage = sums + discount * worth - here + discount * lambda_ * advantage
                targets[int(t), e, p], following = advantage + here, t
    return targets


def test_rows_are_the_decisions_and_their_targets_those_of_the_definition(module: ActorCriticModule) -> None:
    fragment = random_fragment(60)
    discounts = Discounts(gamma=0.9, lambda_=0.7)
    expected = targets_one_by_one(fragment, module, discounts)
    played = Played(fragment, fragment.groups["all"], slice(None))
    rows = module_rows(module, played, discounts)
    places = zip(*(axis.tolist() for axis in np.nonzero(played.is_row)), strict=True)
    found = dict(zip(places, rows[Postprocessing.VALUE_TARGETS], strict=True))
    assert found.keys() == expected.keys()
    assert len(found) == len(rows[Columns.OBS]) < 250
    assert found == pytest.approx(expected, abs=1e-4)


def seen_done_and_worth(fragments: list[Fragment], name: str, module: Any, discounts: Discounts) -> np.ndarray:
    """All rows of a group, [B, D + A + 1]: what was seen, what was done, the value target; sorted."""
    found = []
    for fragment in fragments:
        rows = module_rows(module, Played(fragment, fragment.groups[name], slice(None)), discounts)
        parts = [rows[column] for column in (Columns.OBS, Columns.ACTIONS, Postprocessing.VALUE_TARGETS)]
        found.append(np.column_stack([part.reshape(len(part), math.prod(part.shape[1:])) for part in parts]))
    table = np.concatenate(found)
    return table[np.lexsort(table.T[::-1])]


SLOW_TAX = {"num_workers": 2, "tax_period": 4, "horizon": 12, "bracket_spacing": "custom", "bracket_cutoffs": (0, 50)}


def two_policies(config: PPOConfig) -> None:
    config.multi_agent(policies={"planner", "worker"}, policy_mapping_fn=lambda agent, *a, **k: agent.split("_")[0])


def cut(fragment: Fragment, length: int, gamma: float) -> list[Fragment]:
    """The same steps in fragments of a length, with the decisions that each leaves to the next."""
    parts: list[Fragment] = []
    for first in range(0, len(fragment.ended), length):
        steps, seen = slice(first, first + length), slice(first, first + length + 1)
        is_kept = (fragment.final_index[:, 0] >= first) & (fragment.final_index[:, 0] < first + length)
        groups = {}
        for name, group in fragment.groups.items():
            arrays = {key: array for key, array in vars(group).items() if isinstance(array, np.ndarray)}
            finals = arrays.pop("final_observations")[is_kept]
            longer = ("observations", "action_masks", "alive")
            arrays = {key: array[seen if key in longer else steps] for key, array in arrays.items()}
            groups[name] = replace(group, **arrays, final_observations=finals)
        if parts:
            gammas = dict.fromkeys(("m", "planner", "worker"), gamma)
            for name, opened in carry_over(parts[-1], gammas).items():
                groups[name].opened = opened
        index = fragment.final_index[is_kept] - [first, 0]
        parts.append(Fragment(groups, fragment.ended[steps], index, fragment.is_active[steps]))
    return parts


@pytest.mark.parametrize("length", [1, 3, 7])
@pytest.mark.parametrize("id", ["random", ONE_STEP])
def test_where_fragments_are_cut_changes_no_row(ppo: Callable[..., PPOConfig], id: str, length: int) -> None:
    """With lambda 0 a target is what follows until the next decision and V there, wherever the cuts are."""
    discounts = Discounts(gamma=0.9, lambda_=0.0)
    whole = random_fragment(42)
    if id == ONE_STEP:
        config = ppo(ONE_STEP, num_envs=6, length=42, settings=SLOW_TAX, setup=two_policies)
        (whole,) = BatchedEnvRunner(config=config, worker_index=0).sample()
    for name, group in whole.groups.items():
        module = make_module(group.observations.shape[-1], 2)
        expected = seen_done_and_worth([whole], name, module, discounts)
        found = seen_done_and_worth(cut(whole, length, discounts.gamma), name, module, discounts)
        assert len(expected) == len(found) > 50
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_a_runner_hands_open_decisions_on(ppo: Callable[..., PPOConfig]) -> None:
    """The same hands of poker in one fragment and in fourteen."""
    discounts = Discounts(gamma=0.9, lambda_=0.0)
    runs = []
    for num_fragments, steps in ((1, 42), (14, 3)):
        config = ppo(KUHN, num_envs=6, length=steps)
        config.training(gamma=discounts.gamma)
        runner = BatchedEnvRunner(config=config, worker_index=0)
        fragments = [fragment for _ in range(num_fragments) for fragment in runner.sample()]
        runs.append(seen_done_and_worth(fragments, "players", make_module(11, 2), discounts))
    assert len(runs[0]) > 200
    np.testing.assert_allclose(*runs, rtol=1e-5, atol=1e-5)


def test_a_decision_is_kept_through_fragments_of_waiting(ppo: Callable[..., PPOConfig]) -> None:
    config = ppo(ONE_STEP, num_envs=2, length=1, settings=SLOW_TAX, setup=two_policies)
    config.training(gamma=0.5)
    runner = BatchedEnvRunner(config=config, worker_index=0)
    fragments = [runner.sample()[0] for _ in range(5)]
    opened = [fragment.groups["planner"].opened for fragment in fragments]
    assert opened[0] is None
    for k in (1, 2, 3):  # the period's first step was fragment 0
        assert opened[k].places.tolist() == [[0, 0], [1, 0]]
        np.testing.assert_array_equal(opened[k].actions, fragments[0].groups["planner"].actions[0, :, 0])
        np.testing.assert_array_equal(opened[k].discounts, [0.5**k] * 2)
        rewards = [0.5**t * fragments[t].groups["planner"].rewards[0, :, 0] for t in range(k)]
        np.testing.assert_allclose(opened[k].rewards, sum(rewards), rtol=1e-6)
    assert opened[4] is None  # fragment 3 ended with the next decision in sight
    part = fragments[2][1:2].groups["planner"].opened
    assert part.places.tolist() == [[0, 0]]
    np.testing.assert_array_equal(part.actions, opened[2].actions[1:])


def test_a_restored_runner_still_knows_its_open_decisions(ppo: Callable[..., PPOConfig]) -> None:
    runners = [BatchedEnvRunner(config=ppo(KUHN, num_envs=8, length=5), worker_index=0) for _ in range(2)]
    runners[0].sample()
    runners[1].set_state(runners[0].get_state())
    (one,), (other,) = (runner.sample() for runner in runners)
    ours, theirs = one.groups["players"].opened, other.groups["players"].opened
    assert len(ours) > 0
    for name, array in vars(ours).items():
        np.testing.assert_array_equal(array, getattr(theirs, name), err_msg=name)


def test_a_new_start_and_another_module_leave_no_open_decisions(ppo: Callable[..., PPOConfig]) -> None:
    def swap_seats(config: PPOConfig) -> None:
        def policy_of(agent: str, argument: Any, **kwargs: Any) -> str:
            return f"p{(int(agent[-1]) + argument.id_ // 2) % 2}"  # seats change after every second fragment

        config.multi_agent(policies={"p0", "p1"}, policy_mapping_fn=policy_of)

    runner = BatchedEnvRunner(config=ppo(KUHN, num_envs=8, length=5, setup=swap_seats), worker_index=0)
    opened = [runner.sample()[0].groups["players"].opened for _ in range(3)]
    assert [None if found is None else len(found) > 0 for found in opened] == [None, True, False]
    assert runner.sample(force_reset=True)[0].groups["players"].opened is None


def test_scripted_players_may_have_actions_of_several_parts() -> None:
    config = PPOConfig().environment(ONE_STEP, env_config=SLOW_TAX)
    config.env_runners(num_env_runners=0, num_envs_per_env_runner=3, rollout_fragment_length=8)
    two_policies(config)
    config.training(num_epochs=1, minibatch_size=24)
    runner = BatchedEnvRunner(config=use_batched_runner(config, players={"planner": RandomPlayer}), worker_index=0)
    (fragment,) = runner.sample()
    chosen = fragment.groups["planner"].actions[:, :, 0]
    assert chosen[[0, 4]].any()
    assert not chosen[[1, 2, 3, 5, 6, 7]].any()
