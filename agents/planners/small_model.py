"""A language model small enough to be trained from nothing on a processor: it stands in for a large one.

It reads and writes words, and knows the words of the task it was trained for. `marl/small_planner.py` trains it, and
leaves `model.json` and `model.safetensors`, which cannot run anything. In tables it is called a stand-in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import nn
from torch.nn import functional

from agents.planners.prompts import last_state
from agents.planners.protocol import BadReplyError, Message, PlannerError, Reply, shorten

SPECIAL = ("<end>", "<other>", "<user>", "<assistant>")
END, OTHER, USER, ASSISTANT = range(len(SPECIAL))
FILES = ("model.json", "model.safetensors")
PIECES = re.compile(r"\n|\S+")
MOST_REFUSALS = 4  # that it reads of those since the last state: as many as it has learned from


Past = tuple[torch.Tensor, torch.Tensor]  # keys and values of a block, [B, heads, T, width / heads]


def split(text: str) -> list[str]:
    """Returns a text's words; line ends are words too."""
    return PIECES.findall(text)


def join(words: Sequence[str]) -> str:
    """Returns words as a text; what was split is joined as it was, but for blanks beyond one between words."""
    return re.sub(r" ?\n ?", "\n", " ".join(words))


@dataclass(frozen=True)
class Size:
    """Sizes of a model.

    Attributes:
        length: Words that it can bear, question and answer together.
        width: Numbers a word is.
        layers: Blocks.
        heads: Of attention; a divisor of the width.
    """

    length: int = 512
    width: int = 128
    layers: int = 6
    heads: int = 4


class SmallLanguageModel(nn.Module):
    """A decoder of pre-normed attention blocks with learned places, and one matrix for words in and out.

    Args:
        num_words: Of the vocabulary.
        size: Of the network.
    """

    def __init__(self, num_words: int, size: Size) -> None:
        super().__init__()
        self.size = size
        self.words = nn.Embedding(num_words, size.width)
        self.places = nn.Embedding(size.length, size.width)
        self.blocks = nn.ModuleList(_Block(size) for _ in range(size.layers))
        self.norm = nn.LayerNorm(size.width)
        for embedding in (self.words, self.places):
            nn.init.normal_(embedding.weight, std=0.02)

    def forward(self, words: torch.Tensor) -> torch.Tensor:
        """Returns logits of the next word, [B, T, W], after each of the words [B, T]."""
        logits, _ = self.go_on(words, [])
        return logits

    def go_on(self, words: torch.Tensor, past: Sequence[Past], first: int = 0) -> tuple[torch.Tensor, list[Past]]:
        """Returns logits [B, T, W] after each word, and what has to be kept to go on behind the last one.

        Args:
            words: [B, T].
            past: What was kept of the words before; empty at the beginning.
            first: Place of the first word of all.
        """
        first += past[0][0].shape[2] if past else 0
        x, kept = self.words(words) + self.places.weight[first : first + words.shape[1]], list[Past]()
        for number, block in enumerate(self.blocks):
            x, seen = block(x, past[number] if past else None)
            kept.append(seen)
        return functional.linear(self.norm(x), self.words.weight), kept


class _Block(nn.Module):
    def __init__(self, size: Size) -> None:
        super().__init__()
        self.heads = size.heads
        self.norms = nn.ModuleList(nn.LayerNorm(size.width) for _ in range(2))
        self.look, self.mix = nn.Linear(size.width, 3 * size.width), nn.Linear(size.width, size.width)
        self.think = nn.Sequential(
            nn.Linear(size.width, 4 * size.width), nn.GELU(), nn.Linear(4 * size.width, size.width)
        )

    def forward(self, x: torch.Tensor, past: Past | None) -> tuple[torch.Tensor, Past]:
        batch, length, width = x.shape
        parts = self.look(self.norms[0](x)).view(batch, length, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        if past is not None:
            key, value = torch.cat([past[0], key], dim=2), torch.cat([past[1], value], dim=2)
        mask = (
            None
            if past is None or length == 1
            else torch.ones(length, key.shape[2], dtype=torch.bool).tril(key.shape[2] - length)
        )
        seen = functional.scaled_dot_product_attention(query, key, value, mask, is_causal=past is None)
        x = x + self.mix(seen.transpose(1, 2).reshape(batch, length, width))
        return x + self.think(self.norms[1](x)), (key, value)


class Vocabulary:
    """Words by number.

    Args:
        words: Without the special ones, no two alike.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self.words = [*SPECIAL, *words]
        self._numbers = {word: number for number, word in enumerate(self.words)}

    def encode(self, text: str) -> list[int]:
        """Returns numbers; words that are not known are <other>, and no text can write the special ones."""
        return [max(self._numbers.get(word, OTHER), OTHER) if word not in SPECIAL else OTHER for word in split(text)]

    def decode(self, numbers: Sequence[int]) -> str:
        """Returns a text."""
        return join([self.words[number] for number in numbers])

    def encode_conversation(self, messages: Sequence[Message]) -> list[int]:
        """Returns what the model reads: the last state and the latest refusals, each after the mark of who says it.

        The task and what can be done are left out: a model knows one task.
        """
        first, *refusals = last_state(messages)
        kept = 2 * MOST_REFUSALS + len(refusals) % 2  # a refused plan and the reasons, and the plan of a finished talk
        numbers = []
        for message in [first, *refusals[-kept:]]:
            if message.role != "system":
                numbers += [USER if message.role == "user" else ASSISTANT, *self.encode(message.content)]
                numbers += [END] * (message.role == "assistant")
        return [*numbers, ASSISTANT]


def save_model(model: SmallLanguageModel, vocabulary: Vocabulary, folder: Path, about: dict[str, Any]) -> None:
    """Writes a model's two files.

    Args:
        model: Its weights are kept.
        vocabulary: Its words.
        folder: Is made where it is missing.
        about: More to keep, for people.
    """
    folder.mkdir(parents=True, exist_ok=True)
    document = {"size": asdict(model.size), "words": vocabulary.words[len(SPECIAL) :], "about": about}
    (folder / FILES[0]).write_text(json.dumps(document, indent=1) + "\n")
    safetensors.torch.save_file(model.state_dict(), folder / FILES[1])


def load_model(folder: str | Path) -> tuple[SmallLanguageModel, Vocabulary]:
    """Returns what `save_model` wrote.

    Raises:
        FileNotFoundError: There is no model in the folder.
        PlannerError: What is in the folder cannot be read.
    """
    for name in FILES:
        if not (Path(folder) / name).is_file():
            raise FileNotFoundError(f"{folder} has no {name}: python -m marl.small_planner ID FOLDER makes a stand-in")
    try:
        document = json.loads((Path(folder) / FILES[0]).read_text())
        vocabulary = Vocabulary(document["words"])
        model = SmallLanguageModel(len(vocabulary.words), Size(**document["size"]))
        model.load_state_dict(safetensors.torch.load_file(Path(folder) / FILES[1]))
    except (OSError, ValueError, LookupError, TypeError, RuntimeError, safetensors.SafetensorError) as error:
        reason = str(error).strip().split("\n")[0]
        raise PlannerError(f"{folder} has no stand-in that can be read ({type(error).__name__}: {reason})") from None
    return model.eval(), vocabulary


class SmallModelPlanner:
    """Samples replies, word by word.

    Args:
        model: As `load_model` returns it.
        vocabulary: Its words.
        temperature: Of sampling; 0 takes the likeliest word.
        max_words: Of a reply.
        seed: Of sampling.
    """

    def __init__(
        self,
        model: SmallLanguageModel,
        vocabulary: Vocabulary,
        temperature: float = 1.0,
        max_words: int = 48,
        seed: int = 0,
    ) -> None:
        if temperature < 0:
            raise ValueError(f"temperature must be at least 0, got {temperature}")
        self._model, self._vocabulary = model, vocabulary
        self._temperature, self._max_words = temperature, max_words
        self._generator = torch.Generator().manual_seed(seed)
        self._read = list[int]()  # and what the model kept of it: refused plans are read once, not at every question
        self._past = list[Past]()

    @torch.inference_mode()
    def reply(self, messages: Sequence[Message]) -> Reply:
        """Returns what the model goes on with; tokens are words.

        Raises:
            BadReplyError: The conversation is too long for the model.
        """
        words = self._vocabulary.encode_conversation(messages)
        num_read = len(words)
        if num_read + self._max_words > self._model.size.length:
            raise BadReplyError(f"the conversation has {num_read} words, the model bears {self._model.size.length}")
        logits, written = self._go_on_from(words), list[int]()
        while len(written) < self._max_words and (word := self._draw(logits)) != END:
            written.append(word)
            logits = self._go_on_from([*words, *written])
        return Reply(shorten(self._vocabulary.decode(written)), num_read, len(written))

    def _go_on_from(self, words: list[int]) -> torch.Tensor:
        """Returns logits of the word after some; those that were read already are not read again."""
        pairs = zip(words[:-1], self._read, strict=False)
        known = next((place for place, (one, other) in enumerate(pairs) if one != other), None)
        known = min(len(words) - 1, len(self._read)) if known is None else known
        past = [(key[:, :, :known], value[:, :, :known]) for key, value in self._past] if known else []
        logits, self._past = self._model.go_on(torch.tensor([words[known:]]), past)
        self._read = words
        return logits[0, -1]

    def _draw(self, logits: torch.Tensor) -> int:
        if self._temperature == 0:
            return int(logits.argmax())
        chances = torch.softmax(logits / self._temperature, dim=-1)
        return int(torch.multinomial(chances, 1, generator=self._generator))
