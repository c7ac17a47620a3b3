"""Prints the README's table of environments: `python -m games.table econ`.

Arguments are packages that register worlds of their own when they are imported.
"""

from __future__ import annotations

import sys
from importlib import import_module

import games

UTILITIES = {"zero_sum": "zero-sum", "common": "common", "general": "general-sum"}


def _row(id: str) -> str:
    spec = games.spec(id)
    properties = spec.properties
    utility = UTILITIES[properties.utility]
    cells = (f"`{id}`", spec.description, properties.num_agents, properties.dynamics, utility, properties.horizon)
    return "| " + " | ".join(map(str, cells)) + " |"


def world_table() -> str:
    """Returns a Markdown table with a row for each registered id."""
    head = ["| id | what | agents | moves | utility | horizon |", "|---|---|---|---|---|---|"]
    return "\n".join(head + [_row(id) for id in games.env_ids()])


if __name__ == "__main__":
    for package in sys.argv[1:]:
        import_module(package)
    print(world_table())
