"""Episodes of trained workers: evaluation.csv has a row for each, workers.csv one for each worker of each.

rates.csv has the rates of every tax period, as means over the episodes. Where one worker has learned on beside the
others, evaluation.csv has its utility in every episode before and after.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import games
from agents.protocol import Player
from agents.saez_planner import SaezPlanner
from agents.trained import TrainedPlayer
from econ.gather_trade_build.film import save_film
from econ.taxation import SaezTax, us_federal
from econ.welfare import welfare
from experiments.run_folder import RunError, RunFolder, write_atomically
from experiments.studies.econ_gtb.settings import ENV_ID, GtbSettings
from games.batch import Batch
from games.recording import record

EVALUATION_SEED = 1_000_003  # apart from every training seed's envs
NOTHING_DONE = -1 / 0.77  # utility of a worker without coin or labor: (0^(1 - eta) - 1) / (1 - eta), eta = 0.23
STATISTICS = ("productivity", "equality", "equality_productivity", "houses", "trades", "mean_price", "taxes")
WELFARES = ("utilitarian", "inverse_income_utility", "rawlsian")
SAEZ_FILE, PLANNER_FOLDER = "saez.json", "planner"


def make_saez(known: Path | None, seed: int) -> SaezPlanner:
    """Makes the planner that estimates the elasticity from what it sees, and from what a file says that it knew."""
    saez = SaezTax(us_federal().cutoffs)
    if known is not None:
        saez.set_state(json.loads(known.read_text(encoding="utf-8")))
    return SaezPlanner(saez)


def start_folder(run: RunFolder) -> Path:
    """Returns where a run keeps what it began with."""
    return run.path / "start"


def newest_policies(run: RunFolder) -> Path:
    """Returns the folder of the newest policies.

    Raises:
        RunError: There is no checkpoint yet.
    """
    checkpoint = run.latest_checkpoint()
    if checkpoint is None:
        raise RunError(f"{run.path} has no checkpoint yet")
    return checkpoint


def _make_planner(folder: Path, settings: GtbSettings) -> Player | None:
    if settings.tax == "saez":
        return make_saez(folder / SAEZ_FILE, EVALUATION_SEED)
    return TrainedPlayer(folder / PLANNER_FOLDER, EVALUATION_SEED) if settings.tax == "planner" else None


class Played:
    """Episodes at their end.

    Args:
        batch: Of E episodes.

    Attributes:
        paid: [E, N] what each worker paid in taxes and did not get back, coin.
        rates: [periods, E, B] in force.
    """

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.paid = np.zeros((batch.num_envs, len(batch.groups["workers"].agents)))
        self.rates: list[np.ndarray] = []

    def note_taxes(self) -> None:
        """Takes up what a step did."""
        workers, planner = self.batch.groups["workers"], self.batch.groups["planner"]
        is_taxed = planner.infos["tax_day"] > 0
        if is_taxed.any():
            taxes = workers.infos["tax"] * is_taxed
            self.paid += taxes - taxes.mean(axis=1, keepdims=True)
            config: Any = self.batch.config
            last = config.first_day_feature
            self.rates.append(planner.observations[:, 0, last - len(config.cutoffs) : last].copy())


class Economy:
    """Who plays: workers, and a planner that learned or Saez's formula; all draw their actions.

    Args:
        settings: Of the run.
        policies: Folder of a checkpoint, or a copy.
        first: Another one, of the policy that the first worker plays.
    """

    def __init__(self, settings: GtbSettings, policies: Path, first: Path | None = None) -> None:
        self._everyone = TrainedPlayer(policies, EVALUATION_SEED)
        self._first = self._everyone if first is None else TrainedPlayer(first, EVALUATION_SEED + 1)
        self._planner = _make_planner(policies, settings)

    def act(self, batch: Batch) -> dict[str, np.ndarray]:
        """Returns the joint action."""
        workers, planner = batch.groups["workers"], batch.groups["planner"]
        hands = [(self._everyone if i else self._first).act(batch, agent) for i, agent in enumerate(workers.agents)]
        rates = np.zeros_like(planner.actions)
        if self._planner is not None:
            rates = self._planner.act(batch, planner.agents[0])[:, None]
        return {"workers": np.stack(hands, axis=1), "planner": rates}


def play(settings: GtbSettings, policies: Path, first: Path | None = None) -> Played:
    """Plays episodes of an `Economy` side by side."""
    batch = games.make_batch(
        ENV_ID, settings.evaluation_episodes, seed=EVALUATION_SEED, autoreset="disabled", **settings.world_settings()
    )
    batch.reset()
    economy, played = Economy(settings, policies, first), Played(batch)
    for _ in range(settings.horizon):
        batch.step(economy.act(batch))
        played.note_taxes()
    return played


def describe_workers(fields: dict[str, Any], paid: np.ndarray) -> pd.DataFrame:
    """Returns a row for each worker of one episode, the worst paid first.

    Args:
        fields: Of the env at the end.
        paid: [N] taxes less lump sums, coin.
    """
    owners = fields["owners"]
    houses = np.array([(owners == i + 1).sum() for i in range(len(paid))])
    coin = fields["coin"] + fields["escrow_coin"]
    table = pd.DataFrame(
        {
            "worker": np.arange(len(paid)),
            "payment": fields["payments"].round(4),
            "houses": houses,
            "coin": coin.round(3),
            # Coin comes from houses, from taxes shared out and from the market: what is left is the market's.
            "sales": (coin - houses * fields["payments"] + paid).round(3),
            "labor": fields["labor"].round(3),
            "utility": fields["utilities"].round(4),
        }
    ).sort_values("payment")
    return table.assign(rank=np.arange(len(paid)))


def describe_episodes(played: Played) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Returns a row for each episode, and one for each worker of each."""
    batch = played.batch
    tables = [
        describe_workers(batch.fields(env), played.paid[env]).assign(episode=env) for env in range(batch.num_envs)
    ]
    workers = pd.concat(tables, ignore_index=True)
    found = batch.episode_statistics
    episodes = pd.DataFrame({name: found[name].round(4) for name in STATISTICS})
    coin, utilities = (workers[name].to_numpy().reshape(batch.num_envs, -1) for name in ("coin", "utility"))
    for name in WELFARES:
        episodes[name] = welfare(name, coin, coin, utilities).round(4)  # incomes of a whole episode are its coin
    return episodes, workers


def describe_rates(played: Played) -> pd.DataFrame:
    """Returns the mean rate of each period and bracket."""
    config: Any = played.batch.config
    means = np.array(played.rates).mean(axis=1)
    table = pd.DataFrame(means.round(4), columns=[f"{cutoff:g}" for cutoff in config.cutoffs])
    table.insert(0, "period", np.arange(len(table)))
    return table.melt(id_vars="period", var_name="bracket", value_name="rate")


def utilities_of_first(played: Played) -> np.ndarray:
    """Returns [E] what the first worker had in the end."""
    return np.array([played.batch.fields(env)["utilities"][0] for env in range(played.batch.num_envs)])


def evaluate(run: RunFolder, settings: GtbSettings) -> None:
    """Writes evaluation.csv, workers.csv and rates.csv; of a worker who learned alone evaluation.csv."""
    policies = newest_policies(run)
    if settings.learns == "one_worker":
        start = start_folder(run)
        utilities = {
            "before": utilities_of_first(play(settings, start)),
            "after": utilities_of_first(play(settings, start, first=policies)),
        }
        write_atomically(run.evaluation_path, pd.DataFrame(utilities).round(4).to_csv(index=False))
        return
    played = play(settings, policies)
    episodes, workers = describe_episodes(played)
    write_atomically(run.path / "workers.csv", workers.to_csv(index=False))
    write_atomically(run.path / "rates.csv", describe_rates(played).to_csv(index=False))
    write_atomically(run.evaluation_path, episodes.to_csv(index=False))


def render(run: RunFolder, settings: GtbSettings) -> None:
    """Writes replay/episode.jsonl, .gif and .mp4 of an episode that evaluations do not have.

    Raises:
        RunError: There is no checkpoint yet.
    """
    economy = Economy(settings, newest_policies(run))
    recording = record(ENV_ID, economy.act, seed=EVALUATION_SEED - 1, **settings.world_settings())
    save_film(recording, run.replay_path)
