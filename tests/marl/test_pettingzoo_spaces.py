"""What RLlib sees and does in PettingZoo's environments: observations, actions and masks of every kind of space."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import toy_worlds
from gymnasium import spaces
from pettingzoo_play import play_episode, ppo
from toy_worlds import Masked, MaskedInInfos, Toy

from marl.rllib import PettingZooMultiAgentEnv

BOX = np.array([[1.5, -2.0], [0.25, 3.0]])
CASES: dict[str, tuple[spaces.Space, Any, list[float]]] = {
    "float64": (spaces.Box(-1e300, 1e300, (2, 2), np.float64), BOX, [1.5, -2, 0.25, 3]),
    "bytes": (spaces.Box(0, 255, (1, 2, 2), np.uint8), np.arange(252, 256).reshape(1, 2, 2), [252, 253, 254, 255]),
    "discrete": (spaces.Discrete(3, start=5), 6, [0, 1, 0]),
    "multi-discrete": (spaces.MultiDiscrete([2, 3]), [1, 0], [0, 1, 1, 0, 0]),
    "bits": (spaces.MultiBinary(3), [1, 0, 1], [1, 0, 1]),
    "tuple": (spaces.Tuple([spaces.Discrete(2), spaces.Box(0, 1, (1,))]), (1, [0.5]), [0, 1, 0.5]),
    "dict": (spaces.Dict({"b": spaces.Discrete(2), "a": spaces.Box(0, 1, (1,))}), {"a": [0.5], "b": 0}, [0.5, 1, 0]),
}


def seeing(space: spaces.Space, observation: Any) -> Toy:
    class Seeing(Toy):
        observed = space

        def observe(self, agent: str, action: Any) -> Any:
            return observation

    return Seeing()


@pytest.mark.parametrize("name", CASES)
def test_every_observation_becomes_a_flat_row_of_float32(name: str) -> None:
    space, observation, row = CASES[name]
    env = PettingZooMultiAgentEnv(seeing(space, observation))
    seen = env.reset()[0]["a"]
    assert seen.dtype == np.float32
    assert seen.tolist() == row
    assert env.observation_spaces["a"].shape == seen.shape
    assert env.observation_spaces["a"].contains(seen)
    assert len(play_episode(ppo(lambda: seeing(space, observation))).agent_episodes["b"]) == 6


@pytest.mark.parametrize("name", ["float64", "bytes", "dict"])
def test_boxes_stay_as_they_are_where_nobody_wants_them_flat(name: str) -> None:
    space, observation, row = CASES[name]
    env = PettingZooMultiAgentEnv(seeing(space, observation), flatten=False)
    seen = env.reset()[0]["a"]
    if name == "dict":
        assert seen.tolist() == row
    else:
        assert env.observation_spaces["a"] is space
        assert (seen.shape, seen.dtype) == (space.shape, space.dtype)
        np.testing.assert_array_equal(seen, observation)


def test_observations_are_copies() -> None:
    board = np.zeros(2)
    for flatten in (True, False):
        env = PettingZooMultiAgentEnv(seeing(Toy.observed, board), flatten=flatten)
        env.reset()[0]["a"][:] = 7
    assert not board.any()


def test_an_observation_without_a_fixed_size_is_refused() -> None:
    with pytest.raises(ValueError, match=r"agent 'a' of Seeing observes Sequence.*no fixed size"):
        PettingZooMultiAgentEnv(seeing(spaces.Sequence(spaces.Discrete(2)), ()))


@pytest.mark.parametrize(
    ("space", "chosen", "received"),
    [
        (spaces.Discrete(3, start=-1), np.int64(0), -1),
        (spaces.MultiDiscrete([2, 3], start=[1, 0]), np.array([1, 2]), [2, 2]),
        (spaces.Box(-1, 1, (2,), np.float64), np.array([0.5, -1], np.float32), [0.5, -1]),
        (spaces.Box(-1, 1, (2,), np.float32), np.array([0.5, -1], np.float64), [0.5, -1]),
        (spaces.MultiBinary(2), np.array([1, 0], np.int8), [1, 0]),
    ],
    ids=str,
)
def test_actions_arrive_as_the_environment_wants_them(space: spaces.Space, chosen: Any, received: Any) -> None:
    class Unpaid(Toy):
        acted = space

        def step(self, actions: dict[str, Any]) -> toy_worlds.Dicts:
            assert all(space.contains(action) for action in actions.values())
            self.received = actions["a"]
            self.t += 1
            everyone = self.agents
            self.agents = [] if self.t == self.horizon else everyone
            flags = dict.fromkeys(everyone, not self.agents)
            return {a: np.zeros(2) for a in everyone}, dict.fromkeys(everyone, 1.0), flags, flags, {}

    env = PettingZooMultiAgentEnv(Unpaid())
    env.reset()
    env.step(dict.fromkeys("abc", chosen))
    np.testing.assert_array_equal(env.env.received, received)
    if not isinstance(space, spaces.MultiBinary):  # for which RLlib has no distribution
        play_episode(ppo(Unpaid))


# ---- masks ----


def test_masks_stand_beside_the_observation_as_modules_want_them() -> None:
    env = PettingZooMultiAgentEnv(Masked())
    seen = env.reset()[0]["b"]
    assert seen["action_mask"].dtype == seen["observations"].dtype == np.float32
    assert (seen["action_mask"].tolist(), seen["observations"].tolist()) == ([1, 0, 0], [0, -1])
    assert env.observation_spaces["b"].contains(seen)
    seen = env.step(dict.fromkeys("abc", 0))[0]["b"]
    assert (seen["action_mask"].tolist(), seen["observations"].tolist()) == ([0, 1, 0], [1, 0])


def test_masks_in_infos_are_obeyed_on_request_and_never_ignored() -> None:
    with pytest.raises(ValueError, match=r"agent 'a' of MaskedInInfos.*masks_in_infos=True"):
        PettingZooMultiAgentEnv(MaskedInInfos()).reset()
    env = PettingZooMultiAgentEnv(MaskedInInfos(), masks_in_infos=True)
    assert_same_seen(env, PettingZooMultiAgentEnv(Masked()))
    unmasked = PettingZooMultiAgentEnv(Toy(), masks_in_infos=True)  # no word of masks: all is legal
    assert unmasked.reset()[0]["a"]["action_mask"].tolist() == [1, 1, 1]


def assert_same_seen(first: Any, second: Any) -> None:
    np.testing.assert_equal(first.reset()[0], second.reset()[0])
    for t in range(6):
        np.testing.assert_equal(first.step(dict.fromkeys("abc", t % 3))[0], second.step(dict.fromkeys("abc", t % 3))[0])


def test_a_mask_of_the_wrong_length_or_of_actions_without_choices_is_refused() -> None:
    class TooShort(Masked):
        def mask(self) -> np.ndarray:
            return np.ones(2, np.int8)

    class Continuous(Masked):
        acted = spaces.Box(0, 1, (1,))

    with pytest.raises(ValueError, match=r"mask of agent 'a' of TooShort has 2 entries.*3 choices"):
        PettingZooMultiAgentEnv(TooShort()).reset()
    with pytest.raises(ValueError, match=r"agent 'a' of Continuous has an action mask.*no choices"):
        PettingZooMultiAgentEnv(Continuous())
