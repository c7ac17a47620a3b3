from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from one_policy_per_group import one_policy_per_group
from played_steps import MakeConfig, Step, number_of, play, steps_of, stretch_of
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.connectors.learner.add_next_observations_from_episodes_to_train_batch import (
    AddNextObservationsFromEpisodesToTrainBatch,
)
from ray.rllib.core.columns import Columns
from ray.rllib.env.single_agent_episode import SingleAgentEpisode
from ray.rllib.utils.replay_buffers.episode_replay_buffer import EpisodeReplayBuffer

from marl.rllib import Fragment
from marl.rllib.replay.replay_buffer import ReplayBuffer

DILEMMA, KITCHEN, PROBE = "matrix/prisoners_dilemma_v0", "overcooked/cramped_room_v0", "probe/everything_v0"
SCISSORS = "matrix/rock_paper_scissors_v0"
GAMMA = 0.9

WORLDS: list[tuple[str, dict[str, Any], Callable[[PPOConfig], Any]]] = [
    (DILEMMA, {"horizon": 7}, lambda config: None),
    (KITCHEN, {"horizon": 9}, lambda config: None),
    (PROBE, {}, one_policy_per_group),
    (SCISSORS, {"horizon": 4, "legal_actions": [[True, False, True], [False, True, True]]}, lambda config: None),
]
ROOMY = 10**5


def check(buffer: ReplayBuffer, steps: dict[int, Step], module_id: str, n_step: Any = 1, num: int = 400) -> set[int]:
    """Compares drawn transitions with the steps that were played, and returns the numbers of the drawn ones."""
    low, high = (n_step, n_step) if isinstance(n_step, int) else n_step
    columns = buffer.sample(module_id, num, n_step=n_step, gamma=GAMMA).columns
    numbers = [number_of(action) for action in columns["actions"]]
    for i, number in enumerate(numbers):
        longest = stretch_of(steps, number, high)
        count = int(columns["n_step"][i])
        assert min(low, len(longest)) <= count <= len(longest)
        stretch = longest[:count]
        assert stretch[0].module == module_id
        np.testing.assert_array_equal(columns["obs"][i], stretch[0].obs)
        total = sum(GAMMA**k * step.reward for k, step in enumerate(stretch))
        assert columns["rewards"][i] == pytest.approx(total, abs=1e-5)
        assert columns["terminateds"][i] == stretch[-1].is_terminal
        np.testing.assert_array_equal(columns["new_obs"][i], stretch[-1].new_obs)
        assert ("action_mask" in columns) == (stretch[0].mask is not None)
        if "action_mask" in columns:
            np.testing.assert_array_equal(columns["action_mask"][i], stretch[0].mask)
            np.testing.assert_array_equal(columns["next_action_mask"][i], stretch[-1].next_mask)
    return set(numbers)


def check_all(buffer: ReplayBuffer, steps: dict[int, Step]) -> None:
    for module_id in buffer.module_ids:
        for n_step in (1, 3, (1, 4)):
            check(buffer, steps, module_id, n_step)


@pytest.mark.parametrize(("id", "world", "setup"), WORLDS)
@pytest.mark.parametrize("alpha", [None, 0.6])
@pytest.mark.parametrize("capacity", [ROOMY, 5 * 17])
def test_transitions_are_what_was_played(
    ppo: MakeConfig, id: str, world: dict[str, Any], setup: Any, alpha: float | None, capacity: int
) -> None:
    config = ppo(id, settings=world, num_envs=5, setup=setup)
    fragments = play(config, [1, 6, 1, 30, 2, 13])
    buffer = ReplayBuffer(capacity, alpha=alpha, seed=1)
    for i, fragment in enumerate(fragments):
        buffer.add([fragment])
        check_all(buffer, steps_of(fragments[: i + 1]))
        assert buffer.num_env_steps == min(capacity, sum(f.env_steps() for f in fragments[: i + 1]))


@pytest.mark.parametrize(("id", "world", "setup"), WORLDS)
@pytest.mark.parametrize("alpha", [None, 0.6])
def test_every_stored_step_can_be_drawn_and_no_other(
    ppo: MakeConfig, id: str, world: dict[str, Any], setup: Any, alpha: float | None
) -> None:
    fragments = play(ppo(id, settings=world, num_envs=5, setup=setup), [1, 9, 5, 4])
    steps = steps_of(fragments)
    buffer = ReplayBuffer(5 * 11, alpha=alpha, seed=1)
    buffer.add(fragments)
    assert buffer.module_ids
    for module_id in buffer.module_ids:
        newest = {number for number, step in steps.items() if step.t >= 19 - 11 and step.module == module_id}
        assert buffer.num_module_steps(module_id) == len(newest)
        assert check(buffer, steps, module_id, num=40 * len(newest)) == newest


def test_a_fragment_longer_than_the_buffer_leaves_its_newest_steps(ppo: MakeConfig) -> None:
    fragments = play(ppo(DILEMMA, settings={"horizon": 7}, num_envs=5), [6, 40])
    buffer = ReplayBuffer(5 * 8, seed=1)
    buffer.add(fragments)
    steps = steps_of(fragments)
    newest = {number for number, step in steps.items() if step.t >= 46 - 8}
    assert check(buffer, steps, "default_policy", n_step=3, num=4000) == newest
    assert buffer.num_env_steps == 40


@pytest.mark.parametrize("capacity", [ROOMY, 5 * 15])
def test_nothing_crosses_a_lost_fragment_or_a_fresh_start(ppo: MakeConfig, capacity: int) -> None:
    played = play(ppo(PROBE, num_envs=5, setup=one_policy_per_group), [4, 3, 2, 5, 6, 4, 3])
    fragments = [played[i] for i in (0, 1, 3, 4, 5, 6)]  # 2 got lost
    fragments[3].starts_fresh = True
    fragments[4].source = (0, 0)  # as after a restart
    buffer = ReplayBuffer(capacity, seed=1)
    for i, fragment in enumerate(fragments):
        buffer.add([fragment])
        check_all(buffer, steps_of(fragments[: i + 1]))
    # The step before a gap goes on with what was seen after it, and does not count as an end.
    steps = steps_of(fragments)
    before_gap = [s for s in steps.values() if s.t == 6 and s.following is None and not s.is_terminal]
    assert before_gap or capacity != ROOMY


def test_two_runners_keep_apart(ppo: MakeConfig) -> None:
    config = ppo(PROBE, num_envs=3, setup=one_policy_per_group)
    first, second = (play(config, [4, 5, 9, 3], worker_index=worker) for worker in (1, 2))
    steps = {**steps_of(first), **steps_of(second)}
    for capacity in (ROOMY, 2 * 3 * 7):
        buffer = ReplayBuffer(capacity, num_runners=2, seed=1)
        for pair in zip(first, second, strict=True):
            buffer.add(list(pair))
        check_all(buffer, steps)
        drawn = check(buffer, steps, "walker", num=2000)
        assert {steps[number].env[0] for number in drawn} == {1, 2}
        assert buffer.num_env_steps == min(capacity, 2 * 3 * 21)
    with pytest.raises(ValueError, match=r"num_runners=2.*\[1, 2\]"):
        buffer.add(play(config, [2], worker_index=3))


def test_whole_episodes_leave_out_envs_that_are_done(ppo: MakeConfig) -> None:
    config = ppo(PROBE, num_envs=4, setup=one_policy_per_group)
    fragments = play(config, [0, 0], num_episodes=6)
    assert not all(fragment.is_active.all() for fragment in fragments)
    steps = steps_of(fragments)
    buffer = ReplayBuffer(ROOMY, seed=1)
    buffer.add(fragments)
    assert buffer.num_env_steps == sum(fragment.env_steps() for fragment in fragments)
    check_all(buffer, steps)
    for module_id in buffer.module_ids:
        assert buffer.num_module_steps(module_id) == sum(step.module == module_id for step in steps.values())


def test_agents_may_change_their_module_between_fragments(ppo: MakeConfig) -> None:
    fragments = play(ppo(DILEMMA, settings={"horizon": 30}, num_envs=3), [4, 5, 3, 6, 4])
    seatings = (("a", "b"), ("a", "a"), ("b", "a"), ("c", "c"), ("a", "b"))
    for fragment, modules in zip(fragments, seatings, strict=True):
        fragment.groups = {name: replace(group, modules=modules) for name, group in fragment.groups.items()}
    steps = steps_of(fragments)
    for capacity in (ROOMY, 3 * 9):
        buffer = ReplayBuffer(capacity, alpha=0.5, seed=1)
        buffer.add(fragments)
        assert set(buffer.module_ids) == {"a", "b", "c"}
        for module_id in "abc":
            drawn = check(buffer, steps, module_id, n_step=3, num=3000)
            assert len(drawn) == buffer.num_module_steps(module_id)
    buffer.add(play(ppo(DILEMMA, settings={"horizon": 30}, num_envs=3), [9]))
    assert buffer.module_ids == ["default_policy"]
    with pytest.raises(ValueError, match="no step of module 'a' is left"):
        buffer.sample("a", 3)


# ---- as RLlib's own buffer ----


def episodes_of(fragment: Fragment) -> list[SingleAgentEpisode]:
    """Returns the steps of the fragment's one group as RLlib's episodes."""
    (group,) = fragment.groups.values()
    episodes = []
    for e in range(len(fragment)):
        stops = [*(np.flatnonzero(fragment.ended[:, e]) + 1), len(fragment.ended)]
        for p in range(len(group.agents)):
            for first, stop in zip([0, *stops[:-1]], stops, strict=True):
                if first == stop:
                    continue
                seen = list(group.observations[first : stop + 1, e, p].astype(np.float32))
                final = np.flatnonzero((fragment.final_index == (stop - 1, e)).all(axis=1))
                if len(final):
                    seen[-1] = group.final_observations[final[0], p].astype(np.float32)
                has_terminated = bool(group.terminations[stop - 1, e, p])
                episodes.append(
                    SingleAgentEpisode(
                        observations=seen,
                        actions=list(group.actions[first:stop, e, p]),
                        rewards=list(group.rewards[first:stop, e, p].astype(float)),
                        terminated=has_terminated,
                        truncated=bool(len(final)) and not has_terminated,
                        len_lookback_buffer=0,
                    )
                )
    return episodes


def rllib_rows(sampled: list[SingleAgentEpisode]) -> list[tuple[Any, ...]]:
    """Returns what RLlib's connector and its batch conversion make of sampled episodes, a row each."""
    batch = AddNextObservationsFromEpisodesToTrainBatch()(
        rl_module=None, batch={}, episodes=sampled, explore=False, shared_data={}
    )
    after = {key: iter(np.stack(rows).reshape(len(rows), -1)) for key, rows in batch[Columns.NEXT_OBS].items()}
    return [
        (
            number_of(episode.get_actions(0)),
            episode.get_observations(0),
            next(after[(episode.id_,)]),
            episode.get_rewards(0),
            episode.is_terminated,
            np.ravel(episode.get_extra_model_outputs("n_step"))[0],
        )
        for episode in sampled
    ]


@pytest.mark.parametrize("n_step", [1, 3])
def test_columns_are_those_of_rllibs_own_buffer(ppo: MakeConfig, n_step: int) -> None:
    (fragment,) = play(ppo(DILEMMA, settings={"horizon": 7}, num_envs=2), [24])
    theirs = EpisodeReplayBuffer(capacity=ROOMY)
    theirs.add(episodes_of(fragment))
    ours = ReplayBuffer(ROOMY, seed=1)
    ours.add([fragment])
    sampled = theirs.sample(num_items=400, n_step=n_step, gamma=GAMMA, sample_episodes=True)
    expected = {row[0]: row[1:] for row in rllib_rows(sampled)}
    columns = ours.sample("default_policy", 2000, n_step=n_step, gamma=GAMMA).columns
    found = {number_of(action): i for i, action in enumerate(columns["actions"])}
    assert set(expected) <= set(found)
    for number, (obs, new_obs, rewards, is_terminated, claimed) in expected.items():
        i = found[number]
        np.testing.assert_array_equal(columns["obs"][i], obs)
        np.testing.assert_array_equal(columns["new_obs"][i], new_obs)
        assert columns["rewards"][i] == pytest.approx(rewards)
        # Where fewer than n steps are left RLlib still says n, and that the episode was not over. (Its buffer for many
        # agents draws again there, so that the last n - 1 steps of an episode are never learned from).
        is_whole = columns["n_step"][i] == claimed
        assert is_whole or columns["n_step"][i] < claimed == n_step
        assert columns["terminateds"][i] == is_terminated or not is_whole


# ---- priorities ----


def test_draws_follow_the_priorities_and_weights_make_up_for_it(ppo: MakeConfig) -> None:
    fragments = play(ppo(DILEMMA, settings={"horizon": 7}, num_envs=5), [4])
    buffer = ReplayBuffer(ROOMY, alpha=0.5, seed=3)
    buffer.add(fragments)
    every = np.unique(buffer.sample("default_policy", 2000).leaves)
    assert len(every) == 40
    priorities = np.linspace(0.0, 4.0, 40)
    buffer.update_priorities("default_policy", every, priorities)
    sampled = buffer.sample("default_policy", 50_000, beta=0.4)
    found = np.bincount(np.searchsorted(every, sampled.leaves), minlength=40)
    probability = priorities**0.5 / (priorities**0.5).sum()  # Schaul et al. 2016, eq. 1
    assert found[0] == 0  # 1e-12 to the 0.5 is 1e-6, of 50
    expected = 50_000 * probability[1:]
    # Chi-square with 38 degrees of freedom exceeds 70 once in 1000 times; the seed is fixed.
    assert ((found[1:] - expected) ** 2 / expected).sum() < 70
    # Importance weights, section 3.4: relative to the largest there is, that of the least likely transition.
    least = 1e-12**0.5
    place = np.searchsorted(every, sampled.leaves)
    np.testing.assert_allclose(sampled.columns["weights"], (priorities[place] ** 0.5 / least) ** -0.4, rtol=1e-5)


def test_weights_by_hand(ppo: MakeConfig) -> None:
    buffer = ReplayBuffer(ROOMY, alpha=1.0, seed=3)
    buffer.add(play(ppo(DILEMMA, num_envs=1), [1]))
    one, other = np.unique(buffer.sample("default_policy", 50).leaves)
    buffer.update_priorities("default_policy", np.array([one, other]), np.array([1.0, 4.0]))
    sampled = buffer.sample("default_policy", 50, beta=0.5)
    # P = 1/5, 4/5; (2 P)^-0.5 = 1.581, 0.791; divided by the larger: 1, 0.5.
    np.testing.assert_allclose(sampled.columns["weights"], np.where(sampled.leaves == one, 1.0, 0.5), rtol=1e-6)


def test_new_steps_get_the_largest_priority(ppo: MakeConfig) -> None:
    first, second = play(ppo(DILEMMA, num_envs=4), [2, 2])
    buffer = ReplayBuffer(ROOMY, alpha=1.0, seed=3)
    buffer.add([first])
    old = np.unique(buffer.sample("default_policy", 1000).leaves)
    buffer.update_priorities("default_policy", old, np.full(16, 0.001))
    buffer.update_priorities("default_policy", old[:1], np.array([7.0]))
    buffer.update_priorities("default_policy", old[:1], np.array([0.001]))
    buffer.add([second])
    sampled = buffer.sample("default_policy", 1000, beta=1.0)
    assert np.isin(sampled.leaves, old).mean() < 0.01  # 16 of 0.001 beside 16 of 7
    np.testing.assert_allclose(sampled.columns["weights"].min(), 0.001 / 7.0, rtol=1e-5)


# ---- sequences ----


@pytest.mark.parametrize(("id", "world", "setup"), WORLDS)
@pytest.mark.parametrize("capacity", [ROOMY, 5 * 17])
def test_sequences_are_stretches_of_one_episode_with_all_agents(
    ppo: MakeConfig, id: str, world: dict[str, Any], setup: Any, capacity: int
) -> None:
    played = play(ppo(id, settings=world, num_envs=5, setup=setup), [1, 6, 4, 30, 2, 13])
    fragments = [*played[:2], *played[3:]]
    steps = steps_of(fragments)
    buffer = ReplayBuffer(capacity, seed=1)
    buffer.add(fragments)
    mask, groups = buffer.sample_sequences(60, 6)
    assert mask.shape == (60, 6)
    assert mask[:, 0].all()
    assert mask.any(axis=0)[:4].all()
    moments: dict[tuple[int, int], set[tuple[Any, int]]] = {}
    for name, columns in groups.items():
        assert columns["obs"].shape[:3] == (*mask.shape, len(fragments[0].groups[name].agents))
        for b, k in np.argwhere(~mask):
            assert not any(column[b, k].any() for column in columns.values())
        assert not (columns["alive"] & ~mask[:, :, None]).any()
        for b, k, p in np.argwhere(columns["alive"]):
            step = steps[number_of(columns["actions"][b, k, p])]
            assert step.group == name
            np.testing.assert_array_equal(columns["obs"][b, k, p], step.obs)
            np.testing.assert_array_equal(columns["new_obs"][b, k, p], step.new_obs)
            assert columns["rewards"][b, k, p] == step.reward
            assert columns["terminateds"][b, k, p] == step.is_terminal
            if step.mask is not None:
                np.testing.assert_array_equal(columns["action_mask"][b, k, p], step.mask)
                np.testing.assert_array_equal(columns["next_action_mask"][b, k, p], step.next_mask)
            # All agents of all groups stand in the same env, one step after the other.
            moments.setdefault((b, k), set()).add((step.env, step.t))
            if k + 1 < mask.shape[1] and step.following is not None and mask[b, k + 1]:
                assert number_of(columns["actions"][b, k + 1, p]) == step.following
    assert all(len(found) == 1 for found in moments.values())
    for (b, k), found in moments.items():
        if (b, k - 1) in moments:
            ((env, t),), ((env_before, t_before),) = found, moments[b, k - 1]
            assert (env, t) == (env_before, t_before + 1)


def test_a_sequence_is_cut_off_only_where_the_episode_or_the_data_end(ppo: MakeConfig) -> None:
    buffer = ReplayBuffer(ROOMY, seed=1)
    buffer.add(play(ppo(DILEMMA, settings={"horizon": 4}, num_envs=1), [6]))
    found = {tuple(row) for row in buffer.sample_sequences(200, 3).mask.astype(int).tolist()}
    # From steps 0 and 1 of the first episode three follow, then two, then one; of the second, two are there.
    assert found == {(1, 1, 1), (1, 1, 0), (1, 0, 0)}


# ---- memory, state, errors ----


@pytest.mark.parametrize("alpha", [None, 0.6])
def test_a_stored_step_takes_little_more_than_its_numbers(ppo: MakeConfig, alpha: float | None) -> None:
    fragments = play(ppo(KITCHEN, settings={"horizon": 10}, num_envs=16), [50] * 9)
    (group,) = fragments[0].groups.values()
    names = ("observations", "actions", "rewards", "terminations", "truncations", "alive")
    per_step = sum(getattr(group, name)[0, 0].nbytes for name in names)
    buffer = ReplayBuffer(16 * 400, alpha=alpha)
    buffer.add(fragments)
    assert buffer.num_env_steps == 16 * 400
    assert buffer.nbytes / buffer.num_env_steps <= 1.3 * per_step


@pytest.mark.parametrize("alpha", [None, 0.6])
def test_a_restored_buffer_draws_what_the_other_one_draws(ppo: MakeConfig, alpha: float | None) -> None:
    config = ppo(PROBE, num_envs=3, setup=one_policy_per_group)
    fragments = play(config, [4, 5, 9, 3, 6])
    buffer = ReplayBuffer(3 * 10, alpha=alpha, seed=1)
    buffer.add(fragments[:3])
    if alpha is not None:
        leaves = buffer.sample("walker", 30).leaves
        buffer.update_priorities("walker", leaves, np.linspace(0, 3, 30))
    restored = ReplayBuffer(3 * 10, alpha=alpha, seed=2)
    restored.set_state(buffer.get_state())
    for fragment in (None, *fragments[3:]):
        for each in (buffer, restored):
            if fragment is not None:
                each.add([fragment])
        for module_id in buffer.module_ids:
            expected, found = (each.sample(module_id, 50, n_step=(1, 3), beta=0.4) for each in (buffer, restored))
            np.testing.assert_equal(found, expected)
        np.testing.assert_equal(restored.sample_sequences(9, 4), buffer.sample_sequences(9, 4))
        assert restored.metrics() == buffer.metrics()


def plain(state: Any) -> bool:
    if isinstance(state, dict):
        return all(isinstance(key, str | int) and plain(value) for key, value in state.items())
    if isinstance(state, list | tuple):
        return all(map(plain, state))
    return state is None or isinstance(state, str | bool | int | float | np.ndarray)


def test_a_state_is_made_of_arrays_numbers_and_strings(ppo: MakeConfig) -> None:
    buffer = ReplayBuffer(100, alpha=0.6, seed=1)
    buffer.add(play(ppo(PROBE, num_envs=3, setup=one_policy_per_group), [8]))
    assert plain(buffer.get_state())


def test_metrics_count_what_came_and_went(ppo: MakeConfig) -> None:
    buffer = ReplayBuffer(5 * 6, seed=1)
    buffer.add(play(ppo(DILEMMA, num_envs=5), [4, 5]))
    assert buffer.metrics() == {
        "num_env_steps_stored": 30,
        "num_env_steps_added_lifetime": 45,
        "num_env_steps_evicted_lifetime": 15,
        "num_module_steps_stored": {"default_policy": 60},
    }


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ReplayBuffer(0), "capacity must be"),
        (lambda: ReplayBuffer(2.5), "capacity must be"),  # type: ignore[arg-type]
        (lambda: ReplayBuffer(9, alpha=-1.0), "alpha must be"),
        (lambda: ReplayBuffer(9, num_runners=0), "num_runners must be"),
        (lambda: ReplayBuffer(9).sample("a", 3), "is empty"),
        (lambda: ReplayBuffer(9).sample_sequences(3, 2), "is empty"),
        (lambda: ReplayBuffer(9).set_state(ReplayBuffer(8).get_state()), "'capacity': 8"),
    ],
)
def test_what_cannot_work_is_refused(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_a_filled_buffer_refuses_bad_requests(ppo: MakeConfig) -> None:
    config = ppo(DILEMMA, num_envs=5)
    fragments = play(config, [4])
    with pytest.raises(ValueError, match="capacity 4 holds not one step of the 5 envs"):
        ReplayBuffer(4).add(fragments)
    buffer = ReplayBuffer(100, seed=1)
    buffer.add(fragments)
    with pytest.raises(ValueError, match="unknown module in the replay buffer 'defaultpolicy'; did you mean"):
        buffer.sample("defaultpolicy", 3)
    for n_step in (0, (0, 2), (3, 2)):
        with pytest.raises(ValueError, match="n_step must be"):
            buffer.sample("default_policy", 3, n_step=n_step)
    with pytest.raises(ValueError, match="keeps no priorities"):
        buffer.update_priorities("default_policy", np.zeros(1, int), np.ones(1))
    with pytest.raises(ValueError, match="the buffer holds"):
        buffer.add(play(ppo(DILEMMA, num_envs=6), [4]))
