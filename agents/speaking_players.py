"""Scripted players of simple_speaker_listener, who have agreed that word k stands for landmark k.

Each acts on its own observation alone. They have neither memory nor generator.
"""

from __future__ import annotations

from typing import cast

import numpy as np

from agents.memory import Memoryless
from agents.protocol import find_agent
from agents.steering import idle, steer
from games.batch import Batch
from games.particles import SpeakerListenerConfig

WORDS = 3
ACCEL = 5.0  # of the listener


class Speaker(Memoryless):
    """Says the number of the goal, whose color it sees."""

    def act(self, batch: Batch, agent: str) -> np.ndarray:
        """Returns the speaker's words, [E] int32 or [E, 3] float32."""
        name, row = find_agent(batch, agent)
        words = np.argmax(batch.groups[name].observations[:, row], axis=1).astype(np.int32)
        is_continuous = cast(SpeakerListenerConfig, batch.config).continuous_actions
        return np.eye(WORDS, dtype=np.float32)[words] if is_continuous else words


class Listener(Memoryless):
    """Goes to the landmark whose number it hears, and waits until it hears one."""

    def act(self, batch: Batch, agent: str) -> np.ndarray:
        """Returns the listener's moves, [E] int32 or [E, 5] float32."""
        name, row = find_agent(batch, agent)
        is_continuous = cast(SpeakerListenerConfig, batch.config).continuous_actions
        actions = [idle(batch.groups[name])] * batch.num_envs
        for env, seen in enumerate(batch.groups[name].observations[:, row].astype(np.float64)):
            velocity, offsets, heard = seen[:2], seen[2:8].reshape(WORDS, 2), seen[8:]
            if heard.any():
                actions[env] = steer(offsets[np.argmax(heard)], velocity, ACCEL, is_continuous)
        return np.stack(actions)
