"""The loop that asks a planner again until its plan is good enough: ReAd's, and with other rules its rivals'.

Zhang et al. 2024 (arXiv 2405.14314), algorithms 2 (ReAd-S: robot by robot) and 3 (ReAd-J: all at once).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np

from agents.planners.plans import NoPlan, read_plan, write_plan
from agents.planners.prompts import feedback, low_score, question, system_message
from agents.planners.protocol import BadReplyError, Message, Planner, Usage
from games.batch import Batch
from games.wording import Wording

SHOWN_REFUSALS = 4  # of a question, the last ones; models have an end
WAITS = ("WAIT", "stay")
Verdict = Literal["accepted", "no reply", "no plan", "not valid", "low score"]


@dataclass(frozen=True)
class Threshold:
    """What a score must be above: `start` times `per_refusal` for each refusal in the step.

    The paper's text has a positive bar that is halved by each refusal and doubled by each step (`per_refusal=0.5`,
    `per_step=2.0`). Its released runs have bars of 0 to -1.4 that are doubled by each refusal, so they loosen too, and
    start again in each step.

    Attributes:
        start: Of the first question.
        per_refusal: Factor.
        per_step: Factor from where the step before ended; None: each step begins with `start`.
    """

    start: float = 0.0
    per_refusal: float = 2.0
    per_step: float | None = None


@dataclass(frozen=True)
class Rules:
    """How a planner is asked in a step.

    Attributes:
        is_sequential: Robots are asked one after the other, each knowing what those before it will do.
        checks_validity: Plans that would not do what they say are refused, with the reasons.
        threshold: Of scores, where there is a judge.
        max_queries: Of a question. After the last, the best plan that was valid is taken; without one, robots wait.
        history: Steps whose last question and answer stand before the state; None: all.
        remembers_refusals: What was refused since the episode began, and why, stands before the state.
    """

    is_sequential: bool = False
    checks_validity: bool = True
    threshold: Threshold = field(default_factory=Threshold)
    max_queries: int = 10
    history: int | None = 0
    remembers_refusals: bool = False


class Judge(Protocol):
    """Scores plans before they are executed."""

    def score(self, batch: Batch, chosen: Mapping[int, int], plan: Mapping[int, int]) -> float:
        """Returns how much a plan is worth, given what other robots will do.

        Args:
            batch: One env, in the state.
            chosen: Actions of robots that are settled.
            plan: Actions of the robots asked.
        """
        ...


@dataclass(frozen=True)
class Exchange:
    """A question and its answer.

    Attributes:
        step: Of the episode, from 0.
        question: The last message.
        reply: The answer; empty where there was none.
        score: Of the judge; None where it was not asked.
        bar: What the score had to be above.
        verdict: What became of it.
        reasons: What the planner was told.
    """

    step: int
    question: str
    reply: str
    score: float | None
    bar: float | None
    verdict: Verdict
    reasons: tuple[str, ...]


@dataclass
class Memory:
    """What goes on from step to step of an episode.

    Attributes:
        rounds: Last questions and answers of steps.
        refusals: Sentences.
        bar: At the end of the last step; None before the first.
        usage: Of the planner.
        exchanges: All questions and answers.
    """

    rounds: list[list[Message]] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    bar: float | None = None
    usage: Usage = field(default_factory=Usage)
    exchanges: list[Exchange] = field(default_factory=list)


def waiting(wording: Wording, robots: int) -> list[int]:
    """Returns the joint action of doing nothing."""
    for text in WAITS:
        try:
            return [wording.read(robot, text) for robot in range(robots)]
        except ValueError:
            continue
    raise ValueError(f"no action is called {' or '.join(WAITS)}")


def decide(
    batch: Batch,
    wording: Wording,
    planner: Planner,
    rules: Rules,
    judge: Judge | None = None,
    memory: Memory | None = None,
) -> list[int]:
    """Returns the joint action of a step, asking until one is accepted or the queries are used up.

    Args:
        batch: One env, in the state.
        wording: Of the world.
        planner: Who is asked.
        rules: How.
        judge: Of plans; None: no scores.
        memory: Of the episode; is added to.
    """
    memory = Memory() if memory is None else memory
    everybody = list(range(len(batch.agents)))
    turns, chosen = ([[robot] for robot in everybody] if rules.is_sequential else [everybody]), dict[int, int]()
    threshold = rules.threshold
    if memory.bar is None or threshold.per_step is None:
        memory.bar = threshold.start
    else:
        memory.bar *= threshold.per_step
    spoken = list[Message]()
    for asked in turns:
        plan, said = _Question(batch, wording, planner, rules, judge, memory, asked, dict(chosen)).settle()
        chosen |= plan
        spoken += said
        if threshold.per_step is None:
            memory.bar = threshold.start
    memory.rounds.append(spoken)
    return [chosen[robot] for robot in everybody]


class _Question:
    """One question of a step, until it is settled."""

    def __init__(
        self,
        batch: Batch,
        wording: Wording,
        planner: Planner,
        rules: Rules,
        judge: Judge | None,
        memory: Memory,
        asked: list[int],
        chosen: dict[int, int],
    ) -> None:
        self._batch, self._wording, self._planner, self._rules = batch, wording, planner, rules
        self._judge, self._memory, self._asked, self._chosen = judge, memory, asked, chosen
        self._fields = batch.fields(0)
        self._question = question(wording, self._fields, asked, chosen)
        self._refused = list[list[Message]]()
        self._best: tuple[float, dict[int, int]] | None = None

    def settle(self) -> tuple[dict[int, int], list[Message]]:
        """Returns actions of the robots asked, and the last question with its answer."""
        last = self._question
        for _ in range(self._rules.max_queries):
            shown = [message for pair in self._refused[-SHOWN_REFUSALS:] for message in pair]
            talk = [*self._opening(), self._ask(), *shown]
            last = talk[-1]
            text = self._reply(talk)
            plan, verdict, reasons, score = self._weigh(text)
            bar = self._memory.bar if score is not None else None
            step = int(self._fields["timestep"])
            self._memory.exchanges.append(Exchange(step, last.content, text or "", score, bar, verdict, tuple(reasons)))
            if verdict == "accepted":
                assert plan is not None
                return plan, [self._question, Message("assistant", write_plan(plan, self._wording))]
            self._refuse(text, verdict, reasons)
        if self._best is not None:
            return self._best[1], []
        idle = waiting(self._wording, len(self._batch.agents))
        return {robot: idle[robot] for robot in self._asked}, []

    def _opening(self) -> list[Message]:
        rounds, kept = self._memory.rounds, self._rules.history
        before = rounds if kept is None else rounds[len(rounds) - min(kept, len(rounds)) :]
        return [system_message(self._wording), *(message for spoken in before for message in spoken)]

    def _ask(self) -> Message:
        """Returns the question, behind what was refused; one message, for models refuse two of a user's in a row."""
        if not (self._rules.remembers_refusals and self._memory.refusals):
            return self._question
        return Message("user", "\n".join(["[Reflection]", *self._memory.refusals, self._question.content]))

    def _reply(self, talk: Sequence[Message]) -> str | None:
        """Returns an answer, or None for what is none; whoever cannot be reached at all raises."""
        try:
            reply = self._planner.reply(talk)
        except BadReplyError:
            self._memory.usage.failures += 1
            return None
        self._memory.usage.add(reply)
        return reply.text

    def _weigh(self, text: str | None) -> tuple[dict[int, int] | None, Verdict, list[str], float | None]:
        """Returns the plan, what becomes of it, what is said to it, and its score."""
        if text is None:
            return None, "no reply", ["There was no reply."], None
        read = read_plan(text, self._wording, self._asked)
        if isinstance(read, NoPlan):
            return None, "no plan", [read.reason], None
        plan = read.actions
        if self._rules.checks_validity and (reasons := self._objections(plan)):
            return plan, "not valid", reasons, None
        if self._judge is None:
            return plan, "accepted", [], None
        score, bar = self._judge.score(self._batch, self._chosen, plan), self._memory.bar
        assert bar is not None
        if self._best is None or score > self._best[0]:
            self._best = score, plan
        return (plan, "accepted", [], score) if score > bar else (plan, "low score", [low_score(score, bar)], score)

    def _objections(self, plan: Mapping[int, int]) -> list[str]:
        known = {**self._chosen, **plan}
        return self._wording.objections(self._fields, [known.get(i) for i in range(len(self._batch.agents))])

    def _refuse(self, text: str | None, verdict: Verdict, reasons: list[str]) -> None:
        told = feedback(self._wording, self._asked, reasons)
        if text is not None:
            self._refused.append([Message("assistant", text), told])
        self._memory.refusals.append(f"In step {int(self._fields['timestep'])}: {' '.join(reasons)}")
        if verdict == "low score":
            assert self._memory.bar is not None
            self._memory.bar *= self._rules.threshold.per_refusal


@dataclass(frozen=True)
class Episode:
    """What an episode came to.

    Attributes:
        is_done: Whether the task was done in time.
        steps: Environment steps.
        memory: Of what was said.
    """

    is_done: bool
    steps: int
    memory: Memory

    def count(self, verdict: Verdict) -> int:
        """Returns the number of answers with a verdict."""
        return sum(exchange.verdict == verdict for exchange in self.memory.exchanges)


Choose = Callable[[Memory], list[int]]


def play(batch: Batch, choose: Choose, reset_after: int | None = None) -> Episode:
    """Plays an episode from the level's start.

    Args:
        batch: One env, autoreset disabled.
        choose: Returns the joint action of a step, and adds to the memory.
        reset_after: Steps after which everything is where it was at the start, once, and nobody is told; the time goes
            on. The paper's test of robustness. None: never.
    """
    batch.reset()
    start, memory, steps = batch.fields(0), Memory(), 0
    while not batch.ended[0]:
        if reset_after is not None and steps == reset_after:
            batch.load_fields(0, {**start, "timestep": steps})
        batch.step(np.array([choose(memory)], np.int32))
        steps += 1
    return Episode(bool(batch.terminations[0].any()), steps, memory)


def transcript(episode: Episode) -> list[dict[str, Any]]:
    """Returns an episode's questions and answers as rows for a table or a file."""
    return [vars(exchange) | {"reasons": " ".join(exchange.reasons)} for exchange in episode.memory.exchanges]
