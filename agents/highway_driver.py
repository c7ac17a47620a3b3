"""Scripted drivers for the cars of games.driving, through the same meta actions that learners have.

`HighwayDriver` chooses as the traffic does: the speed that the Intelligent Driver Model (Treiber, Hennecke, Helbing
2000) tends to, and the lane that MOBIL (Kesting, Treiber, Helbing 2007) would take. `CautiousDriver` yields, always: to
whoever comes towards it on the lane for overtaking, and to whoever crosses its way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from agents.memory import Memoryless
from agents.protocol import find_agent
from games.batch import Batch
from games.driving import LONGITUDINAL_ACTIONS, META_ACTIONS, DrivingConfig

CAR_LENGTH = 5.0  # m


@dataclass(frozen=True)
class _Neighbour:
    gap: float  # m, bumper to bumper, along the lane
    speed: float  # m/s, along the lane


class _Scene:
    """One env as one car sees it."""

    def __init__(self, config: DrivingConfig, fields: dict[str, Any], me: int) -> None:
        self.config, self.fields, self.me = config, fields, me
        self.count = int(fields["num_vehicles"])
        self.speed = float(fields["speeds"][me])
        self.lane = int(fields["lanes"][me])
        self.heading = float(fields["headings"][me])

    def beside(self, step: int) -> int | None:
        """The lane to the left (-1) or right (1), if there is one that may be entered."""
        network = self.config.network
        start, end, number = network.keys[self.lane]
        key = (start, end, number + step)
        if key not in network.keys or network.lanes[network.keys.index(key)]["forbidden"]:
            return None
        return network.keys.index(key)

    def others_on(self, lane: int) -> list[tuple[float, float]]:
        """(m ahead of me, m/s along my heading) of everybody on a lane's strip of road."""
        positions, headings = self.fields["positions"][: self.count], self.fields["headings"][: self.count]
        way = np.array([np.cos(self.heading), np.sin(self.heading)])
        side = np.array([-way[1], way[0]])
        across = self._offset(lane) + (positions - positions[self.me]) @ side
        ahead = (positions - positions[self.me]) @ way
        speeds = self.fields["speeds"][: self.count] * np.cos(headings - self.heading)
        on = np.abs(across) < self.config.network.lanes[lane]["width"] / 2 + 0.5
        found = [(float(ahead[i]), float(speeds[i])) for i in np.flatnonzero(on) if i != self.me]
        obstacles = np.asarray(self.config.network.obstacles, float).reshape(-1, 2) - positions[self.me]
        found += [
            (float(o @ way), 0.0)
            for o in obstacles
            if abs(self._offset(lane) + o @ side) < self.config.network.lanes[lane]["width"] / 2 + 0.5
        ]
        return found

    def _offset(self, lane: int) -> float:
        """How far my car lies to the right of a lane beside mine, m."""
        numbers = [self.config.network.keys[index][2] for index in (self.lane, lane)]
        return (numbers[0] - numbers[1]) * float(self.config.network.lanes[lane]["width"])

    def front(self, lane: int) -> _Neighbour | None:
        ahead = [(gap, speed) for gap, speed in self.others_on(lane) if gap >= 0]
        return _Neighbour(min(ahead)[0] - CAR_LENGTH, min(ahead)[1]) if ahead else None

    def rear(self, lane: int) -> _Neighbour | None:
        behind = [(-gap, speed) for gap, speed in self.others_on(lane) if gap < 0]
        return _Neighbour(min(behind)[0] - CAR_LENGTH, min(behind)[1]) if behind else None


class HighwayDriver(Memoryless):
    """Keeps a safe distance, goes as fast as that allows, and changes lane where that gains speed without harm.

    Args:
        gain: Of acceleration that makes a lane change worth it, m/s^2.
        time_gap: Kept to whoever is ahead, s.
    """

    def __init__(self, gain: float = 0.5, time_gap: float = 1.5) -> None:
        self._gain, self._time_gap = gain, time_gap

    def act(self, batch: Batch, agent: str) -> np.ndarray:
        """Returns the car's meta actions, [E] int32.

        Raises:
            ValueError: The batch has continuous actions.
        """
        config = cast(DrivingConfig, batch.config)
        if config.actions == "continuous":
            raise ValueError("scripted drivers choose meta actions; make the batch with actions='meta'")
        _, row = find_agent(batch, agent)
        names = META_ACTIONS if config.actions == "meta" else LONGITUDINAL_ACTIONS
        moves = [self._choose_in(config, batch.fields(env), row) for env in range(batch.num_envs)]
        return np.array([names.index(move) if move in names else names.index("idle") for move in moves], np.int32)

    def _choose_in(self, config: DrivingConfig, fields: dict[str, Any], row: int) -> str:
        vehicle = int(fields["agent_vehicles"][row])
        if vehicle < 0 or fields["crashed"][vehicle]:
            return "idle"
        return self._choose(_Scene(config, fields, vehicle), fields)

    def _choose(self, scene: _Scene, fields: dict[str, Any]) -> str:
        front = scene.front(scene.lane)
        here = self._acceleration(scene, scene.speed, front)
        if fields["lanes"][scene.me] == fields["target_lanes"][scene.me]:
            for step, name in ((-1, "left"), (1, "right")):
                lane = scene.beside(step)
                if lane is not None and self._is_open(scene, lane) and self._is_better(scene, lane, here):
                    return name
        return self._choose_speed(scene, front)

    def _acceleration(self, scene: _Scene, speed: float, front: _Neighbour | None) -> float:
        """The Intelligent Driver Model, towards the fastest target speed."""
        config = scene.config
        wanted = max(config.target_speeds[-1], 0.01)
        free = 1 - (max(speed, 0) / wanted) ** 4
        if front is None:
            return config.comfort_acceleration * free
        root = 2 * (config.comfort_acceleration * config.comfort_braking) ** 0.5
        gap = CAR_LENGTH + speed * self._time_gap + speed * (speed - front.speed) / root
        return config.comfort_acceleration * (free - (max(gap, 0) / max(front.gap, 0.1)) ** 2)

    def _is_open(self, scene: _Scene, lane: int) -> bool:
        """Whether nobody on that lane would have to brake hard, I included, and there is room for a car."""
        front, rear = scene.front(lane), scene.rear(lane)
        if front is not None and (front.gap < 8 or self._acceleration(scene, scene.speed, front) < -2):
            return False
        return rear is None or (
            rear.gap > 8 and self._acceleration(scene, rear.speed, _Neighbour(rear.gap, scene.speed)) > -2
        )

    def _is_better(self, scene: _Scene, lane: int, here: float) -> bool:
        return self._acceleration(scene, scene.speed, scene.front(lane)) - here > self._gain

    def _choose_speed(self, scene: _Scene, front: _Neighbour | None) -> str:
        """The fastest target speed at which the driver model would not brake; the nearest action towards it."""
        speeds = [float(speed) for speed in scene.config.target_speeds]
        index = int(np.abs(np.array(speeds) - scene.speed).argmin())
        target = int(scene.fields["speed_indices"][scene.me])
        if self._acceleration(scene, scene.speed, front) < -0.5:
            return "slower" if target >= index and target > 0 else "idle"
        if index + 1 < len(speeds) and target <= index:
            faster = speeds[index + 1]
            if self._acceleration(scene, faster, front) > -0.5:
                return "faster"
        return "idle"


class CautiousDriver(HighwayDriver):
    """A highway driver that always yields.

    It stays off lanes on which anybody comes towards it, and slows down for whoever would cross its way.

    Args:
        sight: How far ahead it looks for oncoming cars, m.
        patience: How far into the future it looks for crossing ones, s.
    """

    def __init__(self, sight: float = 400.0, patience: float = 5.0) -> None:
        super().__init__(time_gap=2.0)
        self._sight, self._patience = sight, patience

    def _choose(self, scene: _Scene, fields: dict[str, Any]) -> str:
        return "slower" if self._is_crossed(scene, fields) else super()._choose(scene, fields)

    def _is_open(self, scene: _Scene, lane: int) -> bool:
        oncoming = any(0 < ahead < self._sight and speed < -0.5 for ahead, speed in scene.others_on(lane))
        return not oncoming and super()._is_open(scene, lane)

    def _is_crossed(self, scene: _Scene, fields: dict[str, Any]) -> bool:
        """Whether a car on a crossing course would come within 8 m of mine, at its speed and mine or 5 m/s."""
        n, me = scene.count, scene.me
        headings, speeds = fields["headings"][:n], fields["speeds"][:n].copy()
        speeds[me] = max(speeds[me], 5.0)
        turns = np.abs((headings - scene.heading + np.pi) % (2 * np.pi) - np.pi)
        crossing = (turns > 0.3) & (turns < np.pi - 0.3) & (speeds > 0.5)
        if not crossing.any():
            return False
        velocities = np.stack([np.cos(headings), np.sin(headings)], -1) * speeds[:, None]
        apart = fields["positions"][:n] - fields["positions"][me]
        times = np.arange(0.25, self._patience, 0.25)[:, None, None]
        distances = np.linalg.norm(apart + (velocities - velocities[me]) * times, axis=-1)
        return bool((distances[:, crossing] < 8).any())
