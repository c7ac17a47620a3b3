"""Tables and the figure of mra_equilibria, of a run and of the committed results.

`python -m experiments.studies.mra_equilibria.analysis` prints the README's tables and draws results/exploitability.svg.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from experiments.intervals import mean_interval
from experiments.markdown import to_markdown
from experiments.report import Section, to_svg, write_report
from experiments.run_folder import RunError, RunFolder, write_atomically
from experiments.studies.mra_equilibria.cells import KEYS, rows_path
from experiments.studies.mra_equilibria.settings import MraEquilibriaSettings

RESULTS = Path(__file__).parent / "results"
TRAINED = tuple(
    MraEquilibriaSettings.model_validate({}).trained
)  # of the committed results, which are the default run's
CHOICES = ("drawn", "least", "adapted_20", "adapted_500")
COLORS = {1: "#777777", 2: "#9dbfe0", 3: "#2f6fb5", 6: "#d27a26", 12: "#a03c3c"}


def summarize(rows: pd.DataFrame) -> pd.DataFrame:
    """Returns a row for each cell, number of players and choice of latents: mean over seeds and its 95 % interval."""
    choices = [name for name in rows.columns if name not in {*KEYS, "players", "seed", "at_random"}]
    table = []
    for key, own in rows.groupby([*KEYS, "players"], sort=False):
        for choice in choices:
            low, high = mean_interval(own[choice].to_numpy())
            named = dict(zip([*KEYS, "players"], key, strict=True))
            numbers = {"exploitability": own[choice].mean(), "low": low, "high": high}
            table.append(
                named | {"choice": choice, "seeds": len(own)} | numbers | {"at_random": own["at_random"].mean()}
            )
    return pd.DataFrame(table)


def evaluate(run: RunFolder, settings: MraEquilibriaSettings) -> None:
    """Writes evaluation.csv, a row for each cell, number of players and choice of latents.

    Raises:
        RunError: Cells are missing.
    """
    path, count = rows_path(run), len(settings.cells())
    found = pd.read_csv(path) if path.exists() else pd.DataFrame(columns=KEYS)
    done = len(found[KEYS].drop_duplicates())
    if done < count:
        raise RunError(f"{done} of {count} cells are done: agora resume {run.path}")
    write_atomically(run.evaluation_path, summarize(found).to_csv(index=False, float_format="%.4f"))


def latents_table(rows: pd.DataFrame, game: str, trained: tuple[int, ...]) -> list[list[str]]:
    """Returns a game's table of exploitability with drawn latents: a row for each way to learn and H."""
    own = rows[rows["game"] == game]
    sizes = sorted(own["players"].unique())
    names = [f"{n}" if n in trained else f"{n} (new)" for n in sizes]
    table = [["learned by", "latents", *names]]
    anchors = own.groupby("players")["at_random"].first()
    table.append(["actions at random", "", *(f"{anchors[n]:.3f}" for n in sizes)])
    for (method, latents), part in own.groupby(["method", "latents"], sort=False):
        means = part.groupby("players")["drawn"]
        cells = [_with_interval(means.get_group(n)) for n in sizes]
        table.append([str(method).replace("_", " "), str(latents), *cells])
    return table


def choices_table(rows: pd.DataFrame, trained: tuple[int, ...], method: str = "mra") -> list[list[str]]:
    """Returns the table of one way to learn: by how latents are chosen, in trained games and in new ones."""
    names = [name for name in CHOICES if name in rows.columns]
    table = [["game", "players", "latents", *(name.replace("_", ", k = ") for name in names)]]
    for (game, latents, players), part in rows[rows["method"] == method].groupby(
        ["game", "latents", "players"], sort=False
    ):
        if players not in trained:
            table.append([str(game), f"{players} (new)", str(latents), *(_with_interval(part[name]) for name in names)])
    return table


def _with_interval(values: pd.Series) -> str:
    low, high = mean_interval(values.to_numpy())
    return f"{values.mean():.3f} [{low:.3f}, {high:.3f}]"


def draw(rows: pd.DataFrame, trained: tuple[int, ...]) -> Figure:
    """Draws exploitability over numbers of players, of MRA's sets: a row a game, a column a choice of latents."""
    games = list(dict.fromkeys(rows["game"]))
    choices = [name for name in CHOICES if name in rows.columns]
    with mpl.rc_context({"font.size": 8}):
        figure = Figure(figsize=(2.5 * len(choices), 2.3 * len(games)), layout="constrained")
        panels = figure.subplots(len(games), len(choices), squeeze=False, sharex=True, sharey="row")
        for line, game in zip(panels, games, strict=True):
            for axes, choice in zip(line, choices, strict=True):
                _draw_panel(axes, rows[(rows["game"] == game) & (rows["method"] == "mra")], choice, trained)
                axes.set_title(f"{game}: {choice.replace('_', ', k = ')}")
            line[0].set_ylabel("exploitability")
        for axes in panels[-1]:
            axes.set_xlabel("players (lines: of the training)")
        panels[0][-1].legend(frameon=False, fontsize=7, title="latents")
    return figure


def _draw_panel(axes: mpl.axes.Axes, rows: pd.DataFrame, choice: str, trained: tuple[int, ...]) -> None:
    for size in trained:
        axes.axvline(size, color="#dddddd", linewidth=1, zorder=0)
    for latents, own in rows.groupby("latents", sort=False):
        groups = own.groupby("players")[choice]
        low, high = zip(*(mean_interval(values.to_numpy()) for _, values in groups), strict=True)
        sizes, color = list(groups.groups), COLORS.get(int(str(latents)), "#000000")
        axes.fill_between(sizes, low, high, color=color, alpha=0.2, linewidth=0)
        axes.plot(sizes, groups.mean(), color=color, marker=".", label=str(latents))
    axes.set_xticks(sorted(rows["players"].unique()))
    axes.spines[["top", "right"]].set_visible(False)


def report(run: RunFolder, settings: MraEquilibriaSettings) -> None:
    """Writes report.html."""
    rows, trained = pd.read_csv(rows_path(run)), tuple(settings.trained)
    lead = (
        "Sets of policies, one for each latent, in symmetric games of few and many players, learned by exact gradients "
        "and judged exactly: what one player can gain by its best response while all play the set."
    )
    sections = [
        Section("By number of players", figure=to_svg(draw(rows, trained)), caption="MRA. Bands: 95 % over seeds."),
        *(Section(f"Drawn latents, {game}", table=latents_table(rows, game, trained)) for game in settings.games),
        Section("Other choices, new games", table=choices_table(rows, trained)),
    ]
    write_report(run.report_path, "Exploitability of policy sets", lead, sections)


def main() -> None:
    """Prints the tables of the committed results and draws their figure."""
    rows = pd.read_csv(RESULTS / "exploitability.csv")
    (RESULTS / "exploitability.svg").write_text(to_svg(draw(rows, TRAINED)) + "\n", encoding="utf-8")
    for game in dict.fromkeys(rows["game"]):
        print(to_markdown(latents_table(rows, game, TRAINED)), end="\n\n")
    print(to_markdown(choices_table(rows, TRAINED)))


if __name__ == "__main__":
    main()
