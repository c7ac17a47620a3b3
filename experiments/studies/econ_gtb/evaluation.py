"""Episodes of trained workers: evaluation.csv has a row for each, workers.csv one for each worker of each."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd

import games
from agents.saez_planner import SaezPlanner
from agents.trained import TrainedPlayer
from econ.taxation import SaezTax, us_federal
from experiments.run_folder import RunError, RunFolder, write_atomically
from experiments.studies.econ_gtb.settings import ENV_ID, GtbSettings
from games.batch import Batch

EVALUATION_SEED = 1_000_003  # apart from every training seed's envs
NOTHING_DONE = -1 / 0.77  # utility of a worker without coin or labor: (0^(1 - eta) - 1) / (1 - eta), eta = 0.23
STATISTICS = ("productivity", "equality", "equality_productivity", "houses", "trades", "mean_price", "taxes")


def _planner(run: RunFolder, settings: GtbSettings) -> SaezPlanner | None:
    if settings.tax != "saez":
        return None
    saez = SaezTax(us_federal().cutoffs)
    checkpoint = run.latest_checkpoint()
    assert checkpoint is not None
    saez.set_state(json.loads((checkpoint / "saez.json").read_text(encoding="utf-8")))
    return SaezPlanner(saez)


def play(run: RunFolder, settings: GtbSettings) -> tuple[Batch, np.ndarray]:
    """Plays episodes side by side in which workers draw their actions.

    Returns:
        The batch at the end of its episodes, and what each worker paid in taxes and did not get back, [E, N] coin.

    Raises:
        RunError: There is no checkpoint yet.
    """
    checkpoint = run.latest_checkpoint()
    if checkpoint is None:
        raise RunError(f"{run.path} has no checkpoint yet")
    batch = games.make_batch(
        ENV_ID, settings.evaluation_episodes, seed=EVALUATION_SEED, autoreset="disabled", **settings.world_settings()
    )
    batch.reset()
    workers, planner = batch.groups["workers"], batch.groups["planner"]
    player, saez = TrainedPlayer(checkpoint, EVALUATION_SEED), _planner(run, settings)
    paid = np.zeros((batch.num_envs, len(workers.agents)))
    for _ in range(settings.horizon):
        hands = [player.act(batch, agent) for agent in workers.agents]
        rates = np.zeros_like(planner.actions) if saez is None else saez.act(batch, "planner_0")[:, None]
        batch.step({"workers": np.stack(hands, axis=1), "planner": rates})
        taxes = workers.infos["tax"] * (planner.infos["tax_day"] > 0)
        paid += taxes - taxes.mean(axis=1, keepdims=True)
    return batch, paid


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


def evaluate(run: RunFolder, settings: GtbSettings) -> None:
    """Writes evaluation.csv and workers.csv."""
    batch, paid = play(run, settings)
    found = batch.episode_statistics
    episodes = pd.DataFrame({name: found[name].round(4) for name in STATISTICS})
    tables = [describe_workers(batch.fields(env), paid[env]).assign(episode=env) for env in range(batch.num_envs)]
    write_atomically(run.path / "workers.csv", pd.concat(tables).to_csv(index=False))
    write_atomically(run.evaluation_path, episodes.to_csv(index=False))
