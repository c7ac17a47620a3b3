"""A finite Markov game as arrays: the one form that the world, the generators and the solvers share."""

from __future__ import annotations

import functools
import reprlib
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from scipy import sparse  # at run time only where it is needed: it would double the time of `import games`

# Of the sum of a distribution around 1; sums inside are made exactly 1.
TOLERANCE = 1e-6

Outcome = tuple[Any, float, Sequence[float]]  # successor, probability, reward of each player


@dataclass(frozen=True, eq=False)
class MarkovGame:
    """S states, P players, and what may come of each state and joint action.

    A row is a state and a joint action, (s, a_0, ..., a_{P-1}) in C order; its outcomes are the entries
    row_starts[row] to row_starts[row + 1]. Rows of terminal states have none. Arrays are not to be written.

    Attributes:
        num_actions: A_i of each player.
        row_starts: [R + 1] int32, R = S * A_0 * ... * A_{P-1}.
        successors: [N] int32, the state of each outcome.
        probabilities: [N] float64, positive; sum to 1 in each row.
        row_rewards: [R, P] float64, or [N, P] where the reward depends on the outcome.
        initial: [S] float64, the distribution of the first state.
        terminal: [S] bool, whether the game is over on arrival.
        legal: Per player, [S, A_i] bool, what may be played; None: everything.
        state_names: Of the S states, for people; None: their numbers.
    """

    num_actions: tuple[int, ...]
    row_starts: np.ndarray
    successors: np.ndarray
    probabilities: np.ndarray
    row_rewards: np.ndarray
    initial: np.ndarray
    terminal: np.ndarray
    legal: tuple[np.ndarray, ...] | None = None
    state_names: tuple[str, ...] | None = None

    @property
    def num_players(self) -> int:
        """P."""
        return len(self.num_actions)

    @property
    def num_states(self) -> int:
        """S."""
        return len(self.initial)

    @property
    def num_profiles(self) -> int:
        """Joint actions, A_0 * ... * A_{P-1}."""
        return int(np.prod(self.num_actions))

    @functools.cached_property
    def outcome_rows(self) -> np.ndarray:
        """[N] int64: the row of each outcome."""
        return np.repeat(np.arange(len(self.row_starts) - 1), np.diff(self.row_starts))

    @functools.cached_property
    def outcome_rewards(self) -> np.ndarray:
        """[N, P] float64: what each player gets with each outcome."""
        if len(self.row_rewards) == len(self.successors):
            return self.row_rewards
        return self.row_rewards[self.outcome_rows]

    @functools.cached_property
    def transition_matrix(self) -> sparse.csr_array:
        """[R, S] sparse: the distribution of the next state in each row; rows of terminal states are empty."""
        from scipy import sparse

        shape = (len(self.row_starts) - 1, self.num_states)
        # A copy: adding up the equal successors of a row happens in place.
        matrix = sparse.csr_array((self.probabilities, self.successors, self.row_starts), shape=shape, copy=True)
        matrix.sum_duplicates()
        return matrix

    @functools.cached_property
    def transitions(self) -> np.ndarray:
        """[S, A_0, ..., A_{P-1}, S'] float64, made on demand."""
        return self.transition_matrix.toarray().reshape(self.num_states, *self.num_actions, self.num_states)

    @functools.cached_property
    def rewards(self) -> np.ndarray:
        """[P, S, A_0, ..., A_{P-1}] float64: expected rewards, 0 in terminal states."""
        weights = self.probabilities[:, None] * self.outcome_rewards
        num_rows = len(self.row_starts) - 1
        sums = [np.bincount(self.outcome_rows, weights[:, i], num_rows) for i in range(self.num_players)]
        return np.stack(sums).reshape(self.num_players, self.num_states, *self.num_actions)

    def outcomes(self, state: int, actions: Sequence[int]) -> list[tuple[int, float, np.ndarray]]:
        """Returns what may come of a joint action: next state, probability and rewards [P] of each outcome."""
        row = np.ravel_multi_index((state, *actions), (self.num_states, *self.num_actions))
        return [
            (int(self.successors[k]), float(self.probabilities[k]), self.outcome_rewards[k])
            for k in range(self.row_starts[row], self.row_starts[row + 1])
        ]

    def legal_actions(self, state: int, player: int) -> list[int]:
        """Returns what a player may play in a state."""
        if self.legal is None:
            return list(range(self.num_actions[player]))
        return np.flatnonzero(self.legal[player][state]).tolist()


def _is_sparse(value: Any) -> bool:
    return hasattr(value, "tocsr")


def _array(name: str, value: Any, shape: str) -> np.ndarray:
    try:
        return np.asarray(value, np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{name} must be numbers {shape}, got {reprlib.repr(value)}: {error}") from None


def _row_name(row: int, num_states: int, num_actions: tuple[int, ...]) -> str:
    state, *actions = (int(part) for part in np.unravel_index(row, (num_states, *num_actions)))
    return f"state {state} under joint action {tuple(actions)}"


def from_arrays(
    transitions: Any,
    rewards: Any,
    initial: Any = None,
    terminal: Any = None,
    legal_actions: Any = None,
    state_names: Sequence[str] | None = None,
) -> MarkovGame:
    """Makes a game from arrays.

    Args:
        transitions: [S, A_0, ..., A_{P-1}, S'] probabilities, or a SciPy sparse array [S * A_0 * ... * A_{P-1}, S'].
            Rows of terminal states are not read.
        rewards: [P, S, A_0, ..., A_{P-1}], or [P, S, A_0, ..., A_{P-1}, S'] with dense transitions.
        initial: [S] distribution of the first state; None: state 0.
        terminal: The terminal states, as their numbers or [S] flags of type bool; None: none.
        legal_actions: Per player [S, A_i] flags; None: everything is legal.
        state_names: S names; None: numbers.

    Raises:
        ValueError: Not finite, of the wrong shape, or no distribution; the message says where.
    """
    reward_array = _array("rewards", rewards, "[P, S, A_0, ..., A_{P-1}]")
    num_states, num_actions = _shape(transitions, reward_array)
    flags = _terminal_flags(terminal, num_states)
    starts, successors, probabilities, kept = _rows(transitions, num_states, num_actions, flags)
    if not np.isfinite(reward_array).all():
        raise ValueError(f"rewards must be finite, got {reward_array[~np.isfinite(reward_array)][0]}")
    num_players, num_rows = len(num_actions), num_states * int(np.prod(num_actions))
    if reward_array.ndim == num_players + 3:
        row_rewards = reward_array.reshape(num_players, num_rows * num_states)[:, kept]
    else:
        row_rewards = reward_array.reshape(num_players, num_rows)
    return MarkovGame(
        num_actions,
        starts,
        successors,
        probabilities,
        np.ascontiguousarray(row_rewards.T),
        _initial(initial, num_states, flags),
        flags,
        _legal_flags(legal_actions, num_states, num_actions),
        None if state_names is None else _names(state_names, num_states),
    )


def _shape(transitions: Any, rewards: np.ndarray) -> tuple[int, tuple[int, ...]]:
    """Returns the number of states and of actions, which transitions and rewards must agree about."""
    num_players = rewards.shape[0] if rewards.ndim else 0
    if num_players < 1 or rewards.ndim not in (num_players + 2, num_players + 3) or 0 in rewards.shape:
        raise ValueError(
            "rewards must have the shape [P, S, A_0, ..., A_{P-1}] or [P, S, A_0, ..., A_{P-1}, S'], "
            f"one axis of actions per player, got {list(rewards.shape)}"
        )
    num_states, num_actions = rewards.shape[1], rewards.shape[2 : 2 + num_players]
    is_sparse = _is_sparse(transitions)
    expected = [int(np.prod(rewards.shape[1 : 2 + num_players])), num_states]
    if not is_sparse:
        expected = [num_states, *num_actions, num_states]
    if list(np.shape(transitions)) != expected:
        kind = "sparse transitions" if is_sparse else "transitions"
        raise ValueError(
            f"{kind} must have the shape {expected} to fit rewards {list(rewards.shape)}, "
            f"got {list(np.shape(transitions))}"
        )
    if rewards.ndim == num_players + 3 and (is_sparse or rewards.shape[-1] != num_states):
        raise ValueError(
            f"rewards of shape {list(rewards.shape)} need dense transitions [S, A_0, ..., A_{{P-1}}, S'] "
            "of as many states"
        )
    return num_states, tuple(int(a) for a in num_actions)


def _rows(
    transitions: Any, num_states: int, num_actions: tuple[int, ...], terminal: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Returns row_starts, successors, probabilities, and where the kept entries stood in the dense array."""
    num_rows = num_states * int(np.prod(num_actions))
    if _is_sparse(transitions):
        table = transitions.tocsr(copy=True).astype(np.float64)
        table.sum_duplicates()
        rows, successors, values = np.repeat(np.arange(num_rows), np.diff(table.indptr)), table.indices, table.data
    else:
        dense = _array("transitions", transitions, "[S, A_0, ..., S']").reshape(num_rows, num_states)
        rows, successors = np.nonzero(dense)
        values = dense[rows, successors]
    keep = ~np.repeat(terminal, num_rows // num_states)[rows]
    rows, successors, values = rows[keep], successors[keep], values[keep]
    sums = _check_distributions(rows, values, num_actions, terminal)
    positive = values > 0
    rows, successors, values = rows[positive], successors[positive], values[positive]
    starts = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=num_rows))])
    if len(values) + num_states >= 2**31 - 1 or num_rows >= 2**31 - 1:
        raise ValueError(f"a game of {num_rows} rows and {len(values)} outcomes is too large")
    kept = rows * num_states + successors
    return starts.astype(np.int32), successors.astype(np.int32), values / sums[rows], kept


def _check_distributions(
    rows: np.ndarray, values: np.ndarray, num_actions: tuple[int, ...], terminal: np.ndarray
) -> np.ndarray:
    """Returns the sum of each row, which is 1 up to rounding where the game is not over."""
    num_states, each = len(terminal), int(np.prod(num_actions))
    bad = np.flatnonzero(~(np.isfinite(values) & (values >= 0)))
    if len(bad):
        where = _row_name(int(rows[bad[0]]), num_states, num_actions)
        raise ValueError(f"transitions must be probabilities; in {where} one is {values[bad[0]]}")
    sums = np.bincount(rows, values, num_states * each)
    wrong = np.flatnonzero((np.abs(sums - 1) > TOLERANCE) & ~np.repeat(terminal, each))
    if len(wrong):
        where = _row_name(int(wrong[0]), num_states, num_actions)
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        raise ValueError(f"transitions must sum to 1; in {where}{more} they sum to {sums[wrong[0]]:.9g}")
    return sums


def _terminal_flags(terminal: Any, num_states: int) -> np.ndarray:
    flags = np.zeros(num_states, bool)
    if terminal is None:
        return flags
    given = np.asarray(terminal)
    if given.dtype == bool and given.shape == (num_states,):
        return given.copy()
    if given.size == 0:
        return flags
    if given.ndim != 1 or given.dtype.kind not in "iu" or (given < 0).any() or (given >= num_states).any():
        raise ValueError(
            f"terminal must be numbers of states in [0, {num_states - 1}] or {num_states} flags of type bool, "
            f"got {reprlib.repr(terminal)}"
        )
    flags[given] = True
    return flags


def _initial(initial: Any, num_states: int, terminal: np.ndarray) -> np.ndarray:
    if initial is None:
        weights = np.eye(1, num_states)[0]
    else:
        weights = _array("initial", initial, "[S]")
        if weights.shape != (num_states,):
            raise ValueError(f"initial must have the shape [{num_states}], got {list(weights.shape)}")
        if not (np.isfinite(weights) & (weights >= 0)).all() or abs(weights.sum() - 1) > TOLERANCE:
            raise ValueError(f"initial must be probabilities that sum to 1; they sum to {weights.sum():.9g}")
    inside = np.flatnonzero((weights > 0) & terminal)
    if len(inside):
        raise ValueError(f"initial must be 0 in terminal states, got {weights[inside[0]]} in state {inside[0]}")
    return weights / weights.sum()


def _legal_flags(legal: Any, num_states: int, num_actions: tuple[int, ...]) -> tuple[np.ndarray, ...] | None:
    if legal is None:
        return None
    expected = [(num_states, a) for a in num_actions]
    try:
        flags = [np.asarray(each, bool) for each in legal]
    except (TypeError, ValueError):
        flags = []
    if [each.shape for each in flags] != expected:
        raise ValueError(f"legal_actions must be flags of the shapes {expected}, got {reprlib.repr(legal)}")
    for player, each in enumerate(flags):
        if not each.any(axis=1).all():
            state = int(np.flatnonzero(~each.any(axis=1))[0])
            raise ValueError(f"legal_actions must leave player {player} an action in state {state}")
    return tuple(flags)


def _names(names: Sequence[str], num_states: int) -> tuple[str, ...]:
    if isinstance(names, str) or len(names) != num_states or not all(isinstance(name, str) for name in names):
        raise ValueError(f"state_names must be {num_states} strings, got {reprlib.repr(names)}")
    return tuple(names)


def from_rules(
    first: Mapping[Any, float],
    num_actions: Sequence[int],
    play: Callable[[Any, tuple[int, ...]], Iterable[Outcome]],
    is_terminal: Callable[[Any], bool] = lambda state: False,
) -> MarkovGame:
    """Makes a game from rules, by visiting every state that can be reached.

    Args:
        first: Probability of each first state; states may be of any hashable type.
        num_actions: A_i of each player.
        play: Returns the outcomes of a joint action in a state. Equal successors may come several times.
        is_terminal: Whether the game is over in a state.

    Returns:
        The game; its states are numbered in the order of being met, and named by their `str`.

    Raises:
        ValueError: Outcomes that are no distribution; the message says where.
    """
    index: dict[Hashable, int] = {state: k for k, state in enumerate(first)}
    states, starts = list(first), [0]
    successors, probabilities, rewards = [], [], []
    done = 0
    while done < len(states):
        state = states[done]
        done += 1
        for actions in np.ndindex(*num_actions):
            for successor, probability, paid in () if is_terminal(state) else play(state, actions):
                if successor not in index:
                    index[successor] = len(states)
                    states.append(successor)
                successors.append(index[successor])
                probabilities.append(probability)
                rewards.append(paid)
            starts.append(len(successors))
    initial = np.zeros(len(states))
    initial[: len(first)] = list(first.values())
    terminal = np.array([is_terminal(state) for state in states])
    rows = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    _check_distributions(rows, np.array(probabilities, np.float64), tuple(num_actions), terminal)
    return MarkovGame(
        tuple(num_actions),
        np.array(starts, np.int32),
        np.array(successors, np.int32),
        np.array(probabilities, np.float64),
        np.array(rewards, np.float64).reshape(len(successors), len(num_actions)),
        _initial(initial, len(states), terminal),
        terminal,
        state_names=tuple(map(str, states)),
    )
