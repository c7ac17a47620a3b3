"""Particle worlds: discs that push, see and speak, by the rules of mpe2. See README.md beside this file."""

from games.particles.settings import Body, ParticlesConfig, SpreadConfig
from games.spec import EnvSpec, register

__all__ = ["Body", "ParticlesConfig", "SpreadConfig"]

register(
    EnvSpec(
        "particles/simple_spread_v0",
        SpreadConfig,
        {},
        "three agents should stand on three landmarks without running into each other",
    )
)
