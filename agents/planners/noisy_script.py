"""A planner that knows the plan but slips: scripted players in words, each action random with a probability.

It stands in for a language model where thousands of replies are needed, and is named so wherever it is used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from agents.planners.plans import Plan, read_plan, write_plan
from agents.planners.prompts import last_state, who_is_asked
from agents.planners.protocol import Message, Reply
from agents.protocol import Player
from games.batch import Batch
from games.wording import wording

MAX_DRAWS = 64  # of a plan that has not been refused yet


class NoisyScriptPlanner:
    """Proposes what scripted players would do in one env of a batch, with slips.

    It looks at the batch instead of reading the state, and reads from the conversation who is asked and which of its
    plans were refused since the last state; it does not propose those again. Why they were refused does not matter to
    it: feedback moves it no nearer to the right plan than chance does.

    Args:
        batch: As it stands when the planner is asked.
        players: By agent.
        noise: Probability, for each robot, of an action that is uniform among all.
        seed: Of the slips.
        env: Which.

    Raises:
        ValueError: `noise` is no probability.
    """

    def __init__(self, batch: Batch, players: Mapping[str, Player], noise: float, seed: int = 0, env: int = 0) -> None:
        if not 0 <= noise <= 1:
            raise ValueError(f"noise must be in [0, 1], got {noise}")
        self._batch, self._players, self._noise, self._env = batch, players, noise, env
        self._wording, self._rng = wording(batch.config), np.random.default_rng(seed)

    def reply(self, messages: Sequence[Message]) -> Reply:
        """Returns a plan for the robots that the last message asks for; tokens are words.

        Raises:
            ValueError: It asks for none.
        """
        asked = who_is_asked(messages, self._wording)
        refused = self._refused(messages, asked)
        wanted = [self._ask_player(robot) for robot in asked]
        for _ in range(MAX_DRAWS):
            actions = {robot: self._slip(robot, action) for robot, action in zip(asked, wanted, strict=True)}
            if actions not in refused:
                break
        text = write_plan(actions, self._wording)
        return Reply(text, sum(len(message.content.split()) for message in messages), len(text.split()))

    def _ask_player(self, robot: int) -> int:
        agent = self._batch.agents[robot]
        return int(self._players[agent].act(self._batch, agent)[self._env])

    def _slip(self, robot: int, action: int) -> int:
        choices = int(self._batch.only_group.action_space.n)  # type: ignore[union-attr]
        return int(self._rng.integers(choices)) if self._rng.random() < self._noise else action

    def _refused(self, messages: Sequence[Message], asked: Sequence[int]) -> list[dict[int, int]]:
        """Plans for the same robots after the last state."""
        said = [message.content for message in last_state(messages) if message.role == "assistant"]
        plans = [read_plan(text, self._wording, asked) for text in said]
        return [plan.actions for plan in plans if isinstance(plan, Plan)]
