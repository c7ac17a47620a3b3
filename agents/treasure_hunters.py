"""Scripted players of treasure_collection: collectors who fetch and deliver, and banks who come towards them.

Both read nothing but their own observation and have neither memory nor generator.
"""

from __future__ import annotations

import numpy as np

from agents.steering import push_all, steer_all
from agents.viewers import Viewer, find_nearest, pick
from games.particles import CrowdConfig, EntityViews

ACCEL, BANK_MASS, GLIDE_S = 1.5, 2.25, 0.3
ROOM = 0.2  # length units; empty-handed collectors nearer than this to each other step aside, since touching costs 5


class Collector(Viewer):
    """Fetches the nearest treasure that nobody else with empty hands is nearer to, and takes it to its bank."""

    def _act(self, views: EntityViews, is_there: np.ndarray, config: CrowdConfig) -> np.ndarray:
        own, others, banks = views.own, views.others, _num_kinds(views)
        other_offsets, is_bank = others[..., :2], others[..., 4 : 4 + banks]
        holds = own[..., 4 + banks :]
        is_rival = (views.other_mask > 0) & (others[..., 4:].sum(axis=-1) == 0)  # a collector with empty hands
        # How far each treasure is from the nearest rival: [E, P, treasures].
        gaps = np.linalg.norm(views.landmarks[..., :, None, :2] - other_offsets[..., None, :, :], axis=-1)
        rivals = np.where(is_rival[..., None, :], gaps, np.inf).min(axis=-1, initial=np.inf)
        distances = np.linalg.norm(views.landmarks[..., :2], axis=-1)
        is_mine = (views.landmark_mask > 0) & (distances < rivals)
        is_any = is_mine.any(axis=-1, keepdims=True)
        treasure, _ = find_nearest(views.landmarks[..., :2], np.where(is_any, is_mine, views.landmark_mask > 0))
        bank, _ = find_nearest(other_offsets, (is_bank * holds[..., None, :]).sum(axis=-1) > 0)
        is_holding = holds.sum(axis=-1, keepdims=True) > 0
        missing = np.where(is_holding, pick(other_offsets, bank), pick(views.landmarks[..., :2], treasure))
        actions = steer_all(missing, own[..., :2], ACCEL, config.continuous_actions, GLIDE_S)
        return _step_aside(actions, views, is_rival | _is_loaded(others, banks), config)


class Bank(Viewer):
    """Goes to the nearest collector who brings it something, else to the middle of everybody."""

    def _act(self, views: EntityViews, is_there: np.ndarray, config: CrowdConfig) -> np.ndarray:
        own, others, banks = views.own, views.others, _num_kinds(views)
        kind = own[..., 4 : 4 + banks]
        brings = (others[..., 4 + banks :] * kind[..., None, :]).sum(axis=-1) > 0
        customer, distance = find_nearest(others[..., :2], brings)
        middle = others[..., :2].sum(axis=-2) / np.maximum(views.other_mask.sum(axis=-1, keepdims=True), 1)
        missing = np.where(np.isfinite(distance)[..., None], pick(others[..., :2], customer), middle)
        return steer_all(missing, own[..., :2], ACCEL / BANK_MASS, config.continuous_actions, GLIDE_S)


def _num_kinds(views: EntityViews) -> int:
    return views.landmarks.shape[-1] - 2


def _is_loaded(others: np.ndarray, banks: int) -> np.ndarray:
    """Returns which others are collectors who hold something, [..., M]."""
    return (others[..., 4 : 4 + banks].sum(axis=-1) == 0) & (others[..., 4 + banks :].sum(axis=-1) > 0)


def _step_aside(actions: np.ndarray, views: EntityViews, is_collector: np.ndarray, config: CrowdConfig) -> np.ndarray:
    """Returns the actions, but away from the nearest collector where one is too near and comes nearer."""
    nearest, distance = find_nearest(views.others[..., :2], is_collector)
    other = pick(views.others, nearest)
    closing = (other[..., :2] * (other[..., 2:4] - views.own[..., :2])).sum(axis=-1) < 0
    is_close = (distance < ROOM) & closing
    away = push_all(-other[..., :2], config.continuous_actions)
    return np.where(is_close.reshape(is_close.shape + (1,) * (actions.ndim - is_close.ndim)), away, actions)
