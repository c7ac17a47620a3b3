"""Scripted players of grassland and adversarial: wolves, sheep, and fighters over food.

All read nothing but their own observation and have neither memory nor generator.
"""

from __future__ import annotations

import numpy as np

from agents.steering import push_all, steer_all
from agents.viewers import Viewer, find_nearest, pick
from games.particles import CrowdConfig, EntityViews

ACCEL, GLIDE_S = 4.0, 0.3  # of sheep and fighters
LEAD_S = 0.3  # seconds of its travel by which a wolf leads a sheep
FEAR = 0.35  # length units; sheep flee from a wolf who is nearer
RIM = 0.9  # places beyond are too near to the fence to flee to
FRONT = 0.5  # length units; who is nearer to an opponent than this can help against it


class Wolf(Viewer):
    """Runs to where the nearest sheep will be."""

    def _act(self, views: EntityViews, is_there: np.ndarray, config: CrowdConfig) -> np.ndarray:
        is_sheep = (views.other_mask > 0) & (views.others[..., 4] == 0)
        sheep, distance = find_nearest(views.others[..., :2], is_sheep)
        target = pick(views.others, sheep)
        missing = target[..., :2] + LEAD_S * (target[..., 2:4] - views.own[..., :2])
        return push_all(np.where(np.isfinite(distance)[..., None], missing, 0), config.continuous_actions)


class Sheep(Viewer):
    """Grazes at the nearest pellet; flees from a wolf who is near, along the fence where it stands at it."""

    def _act(self, views: EntityViews, is_there: np.ndarray, config: CrowdConfig) -> np.ndarray:
        is_wolf = (views.other_mask > 0) & (views.others[..., 4] == 0)
        wolf, distance = find_nearest(views.others[..., :2], is_wolf)
        return _graze_or_flee(views, pick(views.others[..., :2], wolf), distance < FEAR, config)


class Fighter(Viewer):
    """Attacks an opponent with whoever can help, flees from two opponents, and eats in between."""

    def _act(self, views: EntityViews, is_there: np.ndarray, config: CrowdConfig) -> np.ndarray:
        offsets, is_other = views.others[..., :2], views.other_mask > 0
        is_mate, is_foe = is_other & (views.others[..., 4] == 1), is_other & (views.others[..., 4] == 0)
        foe, distance = find_nearest(offsets, is_foe)
        target = pick(views.others, foe)
        helpers = (is_mate & (np.linalg.norm(offsets - target[..., None, :2], axis=-1) < FRONT)).sum(axis=-1)
        foes = (is_foe & (np.linalg.norm(offsets, axis=-1) < FRONT)).sum(axis=-1)
        is_fight = (distance < FRONT) & (helpers >= foes)
        threat = np.where(is_foe[..., None] & (np.linalg.norm(offsets, axis=-1, keepdims=True) < FRONT), offsets, 0)
        otherwise = _graze_or_flee(views, threat.sum(axis=-2), ~is_fight & (foes >= 2), config)
        attack = push_all(target[..., :2] + 0.1 * (target[..., 2:4] - views.own[..., :2]), config.continuous_actions)
        return np.where(is_fight.reshape(is_fight.shape + (1,) * (attack.ndim - is_fight.ndim)), attack, otherwise)


def _graze_or_flee(views: EntityViews, threat: np.ndarray, is_afraid: np.ndarray, config: CrowdConfig) -> np.ndarray:
    """Returns the way to the nearest pellet; where one is afraid, the way from a threat that does not lead outside."""
    pellet, _ = find_nearest(views.landmarks[..., :2], views.landmark_mask > 0)
    graze = steer_all(
        pick(views.landmarks[..., :2], pellet), views.own[..., :2], ACCEL, config.continuous_actions, GLIDE_S
    )
    place, away = views.own[..., 2:4], -threat
    away = np.where((np.abs(place) > RIM) & (place * away > 0), 0, away)
    flee = push_all(away, config.continuous_actions)
    return np.where(is_afraid.reshape(is_afraid.shape + (1,) * (graze.ndim - is_afraid.ndim)), flee, graze)
