"""What happens in the episodes of one batch, written down step by step, and made into rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from econ.gather_trade_build import GatherTradeBuildConfig
from econ.gather_trade_build.actions import read_trades
from econ.welfare import welfare
from games.batch import Batch

POINTS = 50  # in time, of wealth

Row = dict[str, Any]


def smoothed_taxes(config: GatherTradeBuildConfig, rates: np.ndarray, incomes: np.ndarray) -> np.ndarray:
    """Returns [N] what would be due if every worker earned its mean income in every period.

    Args:
        config: With the brackets.
        rates: [T, B] in force in each of T periods.
        incomes: [T, N] coin.
    """
    if not len(rates):
        return np.zeros(incomes.shape[1])
    means = incomes.mean(axis=0)
    return np.sum([config.schedule(np.clip(each, 0, 1)).tax(means) for each in rates], axis=0)


class Ledger:
    """Follows all episodes of a batch from its reset to their end.

    Args:
        batch: Just reset; autoreset must be off.
    """

    def __init__(self, batch: Batch) -> None:
        assert isinstance(batch.config, GatherTradeBuildConfig)
        self.batch, self.config = batch, batch.config
        self.every = max(1, self.config.horizon // POINTS)
        self._last = [batch.fields(env) for env in range(batch.num_envs)]
        ranks = [np.argsort(np.argsort(fields["payments"], kind="stable")) for fields in self._last]
        self.ranks = np.array(ranks)
        self.rows: dict[str, list[Row]] = {name: [] for name in ("periods", "rates", "trades", "wealth", "houses")}
        self._labor_before = [fields["labor"] for fields in self._last]
        for env, fields in enumerate(self._last):
            self._note_wealth(env, fields)

    def look(self) -> None:
        """Writes down what the last step did."""
        is_tax_day = self.batch.groups["planner"].infos["tax_day"][:, 0] > 0
        for env, before in enumerate(self._last):
            fields = self.batch.fields(env)
            step = int(fields["timestep"])
            for agent, resource, price in read_trades(before, fields):
                row = {**self._who(env, agent), "step": step, "resource": resource, "price": price}
                self.rows["trades"].append(row)
            for place in np.argwhere(fields["owners"] != before["owners"]).tolist():
                agent = int(fields["owners"][tuple(place)]) - 1
                row = {**self._who(env, agent), "step": step, "row": place[0], "column": place[1]}
                self.rows["houses"].append(row)
            if is_tax_day[env]:
                self._note_taxes(env, step, before, fields)
            if step % self.every == 0:
                self._note_wealth(env, fields)
            self._last[env] = fields

    def _who(self, env: int, agent: int) -> Row:
        return {"episode": env, "agent": agent, "rank": int(self.ranks[env, agent])}

    def _note_wealth(self, env: int, fields: dict[str, Any]) -> None:
        coin = fields["coin"] + fields["escrow_coin"]
        self.rows["wealth"] += [
            {**self._who(env, agent), "step": int(fields["timestep"]), "coin": coin[agent], "labor": labor}
            for agent, labor in enumerate(fields["labor"])
        ]

    def _note_taxes(self, env: int, step: int, before: dict[str, Any], fields: dict[str, Any]) -> None:
        period = step // self.config.tax_period - 1
        # Rates stand from the first day of a period to its last; where a period has one day, they are set in that step.
        rates = fields["tax_rates"]
        self.rows["rates"] += [
            {"episode": env, "period": period, "bracket": b, "cutoff": cutoff, "rate": rates[b]}
            for b, cutoff in enumerate(self.config.cutoffs)
        ]
        spent = fields["labor"] - self._labor_before[env]
        self._labor_before[env] = fields["labor"]
        self.rows["periods"] += [
            {
                **self._who(env, agent),
                "period": period,
                "income": fields["last_incomes"][agent],
                "tax": fields["last_taxes"][agent],
                "marginal_rate": fields["last_marginal_rates"][agent],
                "labor": spent[agent],
            }
            for agent in range(self.config.num_agents)
        ]

    # ---- at the end ----

    def describe_agents(self) -> list[Row]:
        """Returns a row for each worker of each episode."""
        rows = []
        for env, fields in enumerate(self._last):
            incomes, taxes, rates = self._periods(env)
            coin = fields["coin"] + fields["escrow_coin"]
            owned = np.array([(fields["owners"] == agent + 1).sum() for agent in range(len(coin))])
            lump_sums = np.full(len(coin), taxes.sum() / len(coin))
            # Coin comes from houses, lump sums and the market, and goes to taxes: what is left is the market's.
            sales = coin - self.config.starting_coin - owned * fields["payments"] + taxes.sum(axis=0) - lump_sums
            smoothed = smoothed_taxes(self.config, rates, incomes)
            sold = [row["agent"] for row in self.rows["trades"] if row["episode"] == env]
            for agent in range(len(coin)):
                rows.append(
                    {
                        **self._who(env, agent),
                        "payment": fields["payments"][agent],
                        "second_unit": fields["second_units"][agent],
                        "coin": coin[agent],
                        "income": incomes[:, agent].sum(),
                        "tax": taxes[:, agent].sum(),
                        "lump_sums": lump_sums[agent],
                        "smoothed_tax": smoothed[agent],
                        "sales": sales[agent],
                        "units_sold": sold.count(agent),
                        "houses": int(owned[agent]),
                        "labor": fields["labor"][agent],
                        "utility": fields["utilities"][agent],
                    }
                )
        return rows

    def _periods(self, env: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Incomes and taxes [T, N] and rates [T, B] of an episode."""
        own = [row for row in self.rows["periods"] if row["episode"] == env]
        shape = (-1, self.config.num_agents)
        incomes, taxes = (np.array([row[name] for row in own], np.float64).reshape(shape) for name in ("income", "tax"))
        rates = [row["rate"] for row in self.rows["rates"] if row["episode"] == env]
        return incomes, taxes, np.array(rates, np.float64).reshape(-1, len(self.config.cutoffs))

    def describe_episodes(self) -> list[Row]:
        """Returns a row for each episode."""
        found = self.batch.episode_statistics
        same = ("productivity", "equality", "equality_productivity", "mean_price", "mean_labor", "taxes")
        counts = ("houses", "trades", "gathered")
        rows = []
        for env, fields in enumerate(self._last):
            coin, utilities = fields["coin"] + fields["escrow_coin"], fields["utilities"]
            row: Row = {"episode": env, **{name: float(found[name][env]) for name in same}}
            row |= {name: int(found[name][env]) for name in counts}
            row["utilitarian"] = float(welfare("utilitarian", coin, coin, utilities))
            row["inverse_income"] = float(welfare("inverse_income_utility", coin, coin, utilities))
            row["rawlsian"] = float(welfare("rawlsian", coin, coin, utilities))
            rows.append(row)
        return rows
