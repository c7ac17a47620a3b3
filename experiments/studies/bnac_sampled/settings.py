"""Settings of the study `bnac_sampled`: worlds, ways to learn, and the grid of ablations."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from experiments.study import StudySettings
from games.names import unknown_name


@dataclass(frozen=True)
class Part:
    """A world of the study.

    Attributes:
        env_id: Of it.
        world: Its settings.
        env_steps: Of a run.
        num_envs: Played side by side.
        length: Steps of each between two updates.
        training: What all ways to learn have there.
        graph: What those with a graph have besides.
        released: What the way of the release has besides, with a learned graph.
    """

    env_id: str
    world: dict[str, Any]
    env_steps: int
    num_envs: int
    length: int
    training: dict[str, Any]
    graph: dict[str, Any]
    released: dict[str, Any]


_BITS_RELEASED = {"batch_mean_edges": True}
_ALOHA = ("coordination/aloha_v0", 1_000_000, 32, 20)
_ALOHA_SEES = {"parent_observations": True}

PARTS = {
    "bits_3": Part("coordination/bits_v0", {}, 200_000, 32, 25, {}, {}, _BITS_RELEASED),
    "bits_5": Part("coordination/bits_5_v0", {}, 200_000, 32, 25, {}, {}, _BITS_RELEASED),
    "aloha": Part(_ALOHA[0], {}, *_ALOHA[1:], {}, _ALOHA_SEES, {}),
    "aloha_last": Part(_ALOHA[0], {"shows_last": True}, *_ALOHA[1:], {}, _ALOHA_SEES, {}),
    "aloha_parity": Part(_ALOHA[0], {"shows_parity": True}, *_ALOHA[1:], {}, _ALOHA_SEES, {}),
    "foraging": Part("grid/foraging_8x8_2p_2f_coop_v0", {}, 4_000_000, 64, 50, {}, {}, {}),
    "spread": Part("particles/simple_spread_v0", {}, 4_000_000, 128, 25, {}, {}, {}),
}

# Of the coordination game and Aloha alike: fact sheet 1.4 (layer normalisation, a head for each agent), 1.5 (PopArt),
# 1.6 (graphs and parents' actions drawn anew).
_RELEASED = {
    "resample_context": True,
    "obs_layernorm": True,
    "layer_norms": True,
    "sharing": "heads",
    "value_normalization": "popart",
    "is_released": True,
}

# What the ways to learn that get past Aloha's penalty have: it is raised in the course of a run (eased.py), the first
# policies are wide, and entropy, which costs collisions, is rewarded first and not at the end.
_EASED = {"eases_penalty": True, "head_gain": 1.0, "entropy_falls": True}

# What each way to learn is, beside the part's settings; "graph" decides the algorithm, and without it there is none.
METHODS: dict[str, dict[str, Any]] = {
    "mappo": {},
    "ippo": {"critic": "own", "credit": "own"},
    "auto_regressive": {"graph": "complete"},
    "learned": {"graph": "learned"},
    "learned_annealed": {"graph": "learned", "anneals": True},
    "released": {"graph": "learned", "clip_graph_net": False, **_RELEASED},
    "released_complete": {"graph": "complete", **_RELEASED},
    # Ablations of "learned" or "auto_regressive"; README.md says which have more than one change.
    "learned_plain_critic": {"graph": "learned", "critic_layer_norms": False},
    "learned_popart": {"graph": "learned", "value_normalization": "popart"},
    "learned_raw_values": {"graph": "learned", "value_normalization": None, "value_clip": None},
    "learned_fixed_order": {"graph": "learned", "fixed_order": True},
    "learned_dense": {"graph": "learned", "edge_bias": 4.0},
    "learned_dense_fixed_order": {"graph": "learned", "edge_bias": 4.0, "fixed_order": True},
    "learned_no_gradient": {"graph": "learned", "graph_gradient": "none"},
    "learned_slow_graph": {"graph": "learned", "graph_lr": 7e-5},
    "learned_fast_graph": {"graph": "learned", "graph_lr": 7e-3},
    "learned_wide_start": {"graph": "learned", "head_gain": 1.0},
    "learned_entropy": {"graph": "learned", "entropy_coeff": 0.05},
    "learned_joint_ratio": {"graph": "learned", "ratio": "joint"},
    "learned_layernorm": {"graph": "learned", "obs_layernorm": True},
    "learned_slow": {"graph": "learned", "lr": 2e-4},
    "complete_plain_critic": {"graph": "complete", "critic_layer_norms": False},
    "complete_wide_start": {"graph": "complete", "head_gain": 1.0},
    "complete_entropy": {"graph": "complete", "entropy_coeff": 0.05},
    "complete_layernorm": {"graph": "complete", "obs_layernorm": True},
    "complete_joint_ratio": {"graph": "complete", "ratio": "joint"},
    "complete_slow": {"graph": "complete", "lr": 2e-4},
    # Several changes at once: what screening found to be the way into the good basin.
    "best_complete": {"graph": "complete", "head_gain": 1.0, "entropy_coeff": 0.05},
    "best_learned": {
        "graph": "learned",
        "edge_bias": 4.0,
        "fixed_order": True,
        "head_gain": 1.0,
        "entropy_coeff": 0.05,
    },
    "best_mappo": {"head_gain": 1.0, "entropy_coeff": 0.05},
    # Aloha with a penalty that rises, and the same without one of its three changes, or with that one alone.
    "eased_mappo": _EASED,
    "eased_complete": {"graph": "complete", **_EASED},
    "eased_learned": {"graph": "learned", **_EASED},
    "eased_learned_whole_penalty": {"graph": "learned", **_EASED, "eases_penalty": False},
    "eased_learned_narrow_start": {"graph": "learned", **_EASED, "head_gain": 0.01},
    "eased_learned_even_entropy": {"graph": "learned", **_EASED, "entropy_falls": False},
    "eased_learned_penalty_alone": {"graph": "learned", "eases_penalty": True},
}

ARMS = ("learned_", "complete_", "best_")  # how names of ablations begin


def base_of(method: str) -> str | None:
    """Returns the way to learn that another is compared with, from which it differs by what its name says."""
    own = {
        **{"ippo": "mappo", "auto_regressive": "mappo", "learned": "mappo", "best_mappo": "mappo"},
        **{"released": "learned", "released_complete": "auto_regressive"},
        **{"best_complete": "auto_regressive", "best_learned": "learned"},
        **{"eased_mappo": "mappo", "eased_complete": "eased_mappo", "eased_learned": "eased_mappo"},
    }
    if method.startswith("eased_learned_"):
        return "eased_learned"
    if method.startswith(("learned_", "complete_")):
        return "learned" if method.startswith("learned_") else "auto_regressive"
    return own.get(method)


GRIDS: dict[str, list[tuple[str, str]]] = {
    "coordination": [
        (part, method)
        for part in ("bits_3", "bits_5", "aloha")
        for method in ("mappo", "auto_regressive", "learned", "learned_annealed", "released", "released_complete")
    ],
    "comparison": [
        (part, method)
        for part in ("foraging", "spread")
        for method in ("mappo", "ippo", "auto_regressive", "learned", "learned_annealed")
    ],
    "ablation": [
        ("bits_3", method)
        for method in METHODS
        if method in ("mappo", "auto_regressive", "learned")
        or (method.startswith(ARMS) and method != "learned_annealed")
    ],
    "penalty": [
        ("aloha", method)
        for method in ("mappo", "auto_regressive", "learned", "eased_mappo", "eased_complete", "eased_learned")
    ],
    "penalty_ablation": [
        ("aloha", method)
        for method in METHODS
        if method.startswith("eased_learned") or method in ("learned", "learned_layernorm", "best_learned")
    ],
    "memory": [
        (part, method)
        for part in ("aloha_last", "aloha_parity")
        for method in ("mappo", "auto_regressive", "learned", "best_mappo", "best_complete", "best_learned")
    ],
}

Grid = Literal["coordination", "comparison", "ablation", "penalty", "penalty_ablation", "memory"]


@dataclass(frozen=True)
class Cell:
    """One run.

    Attributes:
        part: A key of PARTS.
        method: A key of METHODS.
        seed: Of everything.
        env_steps: Of it.
    """

    part: str
    method: str
    seed: int
    env_steps: int

    def path(self, folder: Path) -> Path:
        """Returns where its curve goes."""
        return folder / "cells" / f"{self.part}-{self.method}-{self.seed}.csv"

    def edges_path(self, folder: Path) -> Path:
        """Returns where its graphs go."""
        return folder / "cells" / f"{self.part}-{self.method}-{self.seed}-edges.csv"


class BnacSampledSettings(StudySettings):
    """Every pair of a world and a way to learn with every seed."""

    grids: list[Grid] = Field(["coordination", "comparison"], description="of METHODS on PARTS")
    only: list[str] = Field([], description="pairs such as bits_3-learned, in place of the grids")
    seeds: list[int] = Field(list(range(1, 11)), min_length=1)
    scale: float = Field(1.0, gt=0, allow_inf_nan=False, description="of the env steps of every run")
    evaluations: int = Field(40, ge=1, description="in the course of a run, evenly spread")
    episodes: int = Field(100, ge=1, description="of an evaluation by play")
    parallel: int = Field(2, ge=1, description="runs at a time, one core each")

    @field_validator("only")
    @classmethod
    def _check_pairs(cls, pairs: list[str]) -> list[str]:
        for pair in pairs:
            part, _, method = pair.partition("-")
            if part not in PARTS:
                raise unknown_name("part", part, tuple(PARTS))
            if method not in METHODS:
                raise unknown_name("method", method, tuple(METHODS))
            if METHODS[method].get("eases_penalty", False) and not part.startswith("aloha"):
                raise ValueError(f"{pair}: {method} eases the penalty of collisions, which only Aloha has")
        return pairs

    @field_validator("seeds")
    @classmethod
    def _check_seeds(cls, seeds: list[int]) -> list[int]:
        if len(set(seeds)) < len(seeds) or min(seeds, default=0) < 0:
            raise ValueError(f"must be different whole numbers from 0 on, got {seeds}")
        return seeds

    @model_validator(mode="after")
    def _check_runs(self) -> BnacSampledSettings:
        if not self.pairs():
            raise ValueError("grids or only must name something to learn, both are empty")
        for part, _ in self.pairs():
            steps, of_update = int(self.scale * PARTS[part].env_steps), PARTS[part].num_envs * PARTS[part].length
            if steps < of_update:
                raise ValueError(f"scale={self.scale:g} leaves {part} {steps} env steps, an update takes {of_update}")
        return self

    def pairs(self) -> list[tuple[str, str]]:
        """Returns parts and methods, each pair once."""
        given = [(part, method) for part, _, method in (pair.partition("-") for pair in self.only)]
        return list(dict.fromkeys(given or [pair for grid in self.grids for pair in GRIDS[grid]]))

    def cells(self) -> list[Cell]:
        """Returns all runs, seed by seed."""
        return [
            Cell(part, method, seed, int(self.scale * PARTS[part].env_steps))
            for seed in self.seeds
            for part, method in self.pairs()
        ]
