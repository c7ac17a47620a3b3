"""Our driving world beside highway-env 1.12.1: the same start, the same actions, and every difference between them.

`python tests/parity/driving/duel.py PEER_PYTHON --episodes 200` plays that many episodes of the six scenarios that
are ids of ours, writes results.csv beside this file after every ten, and goes on where it was stopped. Each scenario is
compared three ways:

- episodes: whole episodes, with nothing in common but the start, the actions and the vehicles that appear on the way.
  The reference runs on NumPy without its AVX-512 kernels, whose last bits are those of C's library and of plain IEEE
  arithmetic; theirs depend on the processor;
- control: that reference with itself on NumPy with them, where the processor has AVX-512. A car that comes to a stand
  magnifies rounding in the reference, so that it parts from itself;
- frames: one simulation frame at a time, each from the reference's last one.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import math
import os
import subprocess
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

import games
from games.driving.transfer import add_vehicle, from_reference

HERE = Path(__file__).parent
NUMBERS = ("position", "heading", "speed")
EQUALS = ("lane", "target_lane", "crashed", "end")
TOLERANCE = 1e-6
SLOW = 1.0  # m/s; a slower car's steering magnifies rounding
# NumPy's arc sine, power and dot product, among others, have last bits of their own on processors with AVX-512.
PLAIN_NUMPY = {"NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR", "OPENBLAS_CORETYPE": "Haswell"}
MAX_FRAMES = 150  # of an episode that is compared frame by frame
MULTI_ACTION = {"type": "MultiAgentAction", "action_config": {"type": "DiscreteMetaAction"}}
MULTI_OBSERVATION = {"type": "MultiAgentObservation", "observation_config": {"type": "Kinematics"}}
CONTINUOUS = {"type": "ContinuousAction"}
GRID = {"type": "OccupancyGrid"}
GRID_SETTINGS = {"observation": "occupancy_grid", "features": ("presence", "vx", "vy", "on_road")}
KINEMATICS = {"type": "Kinematics"}


@dataclass(frozen=True)
class Scenario:
    """One scenario on both sides.

    Attributes:
        ours: Our id, without the world and the version.
        theirs: The reference's id.
        settings: Of ours, beyond the id's.
        config: The reference's, beyond its own defaults.
        steps: Of an episode at most.
    """

    ours: str
    theirs: str
    settings: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    steps: int = 60

    @property
    def env_id(self) -> str:
        return f"driving/{self.ours}_v0"


_LIMITS = {"observation": KINEMATICS}
SCENARIOS = {
    "highway": Scenario("highway", "highway-v0"),
    "highway_fast": Scenario("highway_fast", "highway-fast-v0"),
    "merge": Scenario("merge", "merge-v0"),
    "intersection": Scenario("intersection", "intersection-v0", {"spawn_probability": 0.0}),
    "roundabout": Scenario("roundabout", "roundabout-v0"),
    "two_way": Scenario("two_way", "two-way-v0", config=_LIMITS),
    # Settings beyond the ids': several agents, continuous actions, grids, crowds.
    "four_agents": Scenario(
        "highway",
        "highway-v0",
        {"controlled_vehicles": 4, "vehicles_count": 12},
        {"controlled_vehicles": 4, "vehicles_count": 12, "action": MULTI_ACTION, "observation": MULTI_OBSERVATION},
    ),
    "continuous": Scenario(
        "highway_fast", "highway-fast-v0", {"actions": "continuous"}, {"action": CONTINUOUS, "offroad_terminal": False}
    ),
    "grid": Scenario("highway_fast", "highway-fast-v0", GRID_SETTINGS, {"observation": GRID}),
    "grid_roundabout": Scenario(
        "roundabout",
        "roundabout-v0",
        {**GRID_SETTINGS, "features_range": None, "align_to_vehicle_axes": True},
        {"observation": {**GRID, "align_to_vehicle_axes": True}},
    ),
    "two_agents_intersection": Scenario(
        "intersection",
        "intersection-multi-agent-v0",
        {"spawn_probability": 0.0, "controlled_vehicles": 2},
        {"destination": None},
    ),
    "all_features": Scenario(
        "roundabout",
        "roundabout-v0",
        {
            "features": ("presence", "heading", "cos_d", "sin_d", "long_off", "lat_off", "ang_off"),
            "features_range": {},
            "observe_intentions": True,
            "see_behind": True,
        },
        {
            "observation": {
                "type": "Kinematics",
                "absolute": True,
                "features": ["presence", "heading", "cos_d", "sin_d", "long_off", "lat_off", "ang_off"],
                "features_range": {"none": [0, 1]},
                "observe_intentions": True,
                "see_behind": True,
            }
        },
    ),
}
MAIN = ("highway", "highway_fast", "merge", "intersection", "roundabout", "two_way")


def draw_actions(scenario: Scenario, seed: int) -> list[list[Any]]:
    """Actions that crash now and then, but late enough for whole episodes: mostly idle, in some episodes wild."""
    config = games.spec(scenario.env_id).config(**scenario.settings)
    rng, agents = np.random.default_rng(seed), config.controlled_vehicles
    shape = (min(scenario.steps, config.horizon), agents)
    calm = (0.1, 0.55, 0.9)[seed % 3]
    if config.actions == "continuous":
        return (rng.uniform(-1, 1, (*shape, 2)) * (1 - calm) * (1, 0.3)).astype(np.float32).round(4).tolist()
    choices = 5 if config.actions == "meta" else 3
    actions = np.where(rng.random(shape) < calm, 1, rng.integers(0, choices, shape))
    return actions.tolist()


def by_frames(scenario: Scenario) -> Scenario:
    """The same scenario with a step for every frame."""
    config = games.spec(scenario.env_id).config(**scenario.settings)
    rate = config.simulation_frequency
    steps = min(config.horizon * rate - 2, MAX_FRAMES)  # the reference's clock is not exact at the very end
    settings = {"policy_frequency": rate, "horizon": config.horizon * rate}
    theirs = {"policy_frequency": rate}
    if scenario.ours == "intersection":
        theirs["spawn_probability"] = 0.6 / rate
    return replace(
        scenario, settings={**scenario.settings, **settings}, config={**scenario.config, **theirs}, steps=steps
    )


def play_theirs(python: Path, scenario: Scenario, seeds: list[int], is_plain: bool = True) -> list[dict]:
    """Runs highway-env in a process of its own and returns its traces.

    Without is_plain, NumPy uses all that the processor can do.
    """
    jobs = [
        {"id": scenario.theirs, "config": scenario.config, "seed": seed, "actions": draw_actions(scenario, seed)}
        for seed in seeds
    ]
    variables = {**os.environ, **(PLAIN_NUMPY if is_plain else {})}
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / "jobs.json", Path(folder) / "traces.json"]
        paths[0].write_text(json.dumps(jobs))
        subprocess.run([python, HERE / "peer.py", *paths], check=True, env=variables)
        return json.loads(paths[1].read_text())


@dataclass
class Differences:
    """The largest ones over some episodes.

    Attributes:
        within: Episodes without a difference above TOLERANCE.
        parted: Seeds of the others.
        stood: Of the others, those in which the first car to part had come below SLOW.
        collided: Those in which it was crashed.
    """

    episodes: int = 0
    within: int = 0
    stood: int = 0
    collided: int = 0
    steps: int = 0
    ended_by_rule: int = 0
    parted: list[int] = field(default_factory=list)
    largest: dict[str, float] = field(default_factory=dict)
    episode_largest: float = 0.0
    episode_cause: str = ""

    def note(self, name: str, ours: Any, theirs: Any) -> None:
        """Lists of another length, or that should be equal and are not, count as infinitely far apart."""
        if isinstance(theirs, list) and len(ours) != len(theirs):
            difference = math.inf
        elif name in EQUALS:
            difference = 0.0 if ours == theirs else math.inf
        else:
            difference = float(np.abs(np.asarray(ours, float) - np.asarray(theirs, float)).max(initial=0))
        self.largest[name] = max(self.largest.get(name, 0), difference)
        self.episode_largest = max(self.episode_largest, difference)

    def note_cause(self, ours: list[dict], theirs: list[dict]) -> None:
        """Remembers what the first car does that is further away than rounding alone can bring it."""
        if self.episode_cause:
            return
        for mine, other in zip(ours, theirs, strict=True):
            if np.abs(np.subtract(mine["position"], other["position"])).max() > TOLERANCE / 1000:
                is_slow = abs(other["speed"]) < SLOW
                self.episode_cause = "collided" if other["crashed"] else "stood" if is_slow else "other"
                return

    def close_episode(self, seed: int, has_ended: bool) -> None:
        is_within = self.episode_largest <= TOLERANCE
        self.episodes += 1
        self.within += is_within
        self.parted += [] if is_within else [seed]
        self.stood += not is_within and self.episode_cause == "stood"
        self.collided += not is_within and self.episode_cause == "collided"
        self.ended_by_rule += has_ended
        self.episode_largest, self.episode_cause = 0.0, ""


def compare(scenario: Scenario, seed: int, trace: dict, found: Differences, is_resynced: bool = False) -> None:
    """Plays one episode of ours along a trace of theirs and notes all differences.

    With is_resynced, every step starts from where the reference's last one ended.
    """
    batch = games.make_batch(scenario.env_id, 1, autoreset="disabled", **scenario.settings)
    batch.reset()
    start = from_reference(trace["start"], batch.config)
    batch.load_fields(0, start)
    found.note("observation", batch.observations[0], trace["first"])
    for t, (joint, step) in enumerate(zip(draw_actions(scenario, seed), trace["steps"], strict=False)):
        batch.step(np.array(joint, batch.actions.dtype).reshape(batch.actions.shape))
        note_step(our_step(batch), step, found)
        if batch.ended[0]:  # with several agents ours ends with any crash, a highway of theirs with the first agent's
            break
        if is_resynced:
            fields = from_reference(step["after"], batch.config)
            batch.load_fields(0, fields | {"timestep": t + 1, "view_lanes": start["view_lanes"]})
        elif step["came"]:
            fields = batch.fields(0)
            for vehicle in step["came"]:
                add_vehicle(fields, vehicle, batch.config)
            batch.load_fields(0, fields)
    found.close_episode(seed, bool(batch.terminations.any()))


def our_step(batch: Any) -> dict:
    """Returns what a step of ours ended with, in the form of a trace."""
    fields, keys = batch.fields(0), [list(key) for key in batch.config.network.keys]
    vehicles = [
        {
            **{name: fields[f"{name}s"][i] for name in NUMBERS},
            **{name: keys[fields[f"{name}s"][i]] for name in ("lane", "target_lane")},
            "crashed": bool(fields["crashed"][i]),
        }
        for i in range(fields["num_vehicles"])
    ]
    return {
        "vehicles": vehicles,
        "observations": batch.observations[0],
        "own_rewards": batch.infos["own_reward"][0].tolist(),
        "reward": float(batch.rewards[0, 0]),
        "terminated": bool(batch.terminations.any()),
        "truncated": bool(batch.truncations.any()),
    }


def note_step(ours: dict, theirs: dict, found: Differences) -> None:
    """Notes all differences after a step; a highway of theirs pays, and ends for, its first agent only."""
    cars, others = ours["vehicles"], theirs["vehicles"]
    found.steps += 1
    if len(cars) == len(others):
        found.note_cause(cars, others)
    for key in NUMBERS:
        found.note(key, [car[key] for car in cars], [other[key] for other in others])
    found.note("lane", [car["lane"] for car in cars], [other["lane"] for other in others])
    targets = [[car["target_lane"] or car["lane"] for car in side] for side in (cars, others)]
    found.note("target_lane", *targets)
    found.note("crashed", [car["crashed"] for car in cars], [other["crashed"] for other in others])
    rows = match_rows(np.asarray(ours["observations"]), theirs["observations"])
    found.note("observation", rows, theirs["observations"])
    paid = theirs["own_rewards"]
    found.note("reward", ours["own_rewards"][: len(paid)], paid)
    if len(paid) == len(ours["own_rewards"]):
        found.note("reward", ours["reward"], theirs["reward"])
        ends = [(side["terminated"], side["truncated"] and not side["terminated"]) for side in (ours, theirs)]
        found.note("end", *ends)


def compare_with_itself(seed: int, trace: dict, other: dict, found: Differences) -> None:
    """Notes how far apart two traces of the reference get."""
    for step, other_step in zip(trace["steps"], other["steps"], strict=False):
        note_step(step, other_step, found)
    found.close_episode(seed, trace["steps"][-1]["terminated"])


def match_rows(ours: np.ndarray, theirs: list) -> np.ndarray:
    """Exchanges rows of ours that stand at the same distance along the observer's lane.

    Rounding orders them: cars on a road at a right angle to it.
    """
    matched = ours.copy()
    if ours.ndim != 3:
        return matched
    for rows, others in zip(matched, np.asarray(theirs), strict=True):
        for k in range(1, len(rows)):
            if np.abs(rows[k] - others[k]).max() > 1e-4:
                same = [j for j in range(k + 1, len(rows)) if np.abs(rows[j] - others[k]).max() < 1e-5]
                same = [j for j in same if np.abs(rows[j] - rows[k])[1:3].min() < 1e-6]  # the same x or the same y
                if same:
                    rows[[k, same[0]]] = rows[[same[0], k]]
    return matched


MODES = ("episodes", "control", "frames")
COLUMNS = ("position", "heading", "speed", "reward", "observation")
COUNTS = ("episodes", "within", "stood", "collided", "steps", "ended_by_rule")


def duel(python: Path, name: str, mode: str, seeds: list[int], found: Differences) -> None:
    """Compares one scenario in one of MODES."""
    scenario = by_frames(SCENARIOS[name]) if mode == "frames" else SCENARIOS[name]
    traces = play_theirs(python, scenario, seeds)
    if mode == "control":
        others = play_theirs(python, scenario, seeds, is_plain=False)
        for seed, trace, other in zip(seeds, traces, others, strict=True):
            compare_with_itself(seed, trace, other, found)
        return
    for seed, trace in zip(seeds, traces, strict=True):
        compare(scenario, seed, trace, found, is_resynced=mode == "frames")


def read_results(path: Path) -> dict[tuple[str, str], dict[str, Any]]:
    with path.open(newline="") as file:
        return {(row["scenario"], row["mode"]): row for row in csv.DictReader(file)}


def results_table(path: Path = HERE / "results.csv") -> str:
    """The results as the Markdown of the world's README."""
    table = ["| scenario | compared | episodes | equal to 1e-6 | m | rad | m/s | seeds that part |", f"|{'---|' * 8}"]
    for row in read_results(path).values():
        cells = ("scenario", "mode", "episodes", "within", "position", "heading", "speed", "parted")
        table.append(f"| {' | '.join(row[cell] for cell in cells)} |")
    return "\n".join(table)


def read_row(row: dict[str, str]) -> Differences:
    found = Differences(**{key: int(row[key]) for key in COUNTS})
    found.largest = {column: float(row[column]) for column in COLUMNS}
    found.parted = [int(seed) for seed in row["parted"].split()]
    return found


def to_row(name: str, mode: str, found: Differences) -> dict[str, Any]:
    counts = {key: getattr(found, key) for key in COUNTS}
    largest = {key: f"{found.largest.get(key, 0):.1e}" for key in COLUMNS}
    return {"scenario": name, "mode": mode, **counts, **largest, "parted": " ".join(map(str, found.parted))}


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Compares the driving world with highway-env. Writes results.csv, and goes on with what it has."
    )
    parser.add_argument("peer_python", type=Path, nargs="?", help="of an environment with highway-env (make parity)")
    parser.add_argument("--table", action="store_true", help="play nothing; print the README's table of the results")
    parser.add_argument("--episodes", type=int, default=200)
    parser.add_argument("--scenarios", nargs="*", default=list(MAIN))
    parser.add_argument("--modes", nargs="*", default=["episodes", "control"])
    parser.add_argument("--chunk", type=int, default=10, help="episodes in one process of the peer")
    parser.add_argument("--anew", action="store_true", help="forget the rows of these scenarios and modes")
    parser.add_argument("--out", type=Path, default=HERE / "results.csv")
    arguments = parser.parse_args()
    if arguments.table:
        print(results_table(arguments.out))
        return
    if arguments.peer_python is None:
        parser.error("peer_python is missing")
    rows: dict[tuple[str, str], dict[str, Any]] = read_results(arguments.out) if arguments.out.exists() else {}
    for name, mode in itertools.product(arguments.scenarios, arguments.modes):
        key = (name, mode)
        found = Differences() if arguments.anew or key not in rows else read_row(rows[key])
        for first in range(found.episodes, arguments.episodes, arguments.chunk):
            seeds = list(range(first, min(first + arguments.chunk, arguments.episodes)))
            duel(arguments.peer_python, name, mode, seeds, found)
            rows[key] = to_row(name, mode, found)
            print(*rows[key].values(), flush=True)
            ordered = [rows[pair] for pair in itertools.product(SCENARIOS, MODES) if pair in rows]
            with arguments.out.open("w", newline="") as file:
                writer = csv.DictWriter(file, list(ordered[0]), lineterminator="\n")
                writer.writeheader()
                writer.writerows(ordered)


if __name__ == "__main__":
    main()
