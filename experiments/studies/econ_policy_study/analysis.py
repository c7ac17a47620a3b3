"""What the tables say: means with intervals, inequality, bunching, tax gaming, and who wins by which welfare."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from econ.welfare import gini
from experiments.markdown import to_markdown
from experiments.run_folder import RunFolder, write_atomically
from experiments.studies.econ_policy_study.settings import PolicyStudySettings
from experiments.studies.econ_policy_study.tables import TABLES, is_finished, read_table

RESAMPLES = 2000
WELFARES = {
    "utilitarian": "utilitarian",
    "inverse_income": "inverse-income weighted",
    "rawlsian": "Rawlsian",
    "equality_productivity": "equality x productivity",
}
MEASURES = ("productivity", "equality", *WELFARES, "houses", "trades", "mean_price", "mean_labor", "taxes")
SHOWN = ("productivity", "equality", *WELFARES)  # in evaluation.csv
RESULTS = Path(__file__).parent / "results"  # of the default run
NEAR = 0.1  # of a cut-off: incomes that far below or above it may be bunched


@dataclass(frozen=True)
class Interval:
    """A mean and its 95 % percentile bootstrap interval."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        digits = 3 if max(abs(self.low), abs(self.high)) < 10 else 1
        return f"{self.mean:,.{digits}f} [{self.low:,.{digits}f}, {self.high:,.{digits}f}]"


def interval(values: Sequence[float] | np.ndarray, per: Sequence[float] | np.ndarray | None = None) -> Interval:
    """Returns the mean of values over episodes, or the quotient of two means, with its interval.

    Args:
        values: [n], one number an episode.
        per: [n] what they are divided by, after adding both up; None: n.
    """
    above = np.asarray(values, np.float64)
    below = np.ones_like(above) if per is None else np.asarray(per, np.float64)
    if not len(above) or not below.sum():
        return Interval(np.nan, np.nan, np.nan)
    drawn = np.random.default_rng(0).integers(0, len(above), (RESAMPLES, len(above)))
    totals = below[drawn].sum(axis=1)
    found = above[drawn].sum(axis=1)[totals != 0] / totals[totals != 0]
    low, high = np.quantile(found, (0.025, 0.975))
    return Interval(float(above.sum() / below.sum()), float(low), float(high))


# ---- tables ----


def read_all(run: RunFolder, settings: PolicyStudySettings) -> dict[str, pd.DataFrame]:
    """Returns all tables of the finished cells, with a column `group`: workers, whether adapted, and map if several.

    Raises:
        RunError: No cell is finished, or a part is damaged.
    """
    names = [cell.file_name for cell in settings.cells()]
    tables = {name: read_table(run, name, names) for name in TABLES}
    for table in tables.values():
        table["group"] = table["workers"]
        if settings.readapt_steps:
            is_trained = table["workers"].isin([each.name for each in settings.workers if each.kind == "trained"])
            words = np.where(table["adapted"], " re-adapted", " as trained")
            table["group"] += np.where(is_trained, words, "")
        if len(settings.layouts) > 1:
            table["group"] += " on " + table["layout"]
    return tables


def count_finished(run: RunFolder, settings: PolicyStudySettings) -> tuple[int, int]:
    """Returns how many cells are finished, and how many there are."""
    cells = settings.cells()
    return sum(is_finished(run, cell.file_name) for cell in cells), len(cells)


def groups_of(table: pd.DataFrame) -> list[str]:
    """Returns the groups in their order."""
    return list(dict.fromkeys(table["group"]))


def policies_of(table: pd.DataFrame) -> list[str]:
    """Returns the policies in their order."""
    return list(dict.fromkeys(table["policy"]))


# ---- measures ----


def gaming(agents: pd.DataFrame) -> Interval:
    """Returns the tax-gaming index: the share of the tax on smoothed incomes that was not paid.

    Above 0, workers pay less than they would had they earned their mean income in every period; below 0, more, as
    uneven incomes do under rising rates. Bootstrapped over episodes.
    """
    by_episode = agents.groupby(["layout", "seed", "episode"])[["tax", "smoothed_tax"]].sum()
    return interval(by_episode["smoothed_tax"] - by_episode["tax"], by_episode["smoothed_tax"])


def lorenz(coin: pd.Series, episodes: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Returns shares of workers and of coin, the poorest first, mean over episodes; from (0, 0) to (1, 1)."""
    curves = []
    for _, own in coin.groupby(episodes):
        rising = np.sort(own.to_numpy())
        curves.append(np.append(0, np.cumsum(rising)) / max(rising.sum(), 1e-12))
    return np.linspace(0, 1, len(curves[0])), np.mean(curves, axis=0)


def gini_of(agents: pd.DataFrame) -> Interval:
    """Returns the mean Gini index of coin at the end."""
    by_episode = agents.groupby(["layout", "seed", "episode"])["coin"]
    return interval([float(gini(own.to_numpy())) for _, own in by_episode])


def bunching(incomes: np.ndarray, cutoffs: np.ndarray) -> pd.DataFrame:
    """Returns for each cut-off above 0 how many incomes lie just below and just above it, and the share below.

    Without bunching the share is near one half; incomes that stop where a higher rate begins raise it.
    """
    rows = []
    for cutoff in cutoffs[cutoffs > 0]:
        below = int(((incomes >= (1 - NEAR) * cutoff) & (incomes < cutoff)).sum())
        above = int(((incomes >= cutoff) & (incomes <= (1 + NEAR) * cutoff)).sum())
        share = below / (below + above) if below + above else np.nan
        rows.append({"cutoff": cutoff, "below": below, "above": above, "share_below": share})
    return pd.DataFrame(rows, columns=["cutoff", "below", "above", "share_below"])


def elasticities(periods: pd.DataFrame) -> pd.DataFrame:
    """Returns for each group the elasticity of income with respect to 1 - marginal rate, found between policies.

    Least squares of the log of what a worker earns in an episode on the log of 1 - the mean marginal rate that workers
    of its rank meet under its policy, each rank with a level of its own; bootstrapped over starts, which all policies
    share. Who earns nothing is left out, as are rates of 1, whose log there is not, and a group whose rates are the
    same under all policies. Where rates rise with income, they follow from it as well, so that flat taxes tell most.
    """
    rows = []
    for group, own in periods[periods["income"] > 0].groupby("group", sort=False):
        keys = ["layout", "seed", "episode", "policy", "rank"]
        earned = own.groupby(keys, sort=False)["income"].sum().rename("income").reset_index()
        met = own.groupby(["policy", "rank"])["marginal_rate"].mean().rename("rate")
        earned = earned.join(met[met < 1], on=["policy", "rank"], how="inner")
        kept, income = np.log(1 - earned["rate"]), np.log(earned["income"])
        kept -= kept.groupby(earned["rank"]).transform("mean")
        income -= income.groupby(earned["rank"]).transform("mean")
        starts = earned[["layout", "seed", "episode"]].assign(both=kept * income, square=kept**2)
        sums = starts.groupby(["layout", "seed", "episode"])[["both", "square"]].sum()
        if sums["square"].mean() > 1e-6:
            found = interval(sums["both"], sums["square"])
            row = {"group": group, "policies": earned["policy"].nunique(), "starts": len(sums)}
            rows.append(row | {"elasticity": found.mean, "low": found.low, "high": found.high})
    return pd.DataFrame(rows, columns=["group", "policies", "starts", "elasticity", "low", "high"])


def elasticity_table(rows: pd.DataFrame) -> list[list[str]]:
    """Returns the table of elasticities between policies."""
    table = [["workers", "policies compared", "elasticity of income"]]
    for row in rows.to_dict("records"):
        found = Interval(row["elasticity"], row["low"], row["high"])
        table.append([str(row["group"]), str(row["policies"]), str(found)])
    return table


def summarise(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Returns a row for each group, policy and measure: mean and interval over episodes."""
    rows = []
    for (group, policy), own in tables["episodes"].groupby(["group", "policy"], sort=False):
        agents = tables["agents"]
        agents = agents[(agents["group"] == group) & (agents["policy"] == policy)]
        found: dict[str, Interval] = {name: interval(own[name]) for name in MEASURES}
        found |= {"gini": gini_of(agents), "tax_gaming": gaming(agents)}
        if own["elasticity"].notna().any():
            found["elasticity"] = interval(own["elasticity"].dropna())
        for name, each in found.items():
            row = {"group": group, "policy": policy, "measure": name, "episodes": len(own)}
            rows.append(row | {"mean": each.mean, "low": each.low, "high": each.high})
    return pd.DataFrame(rows)


def _paired_difference(episodes: pd.DataFrame, measure: str, first: str, second: str) -> Interval:
    """How much better the first policy is on the same starts."""
    keys = ["layout", "seed", "episode"]
    one, other = (episodes[episodes["policy"] == name].set_index(keys)[measure] for name in (first, second))
    return interval((one - other).dropna().to_numpy())


def differences(episodes: pd.DataFrame) -> pd.DataFrame:
    """Returns what each policy changes against the first one, on the same starts.

    A row for each group, further policy and measure of SHOWN: `base`, mean difference and interval.
    """
    rows = []
    for group, own in episodes.groupby("group", sort=False):
        base, *others = policies_of(own)
        for policy in others:
            for measure in SHOWN:
                found = _paired_difference(own, measure, policy, base)
                row = {"group": group, "policy": policy, "base": base, "measure": measure}
                rows.append(row | {"mean": found.mean, "low": found.low, "high": found.high})
    return pd.DataFrame(rows)


def winners(episodes: pd.DataFrame) -> pd.DataFrame:
    """Returns for each group and welfare function the best policy, the next, and the difference on the same starts.

    `is_clear`: the 95 % interval of the difference does not hold 0.
    """
    rows = []
    for group, own in episodes.groupby("group", sort=False):
        for welfare, title in WELFARES.items():
            means = own.groupby("policy", sort=False)[welfare].mean().sort_values(ascending=False, kind="stable")
            row = {"group": group, "welfare": title, "winner": means.index[0], "mean": means.iloc[0]}
            if len(means) > 1:
                lead = _paired_difference(own, welfare, means.index[0], means.index[1])
                row |= {"second": means.index[1], "lead": lead.mean, "lead_low": lead.low, "lead_high": lead.high}
                row["is_clear"] = lead.low > 0
            rows.append(row)
    columns = ["group", "welfare", "winner", "mean", "second", "lead", "lead_low", "lead_high", "is_clear"]
    return pd.DataFrame(rows, columns=columns)


def by_episode_and_rank(agents: pd.DataFrame, measure: Callable[[pd.DataFrame], pd.Series]) -> dict[int, Interval]:
    """Returns a measure of workers by rank, with intervals over episodes."""
    values = measure(agents)
    return {int(rank): interval(own) for rank, own in values.groupby(agents["rank"])}


def frontier_table(summary: pd.DataFrame) -> list[list[str]]:
    """Returns a row for each group and policy: productivity, equality, their product and the other welfares."""
    names = {"productivity": "productivity", "equality": "equality", **WELFARES}
    table = [["workers", "policy", "episodes", *names.values()]]
    for (group, policy), own in summary.groupby(["group", "policy"], sort=False):
        found = own.set_index("measure")
        cells = [str(Interval(*found.loc[name, ["mean", "low", "high"]])) for name in names]
        table.append([str(group), str(policy), str(int(own["episodes"].iloc[0])), *cells])
    return table


def winner_table(rows: pd.DataFrame) -> list[list[str]]:
    """Returns a row for each group and welfare function: who wins, over whom, by how much."""
    table = [["workers", "welfare", "winner", "mean", "next", "lead on the same starts", "clear"]]
    for _, row in rows.iterrows():
        cells = [row["group"], row["welfare"], row["winner"], f"{row['mean']:,.1f}"]
        if pd.isna(row["second"]):
            table.append([*cells, "", "", ""])
            continue
        lead = Interval(row["lead"], row["lead_low"], row["lead_high"])
        table.append([*cells, row["second"], str(lead), "yes" if row["is_clear"] else "no"])
    return table


def evaluate(run: RunFolder, settings: PolicyStudySettings) -> None:
    """Writes summary.csv, all measures with intervals, and evaluation.csv, the gist of it.

    Besides, differences.csv, elasticities.csv and winners.csv.

    Raises:
        RunError: No cell is finished, or a part is damaged.
    """
    tables = read_all(run, settings)
    summary = summarise(tables)
    write_atomically(run.path / "summary.csv", summary.to_csv(index=False, float_format="%.6g"))
    changes = differences(tables["episodes"])
    write_atomically(run.path / "differences.csv", changes.to_csv(index=False, float_format="%.6g"))
    found = elasticities(tables["periods"])
    write_atomically(run.path / "elasticities.csv", found.to_csv(index=False, float_format="%.6g"))
    write_atomically(run.path / "winners.csv", winners(tables["episodes"]).to_csv(index=False, float_format="%.6g"))
    gist = summary[summary["measure"].isin(SHOWN)].pivot(index=["group", "policy"], columns="measure", values="mean")
    order = summary.drop_duplicates(["group", "policy"]).set_index(["group", "policy"])
    gist = gist.loc[order.index, list(SHOWN)].reset_index().rename(columns={"group": "workers"})
    gist.insert(2, "episodes", order["episodes"].to_numpy())
    gist = gist.rename(columns={"equality_productivity": "product"})
    gist["policy"] = gist["policy"].str.replace(",", ";")  # the command splits lines at commas
    write_atomically(run.evaluation_path, gist.to_csv(index=False, float_format="%.4g"))


def committed_table() -> str:
    """Returns the committed results as the README's Markdown tables."""
    summary, best = (pd.read_csv(RESULTS / f"{name}.csv") for name in ("summary", "winners"))
    return to_markdown(frontier_table(summary)) + "\n\n" + to_markdown(winner_table(best))


def what_if_table() -> str:
    """Returns the committed what-if of trained workers as the README's Markdown tables."""
    summary, found = (pd.read_csv(RESULTS / "what_if" / f"{name}.csv") for name in ("summary", "elasticities"))
    return to_markdown(frontier_table(summary)) + "\n\n" + to_markdown(elasticity_table(found))


if __name__ == "__main__":
    print(committed_table())
    print()
    print(what_if_table())
