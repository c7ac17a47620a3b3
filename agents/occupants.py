"""Scripted players of resource_occupation and food_collection: who goes where.

All read nothing but what observations show, which is everything; they have neither memory nor generator.
"""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from scipy.optimize import linear_sum_assignment

from agents.steering import steer_all
from agents.viewers import Viewer, pick
from games.particles import CrowdConfig, EntityViews

# Acceleration of a full action, and seconds of travel that a body reckons with. It glides for 0.3 s, but at the rim of
# a large resource it may brake later, which brings the returns nearest to those of MRA's anchors.
BODIES = {"resource_occupation": (5.0, 0.2), "food_collection": (4.0, 0.3)}


class Occupant(Viewer):
    """Goes to a landmark and stays there."""

    def _act(self, views: EntityViews, is_there: np.ndarray, config: CrowdConfig) -> np.ndarray:
        accel, glide_s = BODIES[config.scenario]
        missing = pick(views.landmarks[..., :2], self._choose(views, is_there))
        return steer_all(missing, views.own[..., :2], accel, config.continuous_actions, glide_s)

    @abstractmethod
    def _choose(self, views: EntityViews, is_there: np.ndarray) -> np.ndarray:
        """Returns the number of the landmark that each agent goes to, [E, P]."""


class NearestTaker(Occupant):
    """Goes to the landmark whose rim is nearest, whoever else does."""

    def _choose(self, views: EntityViews, is_there: np.ndarray) -> np.ndarray:
        distances = _distances_to_rims(np.zeros(2), views.landmarks)
        return np.argmin(np.where(views.landmark_mask > 0, distances, np.inf), axis=-1)


class BiggestTaker(Occupant):
    """Goes to the largest resource; only resource_occupation has sizes."""

    def _choose(self, views: EntityViews, is_there: np.ndarray) -> np.ndarray:
        return np.argmax(np.where(views.landmark_mask > 0, views.landmarks[..., 2], -np.inf), axis=-1)


class AssignmentTaker(Occupant):
    """Goes where the shortest assignment of all agents to all landmarks sends it, one agent to each.

    Agents to whom it gives nothing go to the last landmark, which is resource_occupation's largest. Needs a world
    without limits on neighbors.
    """

    def _choose(self, views: EntityViews, is_there: np.ndarray) -> np.ndarray:
        if views.others.shape[2] != is_there.shape[1] - 1:
            raise ValueError("AssignmentTaker needs a world without num_agent_neighbors: it assigns all agents")
        goals = np.zeros(is_there.shape, np.int64)
        for env in np.flatnonzero(is_there.any(axis=1)):
            viewer = int(np.argmax(is_there[env]))
            places = np.insert(views.others[env, viewer, :, :2], viewer, 0, axis=0)  # the viewer stands in the middle
            seen = np.flatnonzero(views.landmark_mask[env, viewer])
            there, landmarks = np.flatnonzero(is_there[env]), views.landmarks[env, viewer, seen]
            rows, columns = linear_sum_assignment(_distances_to_rims(places[there, None], landmarks))
            goals[env] = seen[-1]
            goals[env, there[rows]] = seen[columns]
        return goals


def _distances_to_rims(places: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Returns how far places [..., 2] are from the rims of landmarks [..., F] (negative inside), or from points."""
    distances = np.linalg.norm(landmarks[..., :2] - places, axis=-1)
    return distances - landmarks[..., 2] if landmarks.shape[-1] > 2 else distances
