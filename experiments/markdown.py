"""Tables as Markdown, for the READMEs of studies and benchmarks."""

from __future__ import annotations

from collections.abc import Sequence


def to_markdown(table: Sequence[Sequence[str]]) -> str:
    """Returns rows of cells, the first of them the heading, as a Markdown table."""
    heading, *rows = (f"| {' | '.join(cells)} |" for cells in table)
    return "\n".join([heading, "|" + "---|" * len(table[0]), *rows])
