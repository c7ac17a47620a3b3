"""The one registry: environment ids, what they stand for, and how to make them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pettingzoo

from games.config import GameProperties, WorldConfig
from games.names import unknown_name

if TYPE_CHECKING:
    from games.batch import Batch
    from games.parallel import BatchParallelEnv
    from games.vector import BatchVectorEnv


@dataclass(frozen=True)
class EnvSpec:
    """A registered environment.

    Attributes:
        id: `<family>/<variant>_v<number>`; the number grows whenever behaviour changes.
        config_class: The world's settings.
        settings: What this id sets; everything else has the world's default.
        description: One line for tables.
    """

    id: str
    config_class: type[WorldConfig]
    settings: dict[str, Any] = field(default_factory=dict)
    description: str = ""

    def config(self, **overrides: Any) -> WorldConfig:
        """Returns the settings of this id with some of them replaced."""
        return self.config_class.from_settings({**self.settings, **overrides})

    @property
    def world(self) -> str:
        """Name of the C world."""
        return self.config_class.world

    @property
    def family(self) -> str:
        """First part of the id: the world's name, or that of several worlds of a kind."""
        return self.config_class.family or self.config_class.world

    @property
    def properties(self) -> GameProperties:
        """What kind of game this id is with its own settings."""
        return self.config().properties()


_SPECS: dict[str, EnvSpec] = {}


def register(spec: EnvSpec) -> None:
    """Adds an environment to this registry and to PettingZoo's.

    Raises:
        ValueError: The id is taken.
    """
    if spec.id in _SPECS:
        raise ValueError(f"environment id {spec.id!r} is registered already")
    _SPECS[spec.id] = spec
    for kind, face in (("parallel", "parallel_env"), ("aec", "aec_env")):
        pettingzoo.register(kind, spec.id, entry_point=f"games.spec:{face}", kwargs={"id": spec.id})


def env_ids(*, with_extras: bool = False) -> list[str]:
    """Returns all registered ids, sorted.

    Args:
        with_extras: Whether those of foreign engines are among them, which `pip install 'agora[...]'` brings.
    """
    return sorted(id for id, spec in _SPECS.items() if with_extras or not spec.config_class.extra)


def spec(id: str) -> EnvSpec:
    """Returns what an id stands for.

    Raises:
        UnknownNameError: No such id; the message names the nearest one.
    """
    if id not in _SPECS:
        raise unknown_name("environment id", id, _SPECS)
    return _SPECS[id]


def make_batch(
    id: str,
    num_envs: int = 1,
    *,
    seed: int = 0,
    num_threads: int = 1,
    autoreset: str = "same_step",
    first_env: int = 0,
    **config: Any,
) -> Batch:
    """Makes `num_envs` copies of an environment that step together.

    Args:
        id: One of `env_ids(with_extras=True)`.
        num_envs: E, at least 1.
        seed: In [0, 2^64). Env e's chance depends on (seed, first_env + e, episode) alone.
        num_threads: Worker threads; results do not depend on it.
        autoreset: "same_step", "next_step" or "disabled", as Gymnasium names them.
        first_env: Number of env 0; with 3, a batch of one env plays what env 3 of a batch from 0 plays.
        **config: Settings of the world that differ from the id's.

    Raises:
        UnknownNameError: No such id or setting.
        ImportError: The id needs something that is not installed; the message says what to install.
    """
    env_spec = spec(id)
    settings = env_spec.config(**config)
    return settings.batch_class()(env_spec, settings, num_envs, seed, num_threads, autoreset, first_env)


def parallel_env(
    id: str, *, render_mode: str | None = None, max_cycles: int | None = None, **config: Any
) -> BatchParallelEnv:
    """Makes one environment with PettingZoo's parallel face.

    Args:
        id: One of `env_ids(with_extras=True)`.
        render_mode: "rgb_array", "human" or None.
        max_cycles: PettingZoo's name for the setting `horizon`.
        **config: Settings of the world that differ from the id's.
    """
    from games.parallel import BatchParallelEnv

    if max_cycles is not None:
        config["horizon"] = max_cycles
    return BatchParallelEnv(id, render_mode, config)


def aec_env(
    id: str, *, render_mode: str | None = None, max_cycles: int | None = None, **config: Any
) -> pettingzoo.AECEnv:
    """Makes one environment with PettingZoo's agent-by-agent face (through PettingZoo's own conversion).

    Args:
        id: One of `env_ids(with_extras=True)`.
        render_mode: "rgb_array", "human" or None.
        max_cycles: PettingZoo's name for the setting `horizon`.
        **config: Settings of the world that differ from the id's.
    """
    from pettingzoo.utils.conversions import parallel_to_aec

    return parallel_to_aec(parallel_env(id, render_mode=render_mode, max_cycles=max_cycles, **config))


def vector_env(
    id: str, num_envs: int = 1, *, render_mode: str | None = None, copy: bool = True, **settings: Any
) -> BatchVectorEnv:
    """Makes a Gymnasium VectorEnv in which one learner plays all agents of the world's only group.

    Args:
        id: One of `env_ids(with_extras=True)`.
        num_envs: E, at least 1.
        render_mode: "rgb_array", "human" or None.
        copy: Whether observations are copies that may be kept.
        **settings: As for `make_batch`.
    """
    from games.vector import BatchVectorEnv

    return BatchVectorEnv(make_batch(id, num_envs, **settings), render_mode, copy)
