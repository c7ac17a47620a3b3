"""Reads Gambit's game files: strategic form (.nfg, payoffs or outcomes) and extensive form (.efg).

A tree becomes the array of its reduced normal form: the strategies of a player say what to do at each of its
information sets that its own earlier moves do not rule out. The formats are those of Gambit 16's documentation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

MAX_PAYOFFS = 50_000_000  # entries of an array that comes out of a file: 400 MB
MAX_STRATEGIES = 100_000  # of one player of a tree
MAX_DEPTH = 200  # moves on a path of a tree

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}]|[^\s{},"]+|(?P<stray>")', re.DOTALL)
_NUMBER = re.compile(r"[+-]?(\d+/\d+|(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?)")


class GambitError(ValueError):
    """A file that is no game; the message names the line and what was expected there."""


def read_game(source: str | Path) -> np.ndarray:
    """Returns the payoffs of a game in one of Gambit's formats.

    Args:
        source: The path of a .nfg or .efg file, or its text.

    Returns:
        [P, A_0, ..., A_{P-1}] float64. Strategies of a tree stand in lexicographic order of what they do at the
        player's information sets, in the order in which the file meets these, as in Gambit.

    Raises:
        GambitError: No such file, or not of the format.
    """
    name, text = "game", str(source)
    if isinstance(source, Path) or not re.match(r"\s*(NFG|EFG)\b", text):
        name = str(source)
        try:
            text = Path(source).read_text("utf-8")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise GambitError(
                f"payoffs must be an array or a Gambit file; cannot read {name[:200]!r}: {reason}"
            ) from None
    tokens = _Tokens(name, text)
    kind = tokens.take("NFG or EFG")
    if kind == "NFG":
        return _read_nfg(tokens)
    if kind == "EFG":
        return _reduced_normal_form(_read_efg(tokens), name)
    tokens.fail("NFG or EFG", back=1)


class _Tokens:
    """The words of a file, one after the other, with the line of each.

    Args:
        name: Of the file, for messages.
        text: Its content.
    """

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._words: list[str] = []
        self._lines: list[int] = []
        line, last = 1, 0
        for match in _TOKEN.finditer(text):
            line += text.count("\n", last, match.start())
            last = match.start()
            self._words.append(match[0])
            self._lines.append(line)
        self._last_line = 1 + text.count("\n")
        self._next = 0

    def fail(self, expected: str, back: int = 0) -> NoReturn:
        """Says that something else was expected than the next word, or than the one `back` before it."""
        at = self._next - back
        is_over = at >= len(self._words)
        line = self._last_line if is_over else self._lines[at]
        got = "the end of the file" if is_over else self._words[at][:40]
        raise GambitError(f"{self._name}, line {line}: expected {expected}, got {got}")

    def peek(self) -> str:
        """Returns the next word without taking it; "" at the end."""
        return self._words[self._next] if self._next < len(self._words) else ""

    def take(self, expected: str) -> str:
        """Returns the next word of any kind."""
        if self._next >= len(self._words):
            self.fail(expected)
        self._next += 1
        return self._words[self._next - 1]

    def take_this(self, word: str, expected: str) -> None:
        """Takes one certain word."""
        if self.take(expected) != word:
            self.fail(expected, back=1)

    def take_name(self, expected: str) -> str:
        """Returns a text in quotes, without them."""
        word = self.take(expected)
        if not word.startswith('"') or len(word) < 2:
            self.fail(f"{expected} in quotes", back=1)
        return word[1:-1]

    def take_count(self, expected: str, low: int, high: int | None = None) -> int:
        """Returns a whole number in [low, high]."""
        word = self.take(expected)
        limits = f"at least {low}" if high is None else f"in [{low}, {high}]"
        if not re.fullmatch(r"-?\d{1,9}", word) or int(word) < low or (high is not None and int(word) > high):
            self.fail(f"{expected}, a whole number {limits}", back=1)
        return int(word)

    def take_number(self, expected: str) -> float:
        """Returns an integer, a decimal or a fraction."""
        return float(self.take_fraction(expected))

    def take_fraction(self, expected: str) -> Fraction:
        """Returns an integer, a decimal or a fraction, exactly."""
        word = self.take(expected)
        if not _NUMBER.fullmatch(word) or re.fullmatch(r".*/0+", word):
            self.fail(f"{expected}, a number such as 3, -0.5 or 1/3", back=1)
        return Fraction(word)

    def take_names(self, expected: str) -> list[str]:
        """Returns the texts of a list in braces."""
        self.take_this("{", f"{{ before the {expected}")
        names = []
        while self.peek() != "}":
            names.append(self.take_name(expected))
        self.take("}")
        return names

    def expect_end(self) -> None:
        """Refuses further words."""
        if self._next < len(self._words):
            self.fail("the end of the file")


def _read_header(tokens: _Tokens, version: str) -> int:
    """Reads what follows NFG or EFG and returns the number of players."""
    tokens.take_this(version, f"format version {version}")
    if tokens.take("R or D") not in ("R", "D"):
        tokens.fail("R or D", back=1)
    tokens.take_name("the title")
    players = tokens.take_names("names of players")
    if not players:
        tokens.fail("at least one player", back=1)
    return len(players)


# ---- strategic form ----


def _read_nfg(tokens: _Tokens) -> np.ndarray:
    num_players = _read_header(tokens, "1")
    shape = _read_nfg_shape(tokens, num_players)
    if tokens.peek().startswith('"'):
        tokens.take_name("a comment")
    profiles = int(np.prod(shape, dtype=object))
    if num_players * profiles > MAX_PAYOFFS:
        raise GambitError(f"a game of {' x '.join(map(str, shape))} strategies has more than {MAX_PAYOFFS:,} payoffs")
    if tokens.peek() == "{":
        outcomes = _read_nfg_outcomes(tokens, num_players)
        chosen = [tokens.take_count("an outcome", 0, len(outcomes) - 1) for _ in range(profiles)]
        rows = np.array([outcomes[k] for k in chosen])
    else:
        rows = np.array([tokens.take_number("a payoff") for _ in range(profiles * num_players)])
    tokens.expect_end()
    # The first player's strategy changes fastest.
    payoffs = rows.reshape(*shape[::-1], num_players)
    return np.ascontiguousarray(payoffs.transpose(range(num_players, -1, -1)))


def _read_nfg_shape(tokens: _Tokens, num_players: int) -> list[int]:
    """Returns the numbers of strategies, which stand there as such or as lists of names."""
    tokens.take_this("{", "{ before the numbers of strategies")
    shape = []
    while tokens.peek() != "}":
        if tokens.peek() == "{":
            shape.append(len(tokens.take_names("names of strategies")))
        else:
            shape.append(tokens.take_count("a number of strategies", 1))
        if shape[-1] == 0 or len(shape) > num_players:
            tokens.fail(f"strategies for {num_players} players", back=1)
    if len(shape) < num_players:
        tokens.fail(f"strategies for {num_players} players")
    tokens.take("}")
    return shape


def _read_nfg_outcomes(tokens: _Tokens, num_players: int) -> list[list[float]]:
    """Returns the payoffs of each outcome; number 0 is the one where nobody gets anything."""
    outcomes = [[0.0] * num_players]
    tokens.take_this("{", "{ before the outcomes")
    while tokens.peek() != "}":
        tokens.take_this("{", "{ before an outcome")
        tokens.take_name("the name of an outcome")
        outcomes.append([tokens.take_number("a payoff") for _ in range(num_players)])
        tokens.take_this("}", f"}} after {num_players} payoffs")
    tokens.take("}")
    return outcomes


# ---- extensive form ----

Moves = tuple[tuple[int, int], ...]  # a player's own moves: information set and action, from the root on


@dataclass
class _Tree:
    """What the normal form needs of a tree.

    Attributes:
        num_players: P.
        num_actions: Per player, the number of actions at each information set, in the order of the file.
        visits: Per player and information set, the own moves that lead to its nodes.
        ends: Probability of chance, own moves of each player, and payoffs, wherever something is paid.
    """

    num_players: int
    num_actions: list[dict[int, int]]
    visits: list[dict[int, set[Moves]]]
    ends: list[tuple[Fraction, tuple[Moves, ...], np.ndarray]] = field(default_factory=list)


@dataclass
class _Definitions:
    """What a later node may refer to by number alone."""

    actions: dict[tuple[int, int], list[str]] = field(default_factory=dict)
    chances: dict[int, list[Fraction]] = field(default_factory=dict)
    outcomes: dict[int, np.ndarray] = field(default_factory=dict)


def _read_efg(tokens: _Tokens) -> _Tree:
    num_players = _read_header(tokens, "2")
    if tokens.peek().startswith('"'):
        tokens.take_name("a comment")
    tree = _Tree(num_players, [{} for _ in range(num_players)], [{} for _ in range(num_players)])
    _read_node(tokens, tree, _Definitions(), Fraction(1), ((),) * num_players, 0)
    tokens.expect_end()
    return tree


def _read_node(
    tokens: _Tokens, tree: _Tree, known: _Definitions, chance: Fraction, moves: tuple[Moves, ...], depth: int
) -> None:
    if depth > MAX_DEPTH:
        tokens.fail(f"a tree of at most {MAX_DEPTH} moves on a path")
    kind = tokens.take("a node: c, p or t")
    if kind not in ("c", "p", "t"):
        tokens.fail("a node: c, p or t", back=1)
    tokens.take_name("the name of a node")
    branches: list[tuple[Fraction, tuple[Moves, ...]]] = []
    if kind == "c":
        branches = [(chance * share, moves) for share in _read_chances(tokens, known)]
    elif kind == "p":
        player, infoset, count = _read_decision(tokens, tree, known)
        tree.num_actions[player][infoset] = count
        tree.visits[player].setdefault(infoset, set()).add(moves[player])
        for action in range(count):
            path = (*moves[player], (infoset, action))
            branches.append((chance, (*moves[:player], path, *moves[player + 1 :])))
    payoffs = _read_outcome(tokens, tree.num_players, known)
    if payoffs.any():
        tree.ends.append((chance, moves, payoffs))
    for share, all_moves in branches:
        _read_node(tokens, tree, known, share, all_moves, depth + 1)


def _read_chances(tokens: _Tokens, known: _Definitions) -> list[Fraction]:
    infoset = tokens.take_count("the number of a chance move", 1)
    if tokens.peek().startswith('"'):
        tokens.take_name("the name of a chance move")
    if tokens.peek() == "{":
        tokens.take("{")
        shares = []
        while tokens.peek() != "}":
            tokens.take_name("the name of a chance action")
            shares.append(tokens.take_fraction("a probability"))
            if not 0 <= shares[-1] <= 1:
                tokens.fail("a probability in [0, 1]", back=1)
        tokens.take("}")
        if abs(float(sum(shares)) - 1) > 1e-6:
            tokens.fail(f"probabilities that sum to 1, not to {float(sum(shares)):.9g}, before this", back=1)
        # Decimals are rounded in the file; the probabilities of the game sum to 1.
        known.chances[infoset] = [share / sum(shares) for share in shares]
    if infoset not in known.chances:
        tokens.fail(f"the actions of chance move {infoset}, which is new here")
    return known.chances[infoset]


def _read_decision(tokens: _Tokens, tree: _Tree, known: _Definitions) -> tuple[int, int, int]:
    """Returns the player, the number of its information set, and the number of actions there."""
    player = tokens.take_count("a player", 1, tree.num_players) - 1
    infoset = tokens.take_count("the number of an information set", 1)
    if tokens.peek().startswith('"'):
        tokens.take_name("the name of an information set")
    key = (player, infoset)
    if tokens.peek() == "{":
        actions = tokens.take_names("names of actions")
        if not actions or known.actions.get(key, actions) != actions:
            tokens.fail(f"the actions {known.actions.get(key, 'of an information set')} before this", back=1)
        known.actions[key] = actions
    if key not in known.actions:
        tokens.fail(f"the actions of information set {infoset} of player {player + 1}, which is new here")
    return player, infoset, len(known.actions[key])


def _read_outcome(tokens: _Tokens, num_players: int, known: _Definitions) -> np.ndarray:
    outcome = tokens.take_count("the number of an outcome", 0)
    if outcome == 0:
        return np.zeros(num_players)
    if tokens.peek().startswith('"'):
        tokens.take_name("the name of an outcome")
    if tokens.peek() == "{":
        tokens.take("{")
        payoffs = np.array([tokens.take_number("a payoff") for _ in range(num_players)])
        tokens.take_this("}", f"}} after {num_players} payoffs")
        if not np.array_equal(known.outcomes.get(outcome, payoffs), payoffs):
            tokens.fail(f"the payoffs {known.outcomes[outcome].tolist()} that outcome {outcome} had before", back=1)
        known.outcomes[outcome] = payoffs
    if outcome not in known.outcomes:
        tokens.fail(f"the payoffs of outcome {outcome}, which is new here")
    return known.outcomes[outcome]


# ---- from the tree to the array ----

Strategy = dict[int, int]  # information set -> action


def _agrees(strategy: Strategy, path: Moves) -> bool:
    return all(strategy.get(infoset) == action for infoset, action in path)


def _strategies(num_actions: dict[int, int], visits: dict[int, set[Moves]]) -> list[Strategy]:
    """Returns the reduced strategies of one player, in lexicographic order.

    An information set belongs to a strategy if one of its nodes can be reached under it; so one that the strategy's
    own moves rule out has no entry. With a node reached and its set without a move, every move is tried.
    """
    order = list(num_actions)
    done: list[Strategy] = []
    open_ones: list[Strategy] = [{}]
    while open_ones and len(done) + len(open_ones) <= MAX_STRATEGIES:
        strategy = open_ones.pop()
        reached = (s for s in order if s not in strategy and any(_agrees(strategy, path) for path in visits[s]))
        infoset = next(reached, None)
        if infoset is None:
            done.append(strategy)
        else:
            open_ones += [strategy | {infoset: action} for action in range(num_actions[infoset])]
    if open_ones:
        raise GambitError(f"a player of this tree has more than {MAX_STRATEGIES:,} strategies")
    return sorted(done, key=lambda strategy: [strategy.get(infoset, -1) for infoset in order])


def _reduced_normal_form(tree: _Tree, name: str) -> np.ndarray:
    strategies = [_strategies(tree.num_actions[i], tree.visits[i]) for i in range(tree.num_players)]
    shape = [len(own) for own in strategies]
    if int(np.prod(shape, dtype=object)) * tree.num_players > MAX_PAYOFFS:
        raise GambitError(f"{name}: {' x '.join(map(str, shape))} strategies are more than {MAX_PAYOFFS:,} payoffs")
    payoffs = np.zeros([tree.num_players, *shape])
    fitting: dict[tuple[int, Moves], np.ndarray] = {}
    for chance, moves, paid in tree.ends:
        for i, path in enumerate(moves):
            if (i, path) not in fitting:
                fitting[i, path] = np.flatnonzero([_agrees(strategy, path) for strategy in strategies[i]])
        profiles: Any = np.ix_(*(fitting[i, path] for i, path in enumerate(moves)))
        for i, payoff in enumerate(paid):
            payoffs[(i, *profiles)] += float(chance) * payoff
    return payoffs
