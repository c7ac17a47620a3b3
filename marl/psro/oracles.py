"""What learns best responses: the contract of an oracle, the settings of each by name, and a response on disk."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

import pydantic
from pydantic import Field, PositiveFloat, PositiveInt

from games.names import unknown_name
from marl.psro.diversity import Diversity
from marl.psro.opponents import Opponents
from marl.psro.population import Kind
from marl.psro.risk_rewards import RiskAversion

OracleName = Literal["exact", "tabular", "ppo", "dqn"]


class Oracle(Protocol):
    """Learns best responses to mixtures of a population."""

    @property
    def kind(self) -> Kind:
        """Of its policies."""

    def respond(
        self,
        agent: str,
        opponents: Opponents,
        out: Path,
        *,
        seed: int,
        risk: RiskAversion | None = None,
        diversity: Diversity | None = None,
        start: Path | None = None,
    ) -> dict[str, Any]:
        """Writes a response as a policy of the oracle's kind.

        Args:
            agent: Who responds.
            opponents: Whom to: one joint draw of them an episode.
            out: Existing folder for the policy's files.
            seed: Of everything random; the same seed gives the same policy.
            risk: What the learner is averse to; None: nothing.
            diversity: What it is rewarded for beside its payoff; None: nothing.
            start: Folder of an earlier policy of the same oracle to grow from, where the oracle can.

        Returns:
            What the policy's manifest should say about it: the oracle, its budget; JSON.

        Raises:
            ValueError: The oracle knows no aversion to risk, or no diversity.
            PolicyError: A policy of the opponents, or `start`, is damaged.
        """


# ---- settings ----


class OracleSettings(pydantic.BaseModel):
    """How an oracle learns."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


class ExactSettings(OracleSettings):
    """Of the exact oracle: there is nothing to set."""


class TabularSettings(OracleSettings):
    """Of tabular Q-learning."""

    env_steps: PositiveInt = Field(200_000, description="budget of one response")
    num_envs: PositiveInt = Field(64, description="envs that play at a time")
    fragment_steps: PositiveInt = Field(16, description="steps of each env between two updates")
    discount: float = Field(1.0, gt=0, le=1, description="per step")
    horizon: PositiveFloat = Field(5.0, description="H of the step sizes (H + 1) / (H + n)")
    exploration: float = Field(0.1, ge=0, le=1, description="share of random actions at the end; falls from 1 linearly")


class PPOSettings(OracleSettings):
    """Of RLlib's PPO on the batched runner."""

    env_steps: PositiveInt = Field(200_000, description="budget of one response")
    num_envs: PositiveInt = Field(64, description="envs of the batched runner")
    fragment_steps: PositiveInt = Field(64, description="steps of each env between two updates")
    hidden_sizes: tuple[PositiveInt, ...] = Field((64, 64), description="of the policy and the value network")
    learning_rate: PositiveFloat = Field(1e-3, description="of Adam")
    discount: float = Field(0.99, gt=0, le=1, description="per step")
    gae_lambda: float = Field(0.95, ge=0, le=1, description="of the advantages")
    entropy_coefficient: float = Field(0.01, ge=0, description="at the start; falls to 0 linearly")
    num_epochs: PositiveInt = Field(4, description="passes over a fragment")
    minibatches: PositiveInt = Field(4, description="of one pass")
    observation_scale: PositiveFloat = Field(1.0, description="multiplies the observations")


class DQNSettings(OracleSettings):
    """Of RLlib's DQN, with double Q-learning, on the batched runner and the array replay buffer."""

    env_steps: PositiveInt = Field(200_000, description="budget of one response")
    num_envs: PositiveInt = Field(64, description="envs of the batched runner")
    fragment_steps: PositiveInt = Field(4, description="steps of each env between two rounds of updates")
    hidden_sizes: tuple[PositiveInt, ...] = Field((64, 64), min_length=1, description="of the Q network")
    learning_rate: PositiveFloat = Field(1e-3, description="of Adam")
    discount: float = Field(0.99, gt=0, le=1, description="per step")
    n_step: PositiveInt = Field(1, description="steps of a return")
    batch_size: PositiveInt = Field(256, description="rows of an update")
    replay_ratio: PositiveFloat = Field(16.0, description="rows that are replayed for each env step")
    capacity: PositiveInt = Field(100_000, description="env steps that the replay buffer holds")
    learning_starts: int = Field(2_000, ge=0, description="env steps before the first update")
    target_update_steps: PositiveInt = Field(2_000, description="env steps between copies to the target network")
    exploration: float = Field(0.05, ge=0, le=1, description="share of random actions in the second half")
    observation_scale: PositiveFloat = Field(1.0, description="multiplies the observations")


ORACLES: Mapping[str, type[OracleSettings]] = {
    "exact": ExactSettings,
    "tabular": TabularSettings,
    "ppo": PPOSettings,
    "dqn": DQNSettings,
}


def read_oracle_settings(oracle: OracleName, given: Mapping[str, Any]) -> OracleSettings:
    """Returns settings of an oracle, those that are not given at their defaults.

    Raises:
        UnknownNameError: The oracle has no such setting.
        ValueError: A value is out of its range; the message names the setting.
    """
    model = ORACLES[oracle]
    for name in given:
        if name not in model.model_fields:
            raise unknown_name(f"setting of oracle {oracle}", name, model.model_fields)
    try:
        return model(**given)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"oracle_settings.{place}: {first['msg']}, got {first['input']!r}") from None


def make_oracle(name: OracleName, settings: OracleSettings, env_id: str, world_settings: Mapping[str, Any]) -> Oracle:
    """Returns an oracle by name.

    Args:
        name: Of the oracle.
        settings: Its own.
        env_id: The world.
        world_settings: Of the world, beyond the id's.
    """
    if name == "exact":
        from marl.psro.exact import ExactOracle

        return ExactOracle(env_id, world_settings)
    if isinstance(settings, TabularSettings):
        from marl.psro.tabular_oracle import TabularOracle

        return TabularOracle(env_id, world_settings, settings)
    from marl.psro.rllib_oracle import RLlibOracle

    assert isinstance(settings, PPOSettings | DQNSettings)
    return RLlibOracle(env_id, world_settings, settings)


# ---- a response on disk ----

_ABOUT = "about.json"


def learn(
    oracle: Oracle,
    agent: str,
    opponents: Opponents,
    place: Path,
    seed: int,
    risk: RiskAversion,
    diversity: Diversity | None,
    start: Path | None,
) -> None:
    """Writes a response and what is to be said about it; the folder is complete or absent.

    Args:
        oracle: Who learns.
        agent: As `Oracle.respond` has it, and so `opponents`, `seed`, `diversity` and `start`.
        opponents: See there.
        place: The folder.
        seed: See there.
        risk: What the learner is averse to, with gamma 0: nothing.
        diversity: See there.
        start: See there.
    """
    aside = place.with_name(f".{place.name}.partial")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    averse = risk if risk.gamma > 0 else None
    about = oracle.respond(agent, opponents, aside, seed=seed, risk=averse, diversity=diversity, start=start)
    (aside / _ABOUT).write_text(json.dumps(about) + "\n", encoding="utf-8")
    os.replace(aside, place)


def read_about(place: Path) -> dict[str, Any]:
    """Returns what is to be said about a response that `learn` wrote."""
    about: dict[str, Any] = json.loads((place / _ABOUT).read_text(encoding="utf-8"))
    return about


def copy_response(place: Path, folder: Path) -> None:
    """Copies the policy's own files of a response that `learn` wrote."""
    shutil.copytree(place, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(_ABOUT))
