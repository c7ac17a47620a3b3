"""What learnt graphs look like at the end of runs, in numbers."""

from __future__ import annotations

import pandas as pd

from experiments.studies.bnac_sampled.figures import shares_at
from marl.bayesian_network.drawing import describe_shares


def describe_graphs(edges: pd.DataFrame) -> pd.DataFrame:
    """Returns a row for each run that has a graph: what its last shares of edges say (`describe_shares`).

    Args:
        edges: Part, method, seed, steps, parent, child and share.
    """
    rows = [
        {"part": part, "method": method, "seed": seed, **describe_shares(shares_at(own, own["steps"].max()))}
        for (part, method, seed), own in edges.groupby(["part", "method", "seed"], sort=False)
    ]
    return pd.DataFrame(rows)


def graphs_table(described: pd.DataFrame) -> list[list[str]]:
    """Returns the table of graphs, means over seeds with the range of how sure the order is."""
    table = [
        ["world", "learned by", "seeds", "density", "sureness of the order: mean, range", "leaders' lead in edges"]
    ]
    table[0].append("agents that lead, by seeds")
    for (part, method), own in described.groupby(["part", "method"], sort=False):
        sure, leaders = own["order_sureness"], own["leader"].value_counts()
        table.append(
            [
                str(part),
                str(method).replace("_", " "),
                str(len(own)),
                f"{own['density'].mean():.2f}",
                f"{sure.mean():.2f}, {sure.min():.2f} to {sure.max():.2f}",
                f"{own['lead'].mean():.2f}",
                ", ".join(f"{agent}: {count}" for agent, count in sorted(leaders.items())),
            ]
        )
    return table
