"""The study mra_equilibria: its committed results, again from its code, after a kill, and its tables."""

import pandas as pd
import pytest

from experiments.markdown import to_markdown
from experiments.run_folder import RunError, RunFolder
from experiments.studies.mra_equilibria import STUDY
from experiments.studies.mra_equilibria.analysis import (
    RESULTS,
    TRAINED,
    choices_table,
    evaluate,
    latents_table,
    report,
    summarize,
)
from experiments.studies.mra_equilibria.cells import KEYS, rows_path, run_cell, run_cells
from experiments.studies.mra_equilibria.settings import MraEquilibriaSettings

SMALL = {"games": ["volunteers"], "methods": ["mra", "uniform"], "latents": [1, 2], "seeds": 2, "iterations": 20}


def small_run(path) -> tuple[RunFolder, MraEquilibriaSettings]:
    settings = MraEquilibriaSettings(**SMALL)
    return RunFolder.create(path / "run", "mra_equilibria", settings.model_dump(mode="json")), settings


def test_one_latent_is_learned_once():
    assert MraEquilibriaSettings(**SMALL).cells() == [
        ("volunteers", "mra", 1),
        ("volunteers", "mra", 2),
        ("volunteers", "uniform", 2),
    ]


@pytest.mark.parametrize(
    "given",
    [
        {"latents": [0]},
        {"latents": [3, 3]},
        {"trained": [0]},
        {"judged": [0]},
        {"updates": [-1]},
        {"games": ["volunteers"] * 2},
    ],
    ids=str,
)
def test_settings_that_cannot_be_are_refused(given):
    with pytest.raises(RunError, match=f"{next(iter(given))}: must be different values"):
        STUDY.read_settings(given)


def test_committed_results_come_from_this_code():
    rows = pd.read_csv(RESULTS / "exploitability.csv")
    assert len(rows[KEYS].drop_duplicates()) == len(MraEquilibriaSettings().cells())
    again = pd.DataFrame(run_cell("volunteers", "mra", 2, MraEquilibriaSettings(seeds=1)))
    committed = rows[(rows["game"] == "volunteers") & (rows["method"] == "mra") & (rows["latents"] == 2)]
    committed = committed[committed["seed"] == 1]
    assert again["players"].tolist() == committed["players"].tolist()
    # other machines round in other orders
    assert again["drawn"].to_numpy() == pytest.approx(committed["drawn"].to_numpy(), abs=2e-3)


def test_committed_results_say_what_is_claimed():
    rows = pd.read_csv(RESULTS / "exploitability.csv")
    mra = rows[(rows["method"] == "mra") & rows["players"].isin(TRAINED)]
    means = mra.groupby(["game", "latents"])["drawn"].mean()
    for game in ("resources", "volunteers"):
        assert means[game, 3] < 0.1 * means[game, 1]
        far = rows[(rows["method"] == "mra") & (rows["game"] == game) & (rows["players"] == 16)]
        assert far[far["latents"] == 3]["drawn"].min() > 5 * means[game, 3]


def test_a_run_goes_on_and_is_told_of(tmp_path):
    run, settings = small_run(tmp_path)
    with pytest.raises(RunError, match="0 of 3 cells"):
        evaluate(run, settings)
    first = pd.DataFrame(run_cell("volunteers", "mra", 1, settings))
    first.to_csv(rows_path(run), index=False)
    assert run_cells(run, settings)
    rows = pd.read_csv(rows_path(run))
    assert len(rows) == 3 * len(settings.judged) * settings.seeds
    assert rows[KEYS].drop_duplicates().to_numpy().tolist() == [list(cell) for cell in settings.cells()]
    evaluate(run, settings)
    report(run, settings)
    assert "actions at random" in run.report_path.read_text(encoding="utf-8")


def test_tables_have_means_by_players():
    keyed = {"game": "resources", "method": "mra", "latents": 2, "at_random": 0.5}
    rows = pd.DataFrame(
        [keyed | {"players": n, "seed": seed, "drawn": n / 10 + seed / 100} for n in (2, 3) for seed in (1, 3)]
    )
    table = latents_table(rows, "resources", (2,))
    assert table[0] == ["learned by", "latents", "2", "3 (new)"]
    assert table[2][3].startswith("0.320 [")
    summary = summarize(rows)
    assert summary["exploitability"].tolist() == pytest.approx([0.22, 0.32])
    assert (summary["low"] <= summary["exploitability"]).all()


@pytest.mark.parametrize("name", ["resources", "volunteers", "choices"])
def test_the_readme_has_the_tables_of_the_committed_results(name):
    rows = pd.read_csv(RESULTS / "exploitability.csv")
    text = (RESULTS.parent / "README.md").read_text(encoding="utf-8")
    table = text.split(f"<!-- {name} -->\n")[1].split(f"\n<!-- /{name} -->")[0]
    made = choices_table(rows, TRAINED) if name == "choices" else latents_table(rows, name, TRAINED)
    assert table == to_markdown(made), "paste `python -m experiments.studies.mra_equilibria.analysis`"
