"""Exact values of a scripted planner whose slips are known, by dynamic programming: what a critic should have learned.

The planner is a `NoisyScriptPlanner` that is asked until nothing is objected to its plan, so mu(a | s) is the product
of its slips' probabilities over the valid joint actions, normalised. (It stops drawing after some refusals, which this
leaves out.) For small worlds without chance: every state that mu can reach is visited.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from agents.protocol import Player
from agents.shortest_plans import Key, See, leave_out_time
from games.batch import Batch
from games.spec import make_batch
from games.wording import wording
from marl.read.encoders import OPEN
from marl.read.refine import waiting
from marl.read.scores import valid_joint_actions


@dataclass(frozen=True)
class Choices:
    """What mu may do in a state, J joint actions.

    Attributes:
        joints: [J, n].
        chances: [J], of mu.
        rewards: [J].
        following: Keys of the J next states; None behind the end.
    """

    joints: np.ndarray
    chances: np.ndarray
    rewards: np.ndarray
    following: list[Key | None]


class ExactValues:
    """Q(s, a_1..k) of a slipping script with checks of validity, to the last bit of its sums.

    Args:
        batch: Of the world, with one group; its state is left alone.
        players: Of the script, by agent; they must not look at the time.
        noise: Of the script: probability of a uniform action, for each robot.
        discount: gamma.
        see: What tells states apart, as `agents.shortest_plans` has it.
    """

    def __init__(
        self,
        batch: Batch,
        players: Mapping[str, Player],
        noise: float,
        discount: float,
        see: See = leave_out_time,
    ) -> None:
        settings = batch.config.settings()
        self._horizon = int(settings["horizon"])
        self._one = make_batch(batch.spec.id, 1, autoreset="disabled", **{**settings, "horizon": 2**31 - 1})
        self._words, self._players, self._noise = wording(self._one.config), players, noise
        self._discount, self._see = discount, see
        self.choices = dict[Key, Choices]()
        self._visit_all()
        self._values = self._solve()

    def _visit_all(self) -> None:
        self._one.reset()
        start = self._one.state_bytes(0)
        queue = [(self.key_of(self._one), start)]
        seen = {queue[0][0]}
        while queue:
            key, snapshot = queue.pop()
            choices, after = self._look(snapshot)
            self.choices[key] = choices
            for following, state in after:
                if following not in seen:
                    seen.add(following)
                    queue.append((following, state))

    def key_of(self, batch: Batch) -> Key:
        """Returns the key of the state of a batch of one env."""
        return self._see(batch.observations).tobytes()

    def _look(self, snapshot: bytes) -> tuple[Choices, list[tuple[Key, bytes]]]:
        one = self._one
        self._put(snapshot)
        joints = np.array(list(valid_joint_actions(one, self._words)) or [tuple(waiting(self._words, len(one.agents)))])
        wanted = [int(self._players[agent].act(one, agent)[0]) for agent in one.agents]
        num_choices = int(one.only_group.action_space.n)  # type: ignore[union-attr]
        chances = ((joints == wanted) * (1 - self._noise) + self._noise / num_choices).prod(axis=1)
        rewards, following, after = [], list[Key | None](), []
        for joint in joints:
            self._put(snapshot)
            one.step(joint[None].astype(np.int32))
            rewards.append(float(one.rewards[0].mean()))
            next_key = None if one.terminations[0].any() else self.key_of(one)
            following.append(next_key)
            if next_key is not None:
                after.append((next_key, one.state_bytes(0)))
        return Choices(joints, chances / chances.sum(), np.array(rewards), following), after

    def _put(self, snapshot: bytes) -> None:
        """Brings the env into a state, its time set back, also after its episode ended."""
        if self._one.ended[0]:
            self._one.reset()
        self._one.load_state(0, snapshot)

    def _solve(self) -> list[dict[Key, float]]:
        """Returns V by step of the episode and state."""
        values = [dict.fromkeys(self.choices, 0.0)]
        for _ in range(self._horizon):
            later = values[0]
            values.insert(0, {key: float(c.chances @ self._returns(c, later)) for key, c in self.choices.items()})
        return values

    def _returns(self, choices: Choices, later: Mapping[Key, float]) -> np.ndarray:
        following = [0.0 if key is None else later[key] for key in choices.following]
        return choices.rewards + self._discount * np.array(following)

    def joint_values(self, key: Key, step: int) -> np.ndarray:
        """Returns Q(s, a) of the joint actions of `choices[key]` in a step of the episode, [J]."""
        return self._returns(self.choices[key], self._values[step + 1])

    def value(self, key: Key, step: int, actions: np.ndarray) -> float:
        """Returns Q(s, a_1..k): actions [n], OPEN where mu chooses; NaN where mu never does so."""
        choices = self.choices[key]
        fits = ((choices.joints == actions) | (actions == OPEN)).all(axis=1)
        chances = choices.chances * fits
        return float(chances @ self.joint_values(key, step) / chances.sum()) if fits.any() else float("nan")
