"""Trains the stand-in language model of `agents/planners/small_model.py` on plans of mixed quality, in words.

    python -m marl.small_planner cooperation/sweep_v0 FOLDER --steps 6000

What it reads are conversations of `NoisyScriptPlanner`s: near-optimal ones, careless ones and random ones. Plans that
cannot be done are refused with the world's reasons, and others now and then without any, or with a score: a number
drawn blindly, for it never sees a critic's, nor that what follows a refusal is better. What follows is another draw
from the same script. So it learns the form of plans, to have a rough idea of the task, and that a refused plan is not
said again. Episodes begin in scattered states; the one in which the level begins is held out. Question after question
is drawn anew from the seed and the step's number, so a training that was stopped goes on where it was, and ends with
the same weights.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from torch.nn import functional

import games
from agents.cube_sorters import CubeSorter
from agents.planned_cooks import PlannedCook
from agents.planners.noisy_script import NoisyScriptPlanner
from agents.planners.plans import Plan, read_plan
from agents.planners.prompts import feedback, low_score, question
from agents.planners.protocol import Message
from agents.planners.small_model import (
    ASSISTANT,
    END,
    MOST_REFUSALS,
    Size,
    SmallLanguageModel,
    Vocabulary,
    save_model,
    split,
)
from agents.protocol import Player
from agents.sandwich_makers import SandwichMaker
from agents.sweepers import Sweeper
from games.names import unknown_name
from games.wording import wording
from marl.read.starts import scatter

PLAYERS: Mapping[str, Callable[[], Player]] = {
    **{"sweep": Sweeper, "sandwich": SandwichMaker, "sort": CubeSorter, "overcooked": PlannedCook},
}
SCORE = re.compile(r"-?\d+\.\d\d[;.]?")  # too many to be words: all are <other>
REFUSAL = "The plan was not accepted."  # whatever the reason was


@dataclass(frozen=True)
class Settings:
    """How a stand-in is trained; the values were chosen, not tuned.

    Attributes:
        steps: Updates.
        batch_size: Conversations in an update.
        learning_rate: Of AdamW at first; it falls to 0 in a straight line.
        max_shift: Places by which the conversations of an update are moved, at most, so that a level's own start, which
            is never seen and may take more words than other states, is read at places that were.
        qualities: Noise of each kind of script, and its share of the episodes.
        refused_share: Share of the answers that are refused though they can be done.
        alone_share: Share of the episodes in which robots are asked one after the other.
        seed: Of everything.
        save_every: Updates between two checkpoints.
    """

    steps: int = 6000
    batch_size: int = 16
    learning_rate: float = 1e-3
    max_shift: int = 32
    qualities: tuple[tuple[float, float], ...] = ((0.05, 0.5), (0.3, 0.3), (1.0, 0.2))
    refused_share: float = 0.2
    alone_share: float = 0.25
    seed: int = 0
    save_every: int = 250


Conversation = list[Message]


class Corpus:
    """Conversations about a world, drawn as they are asked for.

    Args:
        id: Of the environment.
        settings: Of the training.
        **config: Settings of the world that differ from the id's.

    Raises:
        ValueError: There is no such environment or level, or it has no words.
    """

    def __init__(self, id: str, settings: Settings, **config: Any) -> None:
        self._batch = games.make_batch(id, autoreset="disabled", **config)
        self._words, self._settings = wording(self._batch.config), settings
        if self._batch.config.world not in PLAYERS:
            raise unknown_name("world with scripted players in words", self._batch.config.world, PLAYERS)
        player = PLAYERS[self._batch.config.world]()
        self._players = dict.fromkeys(self._batch.agents, player)

    def episode(self, number: int) -> list[Conversation]:
        """Returns the conversations of one episode, one a question; a function of the seed and its number."""
        batch, settings, rng = self._batch, self._settings, np.random.default_rng([self._settings.seed, number])
        noises, shares = zip(*settings.qualities, strict=True)
        planner = NoisyScriptPlanner(
            batch, self._players, float(rng.choice(noises, p=shares)), int(rng.integers(2**31))
        )
        everybody, talks = list(range(len(batch.agents))), []
        turns = [[robot] for robot in everybody] if rng.random() < settings.alone_share else [everybody]
        scatter(batch, self._players, rng)
        while not batch.ended[0]:
            chosen = dict[int, int]()
            for asked in turns:
                talk, actions = self._ask(planner, asked, chosen, rng)
                chosen |= actions
                talks.append(talk)
            batch.step(np.array([[chosen[robot] for robot in everybody]], np.int32))
        return talks

    def _ask(
        self, planner: NoisyScriptPlanner, asked: list[int], chosen: dict[int, int], rng: np.random.Generator
    ) -> tuple[Conversation, dict[int, int]]:
        """Returns a conversation and the actions that it ends with."""
        talk = [question(self._words, self._batch.fields(0), asked, chosen)]
        for refusals in range(MOST_REFUSALS + 1):
            talk.append(Message("assistant", planner.reply(talk).text))
            plan = read_plan(talk[-1].content, self._words, asked)
            assert isinstance(plan, Plan), "a script writes plans"
            actions = plan.actions
            reasons = self._objections({**chosen, **actions}, rng)
            if not reasons or refusals == MOST_REFUSALS:
                break
            talk.append(feedback(self._words, asked, reasons))
        return talk, actions

    def _objections(self, known: Mapping[int, int], rng: np.random.Generator) -> list[str]:
        joint = [known.get(robot) for robot in range(len(self._batch.agents))]
        if reasons := self._words.objections(self._batch.fields(0), joint):
            return reasons
        if rng.random() >= self._settings.refused_share:
            return []
        score, bar = rng.normal(size=2).tolist()
        return [REFUSAL if rng.random() < 0.5 else low_score(score, bar)]

    def vocabulary(self, episodes: int = 50) -> Vocabulary:
        """Returns the words of some episodes and of all actions."""
        texts = [message.content for n in range(episodes) for talk in self.episode(n) for message in talk]
        choices = int(self._batch.only_group.action_space.n)  # type: ignore[union-attr]
        texts += [self._words.say(0, action) for action in range(choices)]
        known = {word for text in texts for word in split(text) if not SCORE.fullmatch(word)}
        return Vocabulary(sorted(known))


def encode(talk: Conversation, vocabulary: Vocabulary, length: int) -> tuple[list[int], list[bool]]:
    """Returns a conversation's words, and which of them the planner says, the end of an answer included."""
    words, said = vocabulary.encode_conversation(talk)[:-1], list[bool]()
    is_planner = False
    for word in words:
        said.append(is_planner)
        is_planner = word == ASSISTANT or (is_planner and word != END)
    return words[:length], said[:length]


def loss_of(
    model: SmallLanguageModel, talks: Sequence[Conversation], vocabulary: Vocabulary, shift: int = 0
) -> torch.Tensor:
    """Returns the mean surprise, in nats a word, of what the planner says; conversations begin at place `shift`."""
    encoded = [encode(talk, vocabulary, model.size.length - shift) for talk in talks]
    longest = max(len(words) for words, _ in encoded)
    words = torch.tensor([w + [END] * (longest - len(w)) for w, _ in encoded])
    said = torch.tensor([s + [False] * (longest - len(s)) for _, s in encoded])
    logits, _ = model.go_on(words[:, :-1], [], shift)
    return functional.cross_entropy(logits[said[:, 1:]], words[:, 1:][said[:, 1:]])


def train(
    corpus: Corpus, folder: Path, settings: Settings, size: Size, report: Callable[[int, float], None]
) -> SmallLanguageModel:
    """Trains a model, or goes on with the one in the folder, and leaves its files there.

    Args:
        corpus: What it learns from.
        folder: Of checkpoints and the model.
        settings: Of the training.
        size: Of the model.
        report: Called with the number and the loss of each update.
    """
    torch.set_num_threads(1)  # two threads took thirty times as long on two cores
    torch.manual_seed(settings.seed)
    vocabulary = corpus.vocabulary()
    model = SmallLanguageModel(len(vocabulary.words), size)
    optimizer = torch.optim.AdamW(model.parameters(), lr=settings.learning_rate, betas=(0.9, 0.98))
    step, episode = _resume(folder, model, optimizer)
    talks = list[Conversation]()
    while step < settings.steps:
        talks += corpus.episode(1_000_000 + episode)
        episode += 1
        if len(talks) < settings.batch_size:
            continue
        shift = int(np.random.default_rng([settings.seed, step]).integers(settings.max_shift + 1))
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * (1 - step / settings.steps)
        loss = loss_of(model, talks[: settings.batch_size], vocabulary, shift)
        talks = []  # an update begins with an episode of its own, so that a checkpoint needs no talks
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        step += 1
        report(step, loss.item())
        if step % settings.save_every == 0:
            _save_checkpoint(folder, model, optimizer, step, episode)
    save_model(model, vocabulary, folder, {"steps": step, "seed": settings.seed})
    return model


CHECKPOINT = "checkpoint.safetensors"


def _save_checkpoint(
    folder: Path, model: SmallLanguageModel, optimizer: torch.optim.Optimizer, step: int, episode: int
) -> None:
    """Writes weights and moments into one file, which is there whole or not at all."""
    tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    for number, moments in optimizer.state_dict()["state"].items():
        tensors |= {f"moments.{number}.{name}": tensor for name, tensor in moments.items()}
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f"{CHECKPOINT}.part"
    safetensors.torch.save_file(tensors, unfinished, {"step": str(step), "episode": str(episode)})
    os.replace(unfinished, folder / CHECKPOINT)


def _resume(folder: Path, model: SmallLanguageModel, optimizer: torch.optim.Optimizer) -> tuple[int, int]:
    """Takes over the folder's checkpoint, if there is one, and returns the next step and episode."""
    path = folder / CHECKPOINT
    if not path.exists():
        return 0, 0
    tensors, moments = {}, dict[int, dict[str, torch.Tensor]]()
    with safetensors.safe_open(path, framework="pt") as file:
        progress = file.metadata()
        for name in file.keys():  # noqa: SIM118 - the file is no mapping
            kind, _, rest = name.partition(".")
            if kind == "model":
                tensors[rest] = file.get_tensor(name)
            else:
                number, _, part = rest.partition(".")
                moments.setdefault(int(number), {})[part] = file.get_tensor(name)
    model.load_state_dict(tensors)
    optimizer.load_state_dict({**optimizer.state_dict(), "state": moments})
    return int(progress["step"]), int(progress["episode"])


def main(arguments: Sequence[str] | None = None) -> None:
    """Trains a stand-in from the command line; the losses go to `losses.csv` in its folder."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("id", help="an environment with words and scripted players")
    parser.add_argument("folder", type=Path, help="of checkpoints and the model; a training there is gone on with")
    parser.add_argument("--level", help="of a world that has levels")
    parser.add_argument("--steps", type=int, default=Settings.steps)
    parser.add_argument("--seed", type=int, default=Settings.seed)
    given = parser.parse_args(arguments)
    settings = Settings(steps=given.steps, seed=given.seed)
    try:
        corpus = Corpus(given.id, settings, **({"level": given.level} if given.level else {}))
    except ValueError as error:
        parser.error(str(error))
    given.folder.mkdir(parents=True, exist_ok=True)
    with (given.folder / "losses.csv").open("a") as file:

        def report(step: int, loss: float) -> None:
            if step % 50 == 0:
                file.write(f"{step},{loss:.4f}\n")
                file.flush()

        train(corpus, given.folder, settings, Size(), report)


if __name__ == "__main__":
    main()
