"""FragmentToTrajectories: the learner connector for V-trace losses (IMPALA, APPO). Whole trajectories, end to end.

A trajectory is what one agent did in one env until its episode, its part in it or the fragment ended. It is followed by
one bootstrap row, which shows what the agent saw last and counts for no loss (RLlib's `AddOneTsToEpisodesAndTruncate`):

    row         observation  action  reward  TERMINATEDS         TRUNCATEDS  LOSS_MASK
    first step  o_0          a_0     r_0     False               False       True
    last step   o_n          a_n     r_n     whether it is over  otherwise   True
    bootstrap   o_{n+1}      a_n     0       False               False       False

**Order.** Env by env, agent by agent, in the order of time. RLlib's losses cut the columns of a module into lines of
`rollout_fragment_length` rows, wherever that falls, and take the value of the first row of the next line for what comes
after a line. So rows of one trajectory have to be neighbours: then the next line begins with the very next step, or
with the bootstrap row. (The return itself is cut there: V-trace sums no further than the end of a line.) Nothing flows
past the end of a trajectory, because the discount is 0 in bootstrap rows and after terminations; which also makes the
value harmless that the loss takes for what comes after the very last line.

**What differs from RLlib** is the log-probability in bootstrap rows. RLlib repeats that of the last action. Its V-trace
then takes the row for a step without reward and future, so that the target there is V + rho * (0 - V), nearly 0 as rho
compares two likely actions - and that is what the steps before are given for the time after a cut, where V was meant.
(Unless the row happens to open the next line: then V itself stands for what follows the line.)
A behaviour that was sure of its action makes rho = 0 and the target V, with which a stream of rewards of 1 is worth
1 / (1 - gamma) again, and not what fits into the fragment.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from ray.rllib.connectors.connector_v2 import ConnectorV2
from ray.rllib.core.columns import Columns
from ray.rllib.utils.metrics import WEIGHTS_SEQ_NO

from marl.rllib.learner.decision_rows import ACTION_MASK
from marl.rllib.learner.played import Played
from marl.rllib.runner.fragment import Fragment

# Log-probability of the behaviour in bootstrap rows. Against any policy of ours the ratio exp(logp - this) is exactly 0
# in float32, and its inverse is at worst infinite where the loss clips it.
CERTAIN_LOGP = 1e3


class Rows(NamedTuple):
    """Places in a fragment of the B rows of all trajectories, in their order.

    Attributes:
        t: [B] step that the row shows, or that the bootstrap row follows.
        e: [B] env.
        p: [B] agent, counted among those of the module.
        is_bootstrap: [B] bool.
    """

    t: np.ndarray
    e: np.ndarray
    p: np.ndarray
    is_bootstrap: np.ndarray


def find_rows(alive: np.ndarray, ends: np.ndarray) -> Rows:
    """Returns where the rows of all trajectories are.

    Args:
        alive: [T, E, P] bool; whether the agent acted in step t.
        ends: [T, E, P] bool; whether its trajectory ends with step t.
    """
    has_row = np.stack([alive, alive & ends], axis=-1)
    e, p, t, is_bootstrap = np.nonzero(has_row.transpose(1, 2, 0, 3))
    return Rows(t, e, p, is_bootstrap.astype(bool))


class FragmentToTrajectories(ConnectorV2):
    """Turns the runners' fragments into the columns of RLlib's V-trace losses.

    `config.learners(learner_connector=FragmentToTrajectories)`, so that RLlib builds it wherever it runs: in learners
    and in aggregators. Arrays, not tensors: they travel from aggregators to learners.

    Args:
        input_observation_space: Unused; RLlib's convention.
        input_action_space: Unused; RLlib's convention.
        repeats_logp: Whether bootstrap rows repeat the last log-probability, as RLlib has it.
    """

    def __init__(
        self, input_observation_space: Any = None, input_action_space: Any = None, *, repeats_logp: bool = False
    ) -> None:
        super().__init__(input_observation_space, input_action_space)
        self.repeats_logp = repeats_logp
        # Whether a module is trained; the others need no rows. A learner puts its own answer here.
        self.is_trained: Callable[[str], bool] = lambda module_id: True

    def __call__(  # type: ignore[override]
        self, *, episodes: list[Fragment], **kwargs: Any
    ) -> dict[str, dict[str, np.ndarray]]:
        """Returns columns by module: observations [B, D] in the world's dtype, what the loss needs [B, ...]."""
        parts: dict[str, list[dict[str, np.ndarray]]] = {}
        for fragment in episodes:
            for group in fragment.groups.values():
                for module_id, columns in group.columns():
                    if self.is_trained(module_id):
                        rows = trajectory_rows(Played(fragment, group, columns), self.repeats_logp)
                        parts.setdefault(module_id, []).append(rows)
        joined = {module_id: _join(module_parts) for module_id, module_parts in parts.items()}
        return {module_id: columns for module_id, columns in joined.items() if len(columns[Columns.LOSS_MASK])}


def trajectory_rows(played: Played, repeats_logp: bool = False) -> dict[str, np.ndarray]:
    """Returns the columns [B, ...] of the trajectories of one module's agents in one group of a fragment.

    Args:
        played: By these agents.
        repeats_logp: As `FragmentToTrajectories` has it.
    """
    group, transitions = played.group, played.transitions
    ends = ~transitions.goes_on
    ends[-1] = True
    rows = find_rows(played.alive[:-1], ends)
    places = np.arange(len(group.agents))[played.columns][rows.p]
    step = np.ravel_multi_index((rows.t, rows.e, places), group.rewards.shape)
    is_last = ends[rows.t, rows.e, rows.p] & ~rows.is_bootstrap
    is_over = transitions.is_terminal[rows.t, rows.e, rows.p]
    logp = _take(group.action_logp, step)
    if not repeats_logp:
        logp[rows.is_bootstrap] = CERTAIN_LOGP
    return {
        **_see(played, rows, places),
        Columns.ACTIONS: _take(group.actions, step),
        Columns.ACTION_LOGP: logp,
        Columns.ACTION_DIST_INPUTS: _take(group.action_dist_inputs, step),
        Columns.REWARDS: np.where(rows.is_bootstrap, np.float32(0), _take(group.rewards, step)),
        Columns.TERMINATEDS: is_last & is_over,
        Columns.TRUNCATEDS: is_last & ~is_over,
        Columns.LOSS_MASK: ~rows.is_bootstrap,
        WEIGHTS_SEQ_NO: np.full(len(step), played.fragment.weights_seq_no),
    }


def _see(played: Played, rows: Rows, places: np.ndarray) -> dict[str, np.ndarray]:
    """Returns the observations of the rows, and their action masks where the group has some."""
    fragment, group = played.fragment, played.group
    # What an agent sees after a step stands in the next row of the fragment: for one that goes on, and for one that is
    # out while its episode goes on. At the end of an episode the next row is already the first of the next one.
    seen = np.ravel_multi_index((rows.t + rows.is_bootstrap, rows.e, places), group.alive.shape)
    observations = _take(group.observations, seen)
    columns = {Columns.OBS: observations.reshape(len(seen), -1)}
    if group.action_masks is not None:
        columns[ACTION_MASK] = _take(group.action_masks, seen)
    is_final = np.flatnonzero(rows.is_bootstrap & fragment.ended[rows.t, rows.e])
    if len(is_final):
        number = np.empty(fragment.ended.shape, np.int64)
        number[tuple(fragment.final_index.T)] = np.arange(len(fragment.final_index))
        ends = number[rows.t[is_final], rows.e[is_final]]
        observations[is_final] = group.final_observations[ends, places[is_final]]
        if ACTION_MASK in columns:
            columns[ACTION_MASK][is_final] = 1  # nobody acts there; the loss only must not meet a row without choice
    return columns


def _take(array: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Returns rows [B, ...] of an array [T, E, P, ...]."""
    return array.reshape(-1, *array.shape[3:]).take(index, axis=0)


def _join(parts: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    if len(parts) == 1:
        return parts[0]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
