"""What the conformance tests play: all registered ids and a few settings that no id has, with seeded random actions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

import econ  # noqa: F401 - registers its worlds
import games
from games.batch import Batch, Group
from games.playthrough import random_actions

ARRAYS = ("observations", "action_masks", "rewards", "terminations", "truncations", "alive")


@dataclass(frozen=True)
class Case:
    """An id and settings that differ from it."""

    id: str
    settings: dict[str, Any] = field(default_factory=dict)
    name: str = ""

    def __str__(self) -> str:
        return self.name or self.id

    def batch(self, num_envs: int = 1, **options: Any) -> Batch:
        return games.make_batch(self.id, num_envs, **{"autoreset": "disabled", **options}, **self.settings)

    def parallel_env(self, **options: Any) -> Any:
        return games.parallel_env(self.id, **options, **self.settings)

    def aec_env(self, **options: Any) -> Any:
        return games.aec_env(self.id, **options, **self.settings)

    @property
    def horizon(self) -> int:
        return games.spec(self.id).config(**self.settings).properties().horizon

    def with_horizon(self, horizon: int) -> Case:
        """Shortens the episodes where the world has that setting."""
        if "horizon" not in games.spec(self.id).config_class.__dataclass_fields__:
            return self
        return replace(self, settings={**self.settings, "horizon": min(horizon, self.horizon)})


_PAYOFFS = np.random.default_rng(0).integers(-5, 6, (3, 2, 3, 4)).astype(float)
_LEGAL = [[True, False], [False, True]]

_CHANCE = np.random.default_rng(1).dirichlet(np.ones(4), (4, 2, 3))
_MARKOV = {
    "transitions": _CHANCE,
    "rewards": np.random.default_rng(2).normal(size=(2, 4, 2, 3, 4)),
    "legal_actions": [[[1, 0], [0, 1], [1, 1], [1, 1]], [[1, 1, 1], [0, 1, 1], [0, 0, 1], [1, 0, 1]]],
    "initial": [0.5, 0, 0.25, 0.25],
    "terminal": [1],
    "features": np.arange(-4, 12).reshape(2, 4, 2),
    "state_names": ["a", "b", "c", "a state with a long name"],
    "continuation": 0.95,
    "horizon": 20,
}

EXTRA_CASES = [
    Case(
        "coordination/aloha_v0",
        {"num_agents": 7, "conflicts": [(0, 1), (1, 2), (6, 3)], "capacity": 2, "start_backlog": 0, "mask_empty": True},
        "aloha with masks",
    ),
    Case("coordination/bits_v0", {"num_agents": 9, "flip": 0.5, "pays_next": False}, "nine bits, paid before the step"),
    Case(
        "grid/foraging_8x8_2p_2f_v0",
        {
            **{
                "rows": 5,
                "columns": 6,
                "num_players": 5,
                "num_foods": 6,
                "sight": 1,
                "max_player_level": 4,
                "horizon": 30,
            },
            **{"observation": "grid", "penalty": 0.25, "normalize_reward": False, "observe_agent_levels": False},
        },
        "a crowded field",
    ),
    Case(
        "grid/pursuit_v0",
        {
            "x_size": 4,
            "y_size": 5,
            "n_pursuers": 9,
            "n_evaders": 2,
            "obs_range": 3,
            "shared_reward": False,
            "horizon": 40,
        },
        "a crowded pursuit",
    ),
    Case(
        "grid/door_key_v0",
        {"size": 7, "num_agents": 3, "view_size": 5, "near_goal": 0.3, "shared_reward": False, "horizon": 40},
        "three agents and one key",
    ),
    Case(
        "grid/trash_v0",
        {"num_agents": 5, "num_small": 30, "num_big": 15, "capacity": 2, "horizon": 40},
        "a crowd in a field full of trash",
    ),
    Case("markov/tabular_v0", _MARKOV, "markov with two groups"),
    Case("matrix/prisoners_dilemma_v0", {"legal_actions": _LEGAL, "horizon": 5}, "matrix with masks"),
    Case("matrix/prisoners_dilemma_v0", {"payoffs": _PAYOFFS, "horizon": 5}, "matrix with three groups"),
    Case(
        "grid/trust_v0",
        {
            **{"width": 3, "height": 2, "num_plants": 2, "follow_probability": 0.5, "horizon": 12},
            **{"runs_after_mauling": True, "ends_at_catch": True, "observation": "coordinates"},
        },
        "a crowded trust dilemma",
    ),
    Case("particles/simple_spread_v0", {"num_agents": 4, "populations": (1, 2, 4)}, "spread with populations"),
    Case(
        "particles/simple_tag_v0",
        {"num_agents": 2, "populations": ((1, 2), (3, 1)), "terminate_on_success": True, "continuous_actions": True},
        "tag with populations",
    ),
    Case(
        "particles/treasure_collection_v0",
        {
            **{"num_collectors": 5, "num_banks": 3, "num_treasures": 4, "populations": ((2, 1), (5, 3))},
            **{"num_agent_neighbors": 3, "continuous_actions": True},
        },
        "treasures with populations",
    ),
    Case("particles/grassland_v0", {"populations": ((1, 2), (2, 3)), "sharing": 0.5, "horizon": 60}, "herds"),
    Case(
        "grid/cleanup_v0",
        {
            **{
                "map": "@@@@@@@@\n@PHR BA@\n@PSR BA@\n@PPR BA@\n@@@@@@@@",
                "num_agents": 4,
                "timeout_steps": 3,
                "horizon": 30,
            },
            **{"hits_to_timeout": 2, "view_ahead": 3, "view_behind": 0, "view_side": 1, "clean_reward": 0.5},
        },
        "cleanup with time-outs",
    ),
    Case(
        "econ/one_step_v0",
        {
            **{"num_workers": 3, "hours": 10, "horizon": 7, "tax_period": 3, "tax_model": "planner_rates"},
            **{"bracket_spacing": "custom", "bracket_cutoffs": (0, 5, 12.5), "utility": "isoelastic"},
            **{"isoelastic_eta": 1.0, "labor_cost": 0.05, "objective": "rawlsian", "tax_annealing": (-1, 0.5)},
        },
        "one step with rates as numbers",
    ),
    Case(
        "econ/gather_trade_build_v0",
        {
            **{"layout": "SW.~W\n.S.~.\n.....\nW~~.S", "num_agents": 3, "starts": "random", "starting_coin": 9.5},
            **{"max_bid_ask": 3, "max_orders": 2, "order_duration": 3, "view": 1, "planner_sees_map": True},
            **{"tax_model": "planner_rates", "tax_period": 4, "bracket_spacing": "linear", "num_brackets": 3},
            **{"isoelastic_eta": 1.0, "objective": "utilitarian", "regrowth_probability": 0.3, "horizon": 30},
        },
        "gather, trade, build on an islet",
    ),
]


# Ids that differ from one that stays in nothing but numbers which the same code reads; `make learn` plays them too.
ALIKE = {
    *("control/cartpole_balance_v0", "control/point_mass_gap_left_v0", "coordination/bits_5_v0"),
    *("driving/highway_fast_v0", "econ/one_step_elastic_v0", "grid/door_key_gmah_v0"),
    *("grid/foraging_10x10_3p_3f_v0", "grid/foraging_8x8_2p_2f_v0", "grid/trust_once_v0", "grid/trust_small_v0"),
    *("markov/grid_game_1_v0", "markov/grid_game_2_v0", "markov/soccer_v0"),
    *(id for id in games.env_ids() if id.startswith("matrix/") and id != "matrix/climbing_v0"),
    *("overcooked/asymmetric_advantages_v0", "overcooked/coordination_ring_v0", "overcooked/forced_coordination_v0"),
    *("overcooked/counter_circuit_v0", "overcooked/read_forced_coordination_v0"),
}


def all_cases() -> list[Case]:
    return [Case(id) for id in games.env_ids()] + EXTRA_CASES


def any_actions(group: Group, generator: np.random.Generator) -> np.ndarray:
    """Draws from the whole action space, legal or not."""
    return random_actions(replace(group, action_masks=None), generator)


def joint_actions(batch: Batch, generator: np.random.Generator, legal: bool = True) -> dict[str, np.ndarray]:
    draw = random_actions if legal else any_actions
    return {name: draw(group, generator) for name, group in batch.groups.items()}


def arrays(batch: Batch) -> Iterator[tuple[str, np.ndarray]]:
    """Yields every array that a step writes."""
    for group in batch.groups.values():
        for name in ARRAYS:
            array = getattr(group, name)
            if array is not None:
                yield f"{group.name}.{name}", array
        for name, array in group.infos.items():
            yield f"{group.name}.infos[{name}]", array


def digest(batch: Batch, envs: slice = slice(None)) -> str:
    """Returns a hash of some envs' rows of all arrays."""
    whole = hashlib.sha256()
    for _, array in arrays(batch):
        whole.update(array[envs].tobytes())
    for group in batch.groups.values():
        if group.final_observations is not None:
            whole.update(group.final_observations[envs][batch.ended[envs] == 1].tobytes())
    return whole.hexdigest()


def copies(batch: Batch) -> dict[str, np.ndarray]:
    return {name: array.copy() for name, array in arrays(batch)}


def assert_same(actual: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert actual.keys() == expected.keys()
    for name, array in actual.items():
        np.testing.assert_array_equal(array, expected[name], err_msg=name)


def column(batch: Batch, name: str) -> np.ndarray:
    """Returns one array of all groups' agents side by side, [E, N]."""
    return np.concatenate([getattr(group, name) for group in batch.groups.values()], axis=1)


def assert_observations_in_space(batch: Batch) -> None:
    for group in batch.groups.values():
        space = group.observation_space
        inside = (group.observations >= space.low) & (group.observations <= space.high)
        assert inside.all(), f"{group.name}: {group.observations[~inside][:5]} outside {space}"
