"""ReplayBuffer: what the runners played, as arrays that transitions and sequences are drawn from.

Observations are stored once, in the world's dtype: the next observation of a step is the next row (`replay_ring.py`).
Every agent step has a leaf in the tree of its module (`sum_tree.py`), whose weight is 1 or, with priorities, p^alpha
(Schaul et al. 2016, "Prioritized experience replay", eq. 1):

    P(i) = p_i^alpha / sum_k p_k^alpha            p_i = |TD error|, the largest so far for new steps
    w_i  = (N P(i))^-beta / max_j (N P(j))^-beta  = (p_i^alpha / min_j p_j^alpha)^-beta
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from ray.rllib.utils import metrics as names
from ray.rllib.utils.checkpoints import Checkpointable

from games.names import unknown_name
from marl.rllib.replay.group_ring import OUT
from marl.rllib.replay.replay_ring import Ring
from marl.rllib.replay.replay_sequences import Sequences, draw_sequences
from marl.rllib.replay.sum_tree import FANOUT, SumTree
from marl.rllib.runner.fragment import Fragment

# Least TD error that counts, as RLlib has it: a step with none can still be drawn.
LEAST_PRIORITY = 1e-12

Steps = int | tuple[int, int]
"""Steps of an n-step return: always n, or drawn evenly from low to high, both included."""


class Sampled(NamedTuple):
    """Transitions of one module.

    Attributes:
        columns: By name, [B, ...]: "obs" and "new_obs" in the world's dtype, "actions", "rewards" (discounted sums),
            "terminateds", "n_step" (steps in the sum), "weights"; "action_mask" and "next_action_mask" where the world
            has masks.
        leaves: [B] where they are, for `update_priorities`.
    """

    columns: dict[str, np.ndarray]
    leaves: np.ndarray


class _Shelf(NamedTuple):
    """The leaves [S, E, P] of one group of one runner, from `first` on."""

    first: int
    size: int
    runner: int
    group: str


class _Module:
    """The steps of one module."""

    def __init__(self, number: int, dtype: Any) -> None:
        self.number, self.tree = number, SumTree(1, dtype)
        self.num_steps = 0
        self.max_priority = 1.0


class ReplayBuffer(Checkpointable):
    """The newest env steps of all runners.

    Args:
        capacity: Env steps of all runners together; every runner gets the same share, rounded down to whole steps of
            its E envs.
        num_runners: Runners that will send fragments.
        alpha: Exponent of the priorities; None: every step is as likely as any other.
        seed: Of the draws.
    """

    def __init__(
        self, capacity: int, *, num_runners: int = 1, alpha: float | None = None, seed: int | None = None
    ) -> None:
        if int(capacity) != capacity or capacity < 1:
            raise ValueError(f"capacity must be a whole number of env steps, at least 1, got {capacity!r}")
        if num_runners < 1:
            raise ValueError(f"num_runners must be at least 1, got {num_runners!r}")
        if alpha is not None and not alpha >= 0:
            raise ValueError(f"alpha must be at least 0, got {alpha!r}")
        self.capacity, self.num_runners, self.alpha = int(capacity), num_runners, alpha
        self._rng = np.random.default_rng(seed)
        self._rings: dict[int, Ring] = {}
        self._shelves: list[_Shelf] = []
        self._modules: dict[str, _Module] = {}
        self.num_env_steps_added = 0

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        trees = sum(module.tree.nbytes for module in self._modules.values())
        return trees + sum(ring.nbytes for ring in self._rings.values())

    @property
    def num_env_steps(self) -> int:
        """Env steps that are stored."""
        return sum(ring.num_steps for ring in self._rings.values())

    def num_module_steps(self, module_id: str) -> int:
        """Returns how many steps of a module are stored; 0 for one that never played."""
        module = self._modules.get(module_id)
        return 0 if module is None else module.num_steps

    @property
    def module_ids(self) -> list[str]:
        """Modules of which there are steps."""
        return [module_id for module_id, module in self._modules.items() if module.num_steps]

    def metrics(self) -> dict[str, Any]:
        """Returns numbers under RLlib's names: steps stored, and steps added and evicted since the buffer is there."""
        return {
            names.NUM_ENV_STEPS_STORED: self.num_env_steps,
            names.NUM_ENV_STEPS_ADDED_LIFETIME: self.num_env_steps_added,
            names.NUM_ENV_STEPS_EVICTED_LIFETIME: self.num_env_steps_added - self.num_env_steps,
            names.NUM_MODULE_STEPS_STORED: {m: module.num_steps for m, module in self._modules.items()},
        }

    # ---- adding ----

    def add(self, fragments: list[Fragment]) -> None:
        """Adds fragments, which must come in the order in which their runners made them."""
        for fragment in fragments:
            self._add(fragment)

    def _add(self, fragment: Fragment) -> None:
        runner = fragment.source[0]
        if runner not in self._rings:
            self._make_ring(runner, fragment)
        ring = self._rings[runner]
        first, stop = ring.add(fragment, {name: self._seats(group.modules) for name, group in fragment.groups.items()})
        self.num_env_steps_added += fragment.env_steps()
        for shelf in self._shelves:
            if shelf.runner == runner:
                for slots, _ in ring.parts(first, stop):
                    self._weigh(shelf, slots)

    def _make_ring(self, runner: int, fragment: Fragment) -> None:
        if len(self._rings) == self.num_runners:
            raise ValueError(
                f"a fragment of runner {runner} came to a buffer for num_runners={self.num_runners}, "
                f"which has those of {sorted(self._rings)}"
            )
        num_rows = self.capacity // (self.num_runners * len(fragment))
        if num_rows == 0:
            raise ValueError(
                f"capacity {self.capacity} holds not one step of the {len(fragment)} envs "
                f"of each of {self.num_runners} runners"
            )
        self._put_up(runner, Ring.for_fragments(fragment, num_rows))

    def _put_up(self, runner: int, ring: Ring) -> None:
        self._rings[runner] = ring
        for name, group in ring.groups.items():
            first = self._shelves[-1].first + self._shelves[-1].size if self._shelves else 0
            # Padded, so that no node of a tree belongs to two shelves.
            size = -(-group.fates.size // FANOUT) * FANOUT
            self._shelves.append(_Shelf(first, size, runner, name))
        for module in self._modules.values():
            module.tree.grow(self._num_leaves())

    def _num_leaves(self) -> int:
        return self._shelves[-1].first + self._shelves[-1].size

    def _seats(self, modules: tuple[str, ...]) -> np.ndarray:
        for module_id in modules:
            if module_id not in self._modules:
                module = _Module(len(self._modules), np.uint8 if self.alpha is None else np.float32)
                module.tree.grow(self._num_leaves())
                self._modules[module_id] = module
        return np.array([self._modules[module_id].number for module_id in modules], np.int16)

    def _weigh(self, shelf: _Shelf, slots: slice) -> None:
        """Gives the steps in some slots the weight of new ones, in the trees of all modules."""
        group = self._rings[shelf.runner].groups[shelf.group]
        took_step = group.fates[slots] != OUT
        first = shelf.first + slots.start * took_step[0].size
        for module in self._modules.values():
            weights = took_step & (group.seats[slots] == module.number)[:, None, :]
            old = module.tree.leaves[first : first + weights.size]
            module.num_steps += int(np.count_nonzero(weights)) - int(np.count_nonzero(old))
            weight = 1 if self.alpha is None else np.float32(module.max_priority**self.alpha)
            module.tree.write(first, (weights * weight).reshape(-1))

    # ---- transitions ----

    def sample(self, module_id: str, num: int, *, n_step: Steps = 1, gamma: float = 0.99, beta: float = 0.0) -> Sampled:
        """Draws transitions of a module, with replacement.

        A return ends early where the episode ends, where another module takes over the agent, or with the newest step;
        "n_step" says how many rewards are in it, so that gamma ** n_step is the discount of "new_obs".

        Args:
            module_id: Of the steps.
            num: B.
            n_step: Of the returns.
            gamma: Discount factor of the returns.
            beta: Of the importance weights; without priorities they are 1.

        Raises:
            UnknownNameError: No such module has played.
            ValueError: Nothing is stored, or an argument is out of range.
        """
        module = self._find(module_id)
        low, high = (n_step, n_step) if isinstance(n_step, int) else n_step
        if not 1 <= low <= high:
            raise ValueError(f"n_step must be at least 1, or (low, high) with low <= high, got {n_step!r}")
        if num < 1 or beta < 0:
            raise ValueError(f"num must be at least 1 and beta at least 0, got {num!r} and {beta!r}")
        leaves = module.tree.draw(self._rng, num)
        num_steps = np.full(num, low) if low == high else self._rng.integers(low, high, num, endpoint=True)
        columns = self._look_up(leaves, num_steps, gamma)
        columns["weights"] = np.ones(num, np.float32)
        if self.alpha is not None:
            columns["weights"] = ((module.tree.leaves[leaves] / module.tree.least) ** -beta).astype(np.float32)
        return Sampled(columns, leaves)

    def _find(self, module_id: str) -> _Module:
        if not self._modules:
            raise ValueError("the replay buffer is empty")
        if module_id not in self._modules:
            raise unknown_name("module in the replay buffer", module_id, self._modules)
        if self._modules[module_id].num_steps == 0:
            raise ValueError(f"no step of module {module_id!r} is left in the replay buffer")
        return self._modules[module_id]

    def _look_up(self, leaves: np.ndarray, num_steps: np.ndarray, gamma: float) -> dict[str, np.ndarray]:
        if len(self._shelves) == 1:
            return self._look_up_on(self._shelves[0], leaves, num_steps, gamma)
        firsts = np.array([shelf.first for shelf in self._shelves])
        number = np.searchsorted(firsts, leaves, side="right") - 1
        places, parts = [], []
        for i in np.unique(number):
            here = np.flatnonzero(number == i)
            places.append(here)
            parts.append(self._look_up_on(self._shelves[i], leaves[here], num_steps[here], gamma))
        order = np.argsort(np.concatenate(places))
        return {name: np.concatenate([part[name] for part in parts])[order] for name in parts[0]}

    def _look_up_on(
        self, shelf: _Shelf, leaves: np.ndarray, num_steps: np.ndarray, gamma: float
    ) -> dict[str, np.ndarray]:
        ring = self._rings[shelf.runner]
        slots, envs, agents = np.unravel_index(leaves - shelf.first, ring.groups[shelf.group].fates.shape)
        return ring.transitions(shelf.group, (ring.rows_of(slots), envs, agents), num_steps, gamma)

    def update_priorities(self, module_id: str, leaves: np.ndarray, priorities: np.ndarray) -> None:
        """Sets the priorities of transitions, before anything is added after they were drawn.

        Args:
            module_id: Of the steps.
            leaves: [B] as `sample` returned them.
            priorities: [B] absolute TD errors.
        """
        if self.alpha is None:
            raise ValueError("this replay buffer keeps no priorities; give it an alpha")
        if len(priorities) != len(leaves) or not np.isfinite(priorities).all():
            raise ValueError(f"expected {len(leaves)} finite priorities, got {priorities!r}")
        module = self._find(module_id)
        priorities = np.maximum(np.asarray(priorities, np.float64), LEAST_PRIORITY)
        module.tree.set(leaves, (priorities**self.alpha).astype(np.float32))
        module.max_priority = max(module.max_priority, float(priorities.max()))

    # ---- sequences ----

    def sample_sequences(self, num: int, length: int) -> Sequences:
        """Draws stretches of episodes that start with any stored env step, each as likely as the others.

        Args:
            num: B.
            length: L.

        Raises:
            ValueError: Nothing is stored, or an argument is out of range.
        """
        if num < 1 or length < 1:
            raise ValueError(f"num and length must be at least 1, got {num!r} and {length!r}")
        if self.num_env_steps == 0:
            raise ValueError("the replay buffer is empty")
        return draw_sequences(list(self._rings.values()), self._rng, num, length)

    # ---- state ----

    def get_state(self, components: Any = None, *, not_components: Any = None, **kwargs: Any) -> dict[str, Any]:
        """Returns everything, as arrays, numbers and strings: a restored buffer draws what this one would draw."""
        return {
            "layout": self._layout(),
            "generator": self._rng.bit_generator.state,
            "num_env_steps_added": self.num_env_steps_added,
            "rings": {runner: ring.get_state() for runner, ring in self._rings.items()},
            "modules": {
                module_id: {
                    "weights": module.tree.leaves.copy(),
                    "num_steps": module.num_steps,
                    "max_priority": module.max_priority,
                }
                for module_id, module in self._modules.items()
            },
        }

    def _layout(self) -> dict[str, Any]:
        return {"capacity": self.capacity, "num_runners": self.num_runners, "is_prioritized": self.alpha is not None}

    def set_state(self, state: dict[str, Any]) -> None:
        """Restores what `get_state` returned from a buffer with the same capacity, runners and kind of priorities."""
        if state["layout"] != self._layout():
            raise ValueError(f"the state is of a replay buffer with {state['layout']}, this one has {self._layout()}")
        self._rng.bit_generator.state = state["generator"]
        self.num_env_steps_added = state["num_env_steps_added"]
        self._modules, self._rings, self._shelves = {}, {}, []
        for runner, ring in state["rings"].items():
            self._put_up(runner, Ring.from_state(ring))
        for module_id, restored in state["modules"].items():
            self._seats((module_id,))
            module = self._modules[module_id]
            module.tree.write(0, restored["weights"])
            module.num_steps, module.max_priority = restored["num_steps"], restored["max_priority"]

    def get_ctor_args_and_kwargs(self) -> tuple[tuple, dict[str, Any]]:
        """Returns what a copy is built from."""
        return (self.capacity,), {"num_runners": self.num_runners, "alpha": self.alpha}
