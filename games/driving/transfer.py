"""Scenes from highway-env, as fields for `Batch.load_fields`.

`batch.load_fields(0, from_reference(describe(env.unwrapped), batch.config))` puts the scene of an instance into env 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from games.driving import DrivingConfig, RoadError
from games.driving.reference import describe, describe_vehicle

TRAFFIC, PILOTED, FREE = 1, 2, 3  # DrivingKind
MAX_ROUTE = 12
MAX_TIME_S = 100.0

__all__ = ["add_vehicle", "describe", "describe_vehicle", "from_reference"]


def from_reference(scene: dict[str, Any], config: DrivingConfig) -> dict[str, Any]:
    """Turns a scene into the fields of an env at the start of an episode.

    Args:
        scene: As `games.driving.reference.describe` makes it, or read back from JSON.
        config: `Batch.config`; its road must have the scene's lanes, and as many agents.

    Raises:
        ValueError: Another number of agents, too many vehicles, or one that the road or the config has no place for.
    """
    agents, vehicles = _entry(scene, "agents"), _entry(scene, "vehicles")
    if len(agents) != config.controlled_vehicles:
        raise ValueError(f"the scene has {len(agents)} agents, the config {config.controlled_vehicles}")
    fields = _empty_fields(config)
    for vehicle in vehicles:
        add_vehicle(fields, vehicle, config)
    fields["agent_vehicles"][:] = agents
    fields["view_lanes"][:] = _entry(scene, "view_lanes")
    fields["regulation_steps"] = int(_entry(scene, "regulation_steps"))
    return fields


def add_vehicle(fields: dict[str, Any], vehicle: dict[str, Any], config: DrivingConfig) -> None:
    """Puts one more vehicle at the end of an env's fields, in place.

    Args:
        fields: From `Batch.fields` or `from_reference`.
        vehicle: As `games.driving.reference.describe_vehicle` makes it.
        config: `Batch.config`.

    Raises:
        ValueError: There is no room for it, or it cannot be on this road.
    """
    i = int(fields["num_vehicles"])
    if i >= config.max_vehicles:
        raise ValueError(f"there is room for {config.max_vehicles} vehicles, the scene has more")
    route, impact, network = _entry(vehicle, "route"), _entry(vehicle, "impact"), config.network
    codes = [] if route is None else [_route_code(key, config) for key in route]
    if len(codes) > MAX_ROUTE:
        raise ValueError(f"vehicle {i}: a route has at most {MAX_ROUTE} roads, got {len(codes)}")
    is_traffic, is_free = _entry(vehicle, "timer") is not None, _entry(vehicle, "target_speed") is None
    values = {
        "kinds": TRAFFIC if is_traffic else FREE if is_free else PILOTED,
        "positions": _entry(vehicle, "position"),
        "headings": _entry(vehicle, "heading"),
        "speeds": _entry(vehicle, "speed"),
        "lanes": network.lane(_entry(vehicle, "lane")),
        "target_lanes": network.lane(_entry(vehicle, "lane" if is_free else "target_lane")),
        "target_speeds": vehicle["target_speed"] or 0,
        "timers": vehicle["timer"] or 0,
        "exponents": (vehicle["exponent"] or 0) if is_traffic else 0,
        "changes_lanes": bool(vehicle["changes_lanes"]),
        "crashed": vehicle["crashed"],
        "has_impact": impact is not None,
        "impacts": (0, 0) if impact is None else impact,
        "is_yielding": vehicle["is_yielding"],
        "speed_indices": int(vehicle["speed_index"] or 0),
        "route_lengths": -1 if route is None else len(codes),
    }
    for name, value in values.items():
        fields[name][i] = value
    fields["routes"][i, : len(codes)] = codes
    fields["num_vehicles"] = i + 1


def _empty_fields(config: DrivingConfig) -> dict[str, Any]:
    most, agents = config.max_vehicles, config.controlled_vehicles
    floats = {name: np.zeros(most) for name in ("headings", "speeds", "target_speeds", "timers", "exponents")}
    bytes_ = (
        "kinds",
        "lanes",
        "target_lanes",
        "crashed",
        "has_impact",
        "changes_lanes",
        "is_yielding",
        "speed_indices",
    )
    return {
        **floats,
        **{name: np.zeros(most, np.uint8) for name in bytes_},
        "positions": np.zeros((most, 2)),
        "impacts": np.zeros((most, 2)),
        "routes": np.zeros((most, MAX_ROUTE), np.int16),
        "route_lengths": np.zeros(most, np.int16),
        "timestep": 0,
        "num_vehicles": 0,
        "speed_sums": np.zeros(agents),
        "steps_underway": np.zeros(agents, np.int32),
        "min_time_gaps": np.full(agents, MAX_TIME_S),
        "min_times_to_collision": np.full(agents, MAX_TIME_S),
        "agent_vehicles": np.zeros(agents, np.int16),
        "agent_status": np.zeros(agents, np.uint8),
        "has_arrived": np.zeros(agents, np.uint8),
        "view_lanes": np.ones(agents, np.uint8),
    }


def _route_code(key: list[Any], config: DrivingConfig) -> int:
    """A lane's number, or ~r for any lane of road r."""
    start, end, number = key
    if number is not None:
        return config.network.lane((start, end, number))
    if (start, end) not in config.network.roads:
        raise RoadError(f"the road has no lanes from {start!r} to {end!r}")
    return ~config.network.roads.index((start, end))


def _entry(table: dict[str, Any], key: str) -> Any:
    if not isinstance(table, dict) or key not in table:
        raise ValueError(f"the scene has no {key!r}; make it with games.driving.reference.describe")
    return table[key]
