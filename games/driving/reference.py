"""What a highway-env instance holds, as plain dicts and lists.

Imports nothing, so that it runs beside highway-env wherever that is installed; `games.driving.transfer` turns its
answer into the state of an env.
"""

from __future__ import annotations

from typing import Any


def describe(env: Any) -> dict[str, Any]:
    """Returns the scene of a highway-env environment (`env.unwrapped`), ready for JSON.

    Args:
        env: Of highway-env 1.12.1, after a reset or a step.

    Returns:
        vehicles: a dict for each, in the order of the road's list; agents: their indices in it; view_lanes: lanes of
        the road each agent is on; regulation_steps: frames that a regulated road has seen; time: seconds.
    """
    road = env.road
    agents = [road.vehicles.index(vehicle) for vehicle in env.controlled_vehicles]
    views = [len(road.network.all_side_lanes(vehicle.lane_index)) for vehicle in env.controlled_vehicles]
    return {
        "vehicles": [describe_vehicle(vehicle) for vehicle in road.vehicles],
        "agents": agents,
        "view_lanes": views,
        "regulation_steps": int(getattr(road, "steps", 0)),
        "time": float(env.time),
    }


def describe_vehicle(vehicle: Any) -> dict[str, Any]:
    """Returns one vehicle as a dict; what its class has not is None."""
    impact, route = vehicle.impact, getattr(vehicle, "route", None)
    return {
        "position": [float(x) for x in vehicle.position],
        "heading": float(vehicle.heading),
        "speed": float(vehicle.speed),
        "lane": _key(vehicle.lane_index),
        "crashed": bool(vehicle.crashed),
        "impact": None if impact is None else [float(x) for x in impact],
        "target_lane": _key(getattr(vehicle, "target_lane_index", None)),
        "target_speed": _number(vehicle, "target_speed"),
        "route": None if route is None else [_key(lane) for lane in route],
        "speed_index": _number(vehicle, "speed_index"),
        "timer": _number(vehicle, "timer"),
        "exponent": _number(vehicle, "DELTA"),
        "changes_lanes": getattr(vehicle, "enable_lane_change", None),
        "is_yielding": bool(getattr(vehicle, "is_yielding", False)),
    }


def _key(lane_index: Any) -> list[Any] | None:
    if lane_index is None:
        return None
    start, end, number = lane_index
    return [str(start), str(end), None if number is None else int(number)]


def _number(vehicle: Any, name: str) -> float | None:
    value = getattr(vehicle, name, None)
    return None if value is None else float(value)
