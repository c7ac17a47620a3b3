"""ReAd and what it is compared with: the same planner under different rules, and the critic without a planner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from agents.planners.protocol import Planner
from games.batch import Batch
from games.wording import Wording
from marl.read.critic import Critic
from marl.read.refine import Choose, Judge, Rules, Threshold, decide
from marl.read.scores import Coin, JointAdvantage, SequentialAdvantage, Shuffled, best_joint_action

JudgeName = Literal["joint", "sequential", "shuffled", "coin"]


@dataclass(frozen=True)
class Method:
    """A way to come to a joint action.

    Attributes:
        title: For tables.
        rules: How the planner is asked; None: it is not.
        judge: Of plans.
        is_checked: Of the critic alone: whether it considers valid plans only.
    """

    title: str
    rules: Rules | None
    judge: JudgeName | None = None
    is_checked: bool = False

    @property
    def needs_critic(self) -> bool:
        """Whether it cannot do without a critic, or, as the coin, without what one refused."""
        return self.judge is not None or self.rules is None


METHODS: Mapping[str, Method] = {
    "none": Method("no feedback", Rules(max_queries=1, checks_validity=False)),
    "validity": Method("validity only", Rules()),
    "validity_s": Method("validity only, robot by robot", Rules(is_sequential=True)),
    "reflexion": Method("Reflexion-like", Rules(remembers_refusals=True)),
    "read_j": Method("ReAd-J", Rules(history=1), "joint"),
    "read_s": Method("ReAd-S", Rules(is_sequential=True, history=1), "sequential"),
    "read_j_alone": Method("ReAd-J, no validity", Rules(checks_validity=False, history=1), "joint"),
    "read_j_twice": Method("ReAd-J, asked twice at most", Rules(max_queries=2, history=1), "joint"),
    "coin": Method("refused at random", Rules(history=1), "coin"),
    "shuffled": Method("shuffled critic", Rules(history=1), "shuffled"),
    "argmax": Method("critic alone", None),
    "argmax_valid": Method("critic alone, valid plans", None, is_checked=True),
}


@dataclass(frozen=True)
class Controls:
    """What methods are played with.

    Attributes:
        max_queries: Of a question, for all that ask more than once or twice.
        bar: First bar, in shares of the largest return that the critic was fitted to.
        refused: Share of the valid plans that the coin refuses.
        seed: Of the coin and of the shuffled names.
        history: Steps whose last question and answer stand before the state, of all methods; None: as each has it,
            1 where a critic scores plans and 0 elsewhere.
    """

    max_queries: int = 10
    bar: float = -0.01
    refused: float = 0.0
    seed: int = 0
    history: int | None = None


def choose_by(
    method: Method,
    batch: Batch,
    wording: Wording,
    planner: Planner,
    critic: Critic | None,
    controls: Controls,
) -> Choose:
    """Returns what `refine.play` plays a method with.

    Args:
        method: Which.
        batch: One env.
        wording: Of the world.
        planner: Who is asked.
        critic: May be None where the method needs none.
        controls: The same for all methods.
    """
    if method.rules is None:
        assert critic is not None
        return lambda memory: best_joint_action(critic, batch, wording, method.is_checked)
    rules, judge = method.rules, _judge(method.judge, batch, wording, critic, controls)
    if rules.max_queries > 2:
        rules = replace(rules, max_queries=controls.max_queries)
    if controls.history is not None:
        rules = replace(rules, history=controls.history)
    if critic is not None and method.judge != "coin":
        rules = replace(rules, threshold=Threshold(controls.bar * critic.scale))
    return lambda memory: decide(batch, wording, planner, rules, judge, memory)


def _judge(
    name: JudgeName | None, batch: Batch, wording: Wording, critic: Critic | None, controls: Controls
) -> Judge | None:
    if name is None:
        return None
    if name == "coin":
        return Coin(controls.refused, controls.seed)
    assert critic is not None
    if name == "sequential":
        return SequentialAdvantage(critic, wording)
    joint = JointAdvantage(critic, wording, critic.settings.discount)
    if name == "joint":
        return joint
    num_choices = int(batch.only_group.action_space.n)  # type: ignore[union-attr]
    return Shuffled(joint, len(batch.agents), num_choices, controls.seed)
