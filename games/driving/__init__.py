"""Driving: highway-env's vehicles, roads and drivers, for one agent or many. See README.md beside this file."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from games.config import GameProperties, WorldConfig, is_of_kind, setting
from games.driving.roads import RoadError, RoadNetwork, circular, obstacle, sine, straight
from games.driving.scenes import SCENES, SceneRoad, scene_road
from games.names import unknown_name
from games.spec import EnvSpec, register

ACTIONS = ("meta", "longitudinal", "continuous")  # in the order of DrivingActions
META_ACTIONS = ("left", "idle", "right", "faster", "slower")
LONGITUDINAL_ACTIONS = ("slower", "idle", "faster")
OBSERVATIONS = ("kinematics", "occupancy_grid")  # in the order of DrivingObservation
FEATURES = (  # in the order of DrivingFeature
    *("presence", "x", "y", "vx", "vy", "heading", "cos_h", "sin_h"),
    *("cos_d", "sin_d", "long_off", "lat_off", "ang_off", "on_road"),
)
MAX_VEHICLES = 128
PLACES = 5  # of vehicles at the start of merge and roundabout
ROOM_FOR_ARRIVALS = 32  # vehicles that may enter the intersection beyond those at the start


@dataclass(frozen=True, kw_only=True, eq=False)
class DrivingConfig(WorldConfig):
    """Settings of a drive. They have highway-env's names and, by id, its values where it has them."""

    world: ClassVar[str] = "driving"

    scene: str = setting("highway", choices=SCENES, doc="how an episode starts, and which rewards are paid")
    road: Any = setting(None, doc="rows of games.driving.roads in place of the scene's road; needs entries")
    entries: Any = setting(None, doc="lanes (from, to, number) where vehicles start, as the scene counts them (README)")
    traffic_exits: Any = setting(None, doc="nodes where traffic wants to go (intersection: of arms 0 to 3; roundabout)")
    destination: Any = setting(
        None, doc="node where agents want to go, or one for each; None: the scene's; 'random': another arm, any exit"
    )
    lanes_count: int = setting(4, low=1, high=32, doc="lanes of the highway")
    controlled_vehicles: int = setting(1, low=1, high=16, doc="agents; merge and roundabout: at most 5, overtaking: 2")
    vehicles_count: int = setting(
        50, low=0, high=112, doc="traffic at the start; merge and roundabout fill 5 places with it"
    )
    initial_lane_id: int | None = setting(None, low=0, high=31, doc="where agents start on the highway; None: drawn")
    ego_spacing: float = setting(2.0, low=0.01, high=1000, doc="distance ahead of an agent's start, relative (highway)")
    vehicles_density: float = setting(1.0, low=0.001, high=1000, doc="of traffic at the start, relative (highway)")
    spawn_probability: float = setting(0.6, low=0, high=1, doc="of one more vehicle, in each step (intersection)")
    traffic_collisions: bool = setting(True, doc="whether traffic collides with traffic, or with agents only")
    regulated: bool = setting(False, doc="whether traffic yields by priority where ways cross")
    ends: str = setting(
        "together",
        choices=("together", "each"),
        doc="together: the first crash of an agent or the arrival of all ends the episode; each: everybody's own",
    )
    offroad_terminal: bool = setting(False, doc="whether leaving the road counts as an end by rule")
    horizon: int = setting(40, low=1, high=2**31 - 1, doc="steps of an episode at most")
    simulation_frequency: int = setting(15, low=2, high=1000, doc="frames per second")
    policy_frequency: int = setting(1, low=1, high=1000, doc="steps per second")

    comfort_acceleration: float = setting(3.0, low=0.01, high=100, doc="of the driver model, m/s^2")
    comfort_braking: float = setting(5.0, low=0.01, high=100, doc="of the driver model, m/s^2")
    max_acceleration: float = setting(6.0, low=0.01, high=100, doc="of traffic, either way, m/s^2")
    distance_wanted: float = setting(10.0, low=0, high=1000, doc="between the middles of two standing cars, m")
    time_wanted: float = setting(1.5, low=0, high=1000, doc="gap that drivers keep, s")
    politeness: float = setting(0.0, low=0, high=1000, doc="weight of followers' accelerations in lane changes")
    min_acceleration_gain: float = setting(0.2, low=0, high=1000, doc="that makes a lane change worth it, m/s^2")
    max_braking_imposed: float = setting(2.0, low=0, high=1000, doc="on a follower by a lane change, m/s^2")
    lane_change_delay: float = setting(1.0, low=0, high=1000, doc="between two thoughts of changing lane, s")

    actions: str = setting("meta", choices=ACTIONS, doc="what agents choose")
    target_speeds: Sequence[float] = setting((20.0, 25.0, 30.0), doc="that meta actions choose from, rising, m/s")
    acceleration_range: Sequence[float] = setting((-5.0, 5.0), doc="of continuous actions, m/s^2")
    steering_range: Sequence[float] = setting((-math.pi / 4, math.pi / 4), doc="of continuous actions, rad")

    observation: str = setting("kinematics", choices=OBSERVATIONS, doc="what agents see")
    observed_vehicles: int = setting(5, low=1, high=128, doc="rows of kinematics, the agent's own included")
    features: Sequence[str] = setting(("presence", "x", "y", "vx", "vy"), doc="columns of kinematics, layers of a grid")
    features_range: Any = setting(
        None, doc="feature -> (low, high) that becomes (-1, 1); None: highway-env's, y by the number of lanes"
    )
    absolute: bool = setting(False, doc="whether others' places and speeds are absolute (kinematics)")
    see_behind: bool = setting(False, doc="whether vehicles more than 10 m behind are seen (kinematics)")
    clip: bool = setting(True, doc="whether scaled features are held in [-1, 1]")
    observe_intentions: bool = setting(False, doc="whether cos_d and sin_d of others are seen (kinematics)")
    include_obstacles: bool = setting(True, doc="whether obstacles have rows (kinematics)")
    grid_size: Any = setting(((-27.5, 27.5), (-27.5, 27.5)), doc="low and high of the grid along x and y, m")
    grid_step: Sequence[float] = setting((5.0, 5.0), doc="of a cell along x and y, m")
    align_to_vehicle_axes: bool = setting(False, doc="whether the grid turns with the agent's car")

    reward: str = setting("team", choices=("team", "selfish"), doc="team: the mean of all agents' own rewards for each")
    normalize_reward: bool = setting(True, doc="whether own rewards are mapped to [0, 1] (not in two_way)")
    collision_reward: float = setting(-1.0, low=-1e6, high=1e6, doc="in a step that an agent ends crashed")
    right_lane_reward: float = setting(0.1, low=-1e6, high=1e6, doc="on the rightmost lane (highway, merge)")
    left_lane_reward: float = setting(0.0, low=-1e6, high=1e6, doc="on the leftmost lane (two_way)")
    high_speed_reward: float = setting(0.4, low=-1e6, high=1e6, doc="at the top of reward_speed_range or target_speeds")
    lane_change_reward: float = setting(0.0, low=-1e6, high=1e6, doc="of choosing left or right")
    merging_speed_reward: float = setting(0.0, low=-1e6, high=1e6, doc="times the missing speed on ramps (merge)")
    arrived_reward: float = setting(0.0, low=-1e6, high=1e6, doc="in place of all else, once arrived (crossings)")
    reward_speed_range: Sequence[float] = setting((20.0, 30.0), doc="speeds that count 0 and 1, m/s")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.policy_frequency > self.simulation_frequency:
            raise ValueError(
                f"policy_frequency must be at most simulation_frequency, got {self.policy_frequency} and "
                f"{self.simulation_frequency}"
            )
        self._check_vehicles()
        self._check_numbers()
        _check_features(self.features, self.observation)
        _ = self._ranges, self.network, self._entries, self._exits, self._destinations

    def _check_vehicles(self) -> None:
        most = {"merge": PLACES, "roundabout": PLACES, "overtaking": 2}.get(self.scene, 16)
        if self.controlled_vehicles > most:
            raise ValueError(
                f"scene {self.scene} has room for {most} controlled_vehicles, got {self.controlled_vehicles}"
            )
        if self._num_others + self.controlled_vehicles > MAX_VEHICLES:
            raise ValueError(
                f"controlled_vehicles and vehicles_count together must be at most {MAX_VEHICLES}, got "
                f"{self.controlled_vehicles} and {self.vehicles_count}"
            )
        if self.scene == "highway" and self.initial_lane_id is not None and self.initial_lane_id >= self.lanes_count:
            raise ValueError(f"initial_lane_id must be below lanes_count, got {self.initial_lane_id}")

    def _check_numbers(self) -> None:
        speeds = _numbers("target_speeds", self.target_speeds, None, 0, 100)
        if not 1 <= len(speeds) <= 16 or (np.diff(speeds) <= 0).any():
            raise ValueError(f"target_speeds must be 1 to 16 rising speeds, got {self.target_speeds!r}")
        for name, low, high in (
            ("acceleration_range", -100, 100),
            ("steering_range", -1.5, 1.5),
            ("reward_speed_range", -1000, 1000),
        ):
            pair = _numbers(name, getattr(self, name), 2, low, high)
            if pair[1] - pair[0] < 1e-3:
                raise ValueError(f"{name} must rise, got {getattr(self, name)!r}")
        if not isinstance(self.grid_size, list | tuple | np.ndarray) or len(self.grid_size) != 2:
            raise ValueError(f"grid_size must be two pairs, got {self.grid_size!r}")
        steps = _numbers("grid_step", self.grid_step, 2, 0.1, 1e4)
        for axis, pair, step in zip("xy", self.grid_size, steps, strict=True):
            low, high = _numbers(f"grid_size along {axis}", pair, 2, -1e4, 1e4)
            if high - low < step:
                raise ValueError(f"grid_size along {axis} must hold a cell of {step} m, got {pair!r}")

    @property
    def _num_others(self) -> int:
        has_places = self.scene in ("merge", "roundabout")
        return max(PLACES - self.controlled_vehicles, 0) if has_places else self.vehicles_count

    @property
    def max_vehicles(self) -> int:
        """Vehicles that can be on the road at once, the length of the state's arrays."""
        room = ROOM_FOR_ARRIVALS if self.scene == "intersection" else 0
        return min(max(self.controlled_vehicles + self._num_others + room, PLACES), MAX_VEHICLES)

    @cached_property
    def _scene_road(self) -> SceneRoad:
        return scene_road(self.scene, self.lanes_count)

    @cached_property
    def network(self) -> RoadNetwork:
        """The road."""
        return self._scene_road.network if self.road is None else RoadNetwork(self.road)

    @cached_property
    def _entries(self) -> np.ndarray:
        if self.road is not None and self.entries is None:
            raise RoadError(f"a road of your own needs entries, like the scene's {self._scene_road.entries}")
        entries = self._scene_road.entries if self.entries is None else self.entries
        expected = len(self._scene_road.entries)
        if not isinstance(entries, list | tuple) or len(entries) != expected:
            raise RoadError(f"entries of scene {self.scene} must be {expected} lanes, got {reprlib.repr(entries)}")
        return np.array([self.network.lane(entry) for entry in entries], np.int32)

    @cached_property
    def _exits(self) -> np.ndarray:
        exits = self.traffic_exits
        if exits is None:
            exits = self._scene_road.exits
        if isinstance(exits, str) or not isinstance(exits, list | tuple):
            raise RoadError(f"traffic_exits must be a list of nodes, got {exits!r}")
        least = {"intersection": 4, "roundabout": 1}.get(self.scene, 0)
        if len(exits) < least:
            raise RoadError(f"scene {self.scene} needs {least} traffic_exits, got {exits!r}")
        return np.array([self.network.node(name) for name in exits], np.int32)

    @cached_property
    def _destinations(self) -> np.ndarray:
        wanted = self._scene_road.destinations if self.destination is None else self.destination
        if isinstance(wanted, str):
            wanted = (wanted,) * self.controlled_vehicles
        if not isinstance(wanted, list | tuple) or len(wanted) > self.controlled_vehicles:
            raise RoadError(f"destination must be a node, or one for each agent, got {self.destination!r}")
        return np.array([-1 if name in (None, "random") else self.network.node(name) for name in wanted], np.int32)

    @cached_property
    def _ranges(self) -> np.ndarray:
        """[features, 2], zeros where a feature is shown as it is."""
        ranges: Any = self.features_range
        if ranges is None:
            ranges = {"vx": (-80.0, 80.0), "vy": (-80.0, 80.0)}
            if self.observation == "kinematics":
                ranges["x"] = (-200.0, 200.0)
        if not isinstance(ranges, dict):
            raise ValueError(f"features_range must be a dict of pairs, got {ranges!r}")
        table = np.zeros((len(FEATURES), 2))
        for name, pair in ranges.items():
            if name not in FEATURES:
                raise unknown_name("feature", name, FEATURES)
            table[FEATURES.index(name)] = _numbers(f"features_range of {name}", pair, 2, -1e9, 1e9)
            if np.diff(table[FEATURES.index(name)]) < 1e-6:
                raise ValueError(f"features_range of {name} must rise, got {pair!r}")
        return table

    def core_fields(self) -> dict[str, Any]:
        """Returns the C config."""
        names = (
            *("ego_spacing", "spawn_probability", "horizon", "simulation_frequency", "policy_frequency"),
            *("comfort_acceleration", "comfort_braking", "max_acceleration", "distance_wanted", "time_wanted"),
            *("politeness", "lane_change_delay", "collision_reward", "right_lane_reward", "left_lane_reward"),
            *("high_speed_reward", "lane_change_reward", "merging_speed_reward", "arrived_reward"),
        )
        flags = {
            "is_regulated": self.regulated,
            "traffic_checks_collisions": self.traffic_collisions,
            "ends_together": self.ends == "together",
            "has_offroad_end": self.offroad_terminal,
            "has_lane_range": self.features_range is None and self.observation == "kinematics",
            "is_absolute": self.absolute,
            "sees_behind": self.see_behind,
            "is_clipped": self.clip,
            "sees_intentions": self.observe_intentions,
            "sees_obstacles": self.include_obstacles,
            "is_grid_aligned": self.align_to_vehicle_axes,
            "is_team": self.reward == "team",
            "is_normalized": self.normalize_reward,
        }
        return {
            **{name: getattr(self, name) for name in names},
            **{name: int(value) for name, value in flags.items()},
            **self.network.tables(),
            "scene": SCENES.index(self.scene),
            "num_agents": self.controlled_vehicles,
            "num_others": self._num_others,
            "max_vehicles": self.max_vehicles,
            "initial_lane": -1 if self.initial_lane_id is None else self.initial_lane_id,
            "density": self.vehicles_density,
            "destinations": self._destinations,
            "traffic_exits": self._exits,
            "entries": self._entries,
            "min_gain": self.min_acceleration_gain,
            "max_imposed_braking": self.max_braking_imposed,
            "actions": ACTIONS.index(self.actions),
            "target_speeds": np.array(self.target_speeds, np.float64),
            "acceleration_range": np.array(self.acceleration_range, np.float64),
            "steering_range": np.array(self.steering_range, np.float64),
            "observation": OBSERVATIONS.index(self.observation),
            "num_rows": self.observed_vehicles,
            "features": np.array([FEATURES.index(name) for name in self.features], np.int32),
            "feature_ranges": self._ranges,
            "grid_size": np.array(self.grid_size, np.float64),
            "grid_step": np.array(self.grid_step, np.float64),
            "reward_speed_range": np.array(self.reward_speed_range, np.float64),
        }

    def properties(self) -> GameProperties:
        """Returns common interest where one end and one reward are everybody's, general utilities elsewhere."""
        is_common = self.controlled_vehicles == 1 or (self.reward == "team" and self.ends == "together")
        return GameProperties(
            self.controlled_vehicles,
            "simultaneous",
            "common" if is_common else "general",
            self._reward_bounds(),
            self.horizon,
        )

    def _reward_bounds(self) -> tuple[float, float]:
        """Bounds that hold whatever happens on the road, from the largest speed that can be reached."""
        fastest = 40 + max(map(abs, self.acceleration_range)) / self.simulation_frequency
        low, high = self.reward_speed_range
        share = (0.0, 1.0)
        if self.scene == "merge":
            share = ((-fastest - low) / (high - low), (fastest - low) / (high - low))
        delay = self.max_vehicles * (1 + fastest / min((speed for speed in self.target_speeds if speed > 0), default=1))
        most_right = max(number for _, _, number in self.network.keys) if self.scene == "merge" else 1
        parts = [
            (0.0, self.collision_reward),
            (0.0, self.lane_change_reward),
            (0.0, self.right_lane_reward * most_right),
            (0.0, self.left_lane_reward),
            (share[0] * self.high_speed_reward, share[1] * self.high_speed_reward),
            (-delay * self.merging_speed_reward, delay * self.merging_speed_reward),
        ]
        least, most = sum(min(part) for part in parts), sum(max(part) for part in parts)
        least, most = min(least, self.arrived_reward, 0.0), max(most, self.arrived_reward, 0.0)
        if self.normalize_reward and self.scene != "two_way":
            worst, best = self._normal_range()
            least, most = (least - worst) / (best - worst), (most - worst) / (best - worst)
        return float(min(least, 0.0)), float(max(most, 0.0))

    def _normal_range(self) -> tuple[float, float]:
        """The own rewards that become 0 and 1."""
        worst, best = self.collision_reward, self.high_speed_reward
        if self.scene in ("highway", "merge"):
            best += self.right_lane_reward
        if self.scene == "merge":
            worst += self.merging_speed_reward
        if self.scene in ("intersection", "overtaking"):
            best = self.arrived_reward
        return worst, best


def _numbers(name: str, value: Any, count: int | None, low: float, high: float) -> np.ndarray:
    """Returns `count` (None: any number of) numbers in [low, high], or refuses what is none."""
    is_list = isinstance(value, list | tuple | np.ndarray) and count in (None, len(value))
    if not is_list or not all(is_of_kind(number, float) and low <= number <= high for number in value):
        amount = "" if count is None else f"{count} "
        raise ValueError(f"{name} must be {amount}numbers in [{low}, {high}], got {value!r}")
    return np.array(value, np.float64)


def _check_features(features: Any, observation: str) -> None:
    if isinstance(features, str) or not isinstance(features, list | tuple) or not 1 <= len(features) <= len(FEATURES):
        raise ValueError(f"features must be a list of 1 to {len(FEATURES)} names, got {features!r}")
    known = FEATURES if observation == "occupancy_grid" else FEATURES[:-1]
    for name in features:
        if name not in known:
            raise unknown_name(f"feature of {observation}", name, known)


_CROSSING: dict[str, Any] = {
    "scene": "intersection",
    "regulated": True,
    "vehicles_count": 10,
    "destination": "o1",
    "horizon": 13,
    "comfort_acceleration": 6.0,
    "comfort_braking": 3.0,
    "distance_wanted": 7.0,
    "actions": "longitudinal",
    "target_speeds": (0.0, 4.5, 9.0),
    "observed_vehicles": 15,
    "features": ("presence", "x", "y", "vx", "vy", "cos_h", "sin_h"),
    "features_range": {"x": (-100, 100), "y": (-100, 100), "vx": (-20, 20), "vy": (-20, 20)},
    "absolute": True,
    "normalize_reward": False,
    "collision_reward": -5.0,
    "high_speed_reward": 1.0,
    "arrived_reward": 1.0,
    "reward_speed_range": (7.0, 9.0),
}
_OVERTAKING: dict[str, Any] = {
    "scene": "overtaking",
    "controlled_vehicles": 2,
    "vehicles_count": 2,
    "ends": "each",
    "reward": "selfish",
    "horizon": 40,
    "simulation_frequency": 10,
    "policy_frequency": 2,
    "target_speeds": (10.0, 20.0, 30.0),
    "see_behind": True,
    "normalize_reward": False,
    "collision_reward": -10.0,
    "high_speed_reward": 0.2,
    "arrived_reward": 2.0,
    "reward_speed_range": (10.0, 30.0),
}
_REGISTERED: dict[str, tuple[str, dict[str, Any]]] = {
    "highway": ("a highway of 4 lanes with 50 cars: fast, on the right, without a crash", {}),
    "highway_fast": (
        "3 lanes, 20 cars, 5 frames a step; traffic collides with the agent only",
        {
            "lanes_count": 3,
            "vehicles_count": 20,
            "ego_spacing": 1.5,
            "traffic_collisions": False,
            "simulation_frequency": 5,
            "horizon": 30,
        },
    ),
    "merge": (
        "a ramp joins a highway: keep your speed and let the others in",
        {
            "scene": "merge",
            "vehicles_count": 4,
            "horizon": 60,
            "high_speed_reward": 0.2,
            "lane_change_reward": -0.05,
            "merging_speed_reward": -0.5,
        },
    ),
    "intersection": ("a left turn across a regulated intersection with traffic that comes and goes", _CROSSING),
    "roundabout": (
        "through a roundabout with two lanes of traffic",
        {
            "scene": "roundabout",
            "vehicles_count": 4,
            "horizon": 11,
            "target_speeds": (0.0, 8.0, 16.0),
            "features_range": {"x": (-100, 100), "y": (-100, 100), "vx": (-15, 15), "vy": (-15, 15)},
            "absolute": True,
            "right_lane_reward": 0.0,
            "high_speed_reward": 0.2,
            "lane_change_reward": -0.05,
        },
    ),
    "two_way": (
        "slower cars ahead, oncoming ones on the lane for overtaking",
        {
            "scene": "two_way",
            "vehicles_count": 5,
            "horizon": 60,
            "normalize_reward": False,
            "collision_reward": 0.0,
            "right_lane_reward": 0.0,
            "left_lane_reward": 0.2,
            "high_speed_reward": 0.8,
        },
    ),
    "overtaking": (
        "two agents drive towards each other, each behind a slow car: who overtakes",
        _OVERTAKING,
    ),
    "two_car_intersection": (
        "two agents whose ways cross, and a third car: each for itself",
        _CROSSING
        | {
            "controlled_vehicles": 2,
            "vehicles_count": 1,
            "spawn_probability": 0.0,
            "destination": ("o2", "o3"),
            "ends": "each",
            "reward": "selfish",
            "horizon": 20,
            "observed_vehicles": 4,
        },
    ),
}
for _name, (_description, _settings) in _REGISTERED.items():
    register(EnvSpec(f"driving/{_name}_v0", DrivingConfig, _settings, _description))

__all__ = ["DrivingConfig", "RoadError", "RoadNetwork", "circular", "obstacle", "sine", "straight"]
