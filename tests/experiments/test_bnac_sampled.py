"""The study bnac_sampled, small: cells of both kinds, their tables, and settings that cannot be."""

import numpy as np
import pandas as pd
import pytest

import games
from experiments.run_folder import RunError, RunFolder
from experiments.studies.bnac_sampled import cells, results
from experiments.studies.bnac_sampled.analysis import COORDINATED, ends, ends_table, evaluate, report, summarize
from experiments.studies.bnac_sampled.annealed import annealing_table, phases
from experiments.studies.bnac_sampled.cells import COLUMNS, Budget, make_config, play_seed, train_cell
from experiments.studies.bnac_sampled.eased import falling_entropy, penalty_at
from experiments.studies.bnac_sampled.figures import (
    draw_curves,
    draw_densities,
    draw_ends,
    panels_of,
    shares_at,
    strip_of,
)
from experiments.studies.bnac_sampled.gains import gains, gains_table
from experiments.studies.bnac_sampled.graphs import describe_graphs, graphs_table
from experiments.studies.bnac_sampled.results import main
from experiments.studies.bnac_sampled.settings import GRIDS, METHODS, PARTS, BnacSampledSettings, Cell, base_of


def test_every_pair_of_every_grid_makes_a_config():
    pairs = {pair for grid in GRIDS.values() for pair in grid}
    for part, method in pairs | {("aloha", method) for method in METHODS}:
        assert part.startswith("aloha") or not METHODS[method].get("eases_penalty", False)
        config = make_config(Cell(part, method, 1, 1000))
        settings = config.team_settings()
        assert ("graph" in METHODS[method]) == hasattr(settings, "graph")
        games.spec(PARTS[part].env_id).config(**PARTS[part].world)
    annealed = make_config(Cell("bits_3", "learned_annealed", 1, 1000)).team_settings()
    assert annealed.annealing_steps == 1000
    released = make_config(Cell("bits_3", "released", 1, 1000)).team_settings()
    assert (released.resample_context, released.batch_mean_edges, released.clip_graph_net) == (True, True, False)
    assert released.obs_layernorm, "fact sheet bnac_mra.md, section 1.4: before the encoder and behind its layers"
    assert released.layer_norms
    for part, method in (("bits_3", "released"), ("aloha", "released"), ("aloha", "released_complete")):
        settings = make_config(Cell(part, method, 1, 1000)).team_settings()
        assert settings.sharing == "heads", "section 1.4: one linear head per agent"
        assert settings.value_normalization == "popart", "section 1.5: value normalisation"


def test_a_pair_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="did you mean 'bits_3'"):
        BnacSampledSettings(only=["bits3-learned"])
    with pytest.raises(ValueError, match="did you mean 'learned'"):
        BnacSampledSettings(only=["bits_3-learnt"])


def test_a_small_run_has_curves_graphs_tables_and_a_report(local_ray, tmp_path, monkeypatch):
    given = {"only": ["bits_3-learned_annealed", "aloha-mappo"], "seeds": [1], "scale": 0.016, "episodes": 5}
    settings = BnacSampledSettings(**given, evaluations=4)
    run = RunFolder.create(tmp_path / "run", "bnac_sampled", settings.model_dump(mode="json"))
    (run.path / "cells").mkdir()
    with pytest.raises(RunError, match="2 of 2 cells are not done"):
        evaluate(run, settings)
    for cell in settings.cells():
        train_cell(Cell(cell.part, cell.method, cell.seed, 3200), run.path, Budget(4, 5))
    evaluate(run, settings)
    curves = pd.read_csv(run.path / "curves.csv")
    bits, aloha = (curves[curves["part"] == part] for part in ("bits_3", "aloha"))
    assert bits["steps"].tolist() == [800, 1600, 2400, 3200]
    # All of these are shares of the optimum, which uniform play has 0.464 of.
    for column in ("score", "score_with_noise", "score_without_edges"):
        assert bits[column].between(0.4, 1).all()
    assert bits["wanted_density"].iloc[-1] == 0
    assert (aloha["collisions"] >= 0).all()
    edges = pd.read_csv(run.path / "edges.csv")
    assert len(edges) == 4 * 6
    assert set(edges["part"]) == {"bits_3"}
    report(run, settings)
    text = run.report_path.read_text(encoding="utf-8")
    for title in ("Annealing", "Densities", "Graphs at the end", "collisions", "with noise"):
        assert title in text
    monkeypatch.setattr(results, "RESULTS", tmp_path / "results")
    assert results.tables_of(run.path) == results.tables_of(results.keep(run.path, "small"))
    results.draw(tmp_path / "results" / "small")
    names = {path.name for path in (tmp_path / "results" / "small").glob("*.svg")}
    assert names == {"curves.svg", "ends.svg", "graphs-bits_3-learned_annealed.svg"}
    summary = pd.read_csv(run.path / "summary.csv").set_index("part")
    assert summary.loc["aloha", "packets"] == pytest.approx(aloha["packets"].iloc[-1])
    assert summary.loc["bits_3", "score_with_noise"] == pytest.approx(bits["score_with_noise"].iloc[-1])


def test_the_eased_penalty_is_none_for_half_of_a_run_and_whole_at_the_end(local_ray, tmp_path, monkeypatch):
    """By hand, of 10: nothing at a half, half of the way up (0.65) a quarter, and all of it from 0.8 on."""
    found = [penalty_at(share, 10.0) for share in (0, 0.5, 0.65, 0.8, 1)]
    assert found == pytest.approx([0, 0, 2.5, 10, 10])
    assert falling_entropy(1000) == [[0, 0.05], [500, 0.02], [800, 0]]
    given = []
    monkeypatch.setattr(cells, "configure_envs", lambda algorithm, **live: given.append(live["collision_penalty"]))
    (tmp_path / "cells").mkdir()
    train_cell(Cell("aloha", "eased_mappo", 1, 2560), tmp_path, Budget(1, 2))
    # An update takes 640 steps: these begin at 0, a quarter, a half and three quarters of the run.
    assert given == pytest.approx([0, 0, 0, 10 * (0.25 / 0.3) ** 2])


def test_an_ablation_of_the_eased_penalty_lacks_one_of_its_changes():
    whole = METHODS["eased_learned"]
    for method in (method for method in METHODS if method.startswith("eased_learned_")):
        differing = {name for name in whole if METHODS[method].get(name) != whole[name]}
        assert len(differing) == (2 if method == "eased_learned_penalty_alone" else 1)
        assert base_of(method) == "eased_learned"


def curve(method, seed, scores, densities):
    share = np.arange(1, 11) / 10
    return pd.DataFrame(
        {
            "part": "bits_3",
            "method": method,
            "seed": seed,
            "steps": 1000 * share,
            "score": scores,
            "density": densities,
            "wanted_density": 1 - share,
            "score_without_edges": 0.5,
            "score_with_noise": scores,
            "packets": np.nan,
            "collisions": np.nan,
            "cpu_seconds": 60.0,
        }
    )


def test_basins_and_phases_are_read_off_the_curves():
    densities = np.linspace(1, 0.1, 10)
    rising = np.linspace(0.1, 1, 10)
    curves = pd.concat([curve("learned", seed, rising * (0.95 if seed else 0.8), densities) for seed in range(4)])
    curves = curves.reset_index(drop=True)
    (row,) = summarize(ends(curves)).to_dict("records")
    assert (row["coordinated"], row["seeds"]) == (3, 4)
    # Wilson's 95 % interval of 3 of 4, from its formula.
    assert (row["share_low"], row["share_high"]) == pytest.approx((0.3006, 0.9544), abs=1e-3)
    assert ends_table(summarize(ends(curves)))[1][-2].startswith("3 of 4")
    # Where no score means coordination, nothing is counted; alone, and beside a part that has one.
    foraging = curves.assign(part="foraging")
    for both in (foraging, pd.concat([curves, foraging], ignore_index=True)):
        assert ends_table(summarize(ends(both)))[-1][-2] == ""
    found = phases(curves).groupby("phase")["density"].mean().to_dict()
    assert found == pytest.approx({"before": 0.7, "during": 0.55, "after": 0.1}, abs=0.06)
    assert [line[2] for line in annealing_table(phases(curves))[1:]] == ["before", "during", "after"]


def test_every_arm_of_the_ablation_has_its_base_beside_it():
    pairs = set(GRIDS["ablation"])
    eased = {method for _, method in GRIDS["penalty_ablation"]}
    assert all(method in ("eased_learned", "learned") or base_of(method) in eased for method in eased)
    assert {("bits_3", "mappo"), ("bits_3", "learned"), ("bits_3", "auto_regressive")} <= pairs
    for part, method in pairs:
        assert method == "mappo" or (part, base_of(method)) in pairs


def test_gains_are_paired_by_seed():
    """By hand: seed by seed 0.2, 0.1 and -0.3, mean 0; two of three gain; coordinated 2 of 3 after 1 of 3."""
    scores = {"learned": [0.75, 0.85, 0.95], "learned_slow": [0.95, 0.95, 0.65], "released": [0.5]}
    rows = [
        {"part": "bits_3", "method": method, "seed": seed, "score": score}
        for method, own in scores.items()
        for seed, score in enumerate(own, 1 if method != "released" else 7)
    ]
    (row,) = gains(pd.DataFrame(rows), {"bits_3": 0.9}).to_dict("records")
    assert (row["method"], row["base"], row["pairs"]) == ("learned_slow", "learned", 3)
    assert (row["difference"], row["better"]) == pytest.approx((0.0, 2 / 3))
    assert -0.3 <= row["low"] < 0 < row["high"] <= 0.2
    assert row["share_difference"] == pytest.approx(1 / 3)
    line = gains_table(gains(pd.DataFrame(rows), {"bits_3": 0.9}))[1]
    assert line[:4] == ["bits_3", "learned slow", "learned", "3"]
    assert gains_table(gains(pd.DataFrame(rows), {"bits_3": None}))[1][-1] == ""


def test_a_panel_has_eight_ways_to_learn_at_most_and_its_base_among_them():
    few = ["mappo", "learned", "released"]
    assert panels_of(few) == [few]
    methods = [method for _, method in GRIDS["ablation"]]
    panels = panels_of(methods)
    assert max(map(len, panels)) <= 8
    assert {method for panel in panels for method in panel} == set(methods)
    assert all(base_of(method) == panel[0] for panel in panels for method in panel[1:])


def test_panels_of_bits_show_trap_and_optimum_in_a_range_that_holds_both():
    curves = curve("learned", 1, np.full(10, 0.99), np.ones(10))
    for figure in (draw_ends(ends(curves)), draw_curves(curves)):
        (axes,) = figure.axes
        low, high = axes.get_ylim()
        assert low <= 0.6 < 1.0 <= high
        assert [text.get_text() for text in axes.texts] == ["trap 0.774", "optimum 1"]
        assert axes.get_ylabel() == "J / J*"
    (axes,) = draw_ends(ends(curve("learned", 1, np.full(10, 6.2), np.ones(10)).assign(part="aloha"))).axes
    assert [text.get_text().split()[-1] for text in axes.texts] == ["0", "6.21", "9.24", "9.55", "9.7"]
    heights = [text.get_position()[1] for text in axes.texts]
    assert min(np.diff(heights)) > 0.05


def test_annealed_densities_are_drawn_beside_the_wanted_ones():
    (axes,) = draw_densities(curve("learned_annealed", 1, np.ones(10), np.full(10, 0.5))).axes
    found, wanted = (line.get_ydata() for line in axes.lines)
    assert (found == 0.5).all()
    np.testing.assert_allclose(wanted, 1 - np.arange(1, 11) / 10)


def test_graphs_of_many_agents_are_means_over_seeds():
    rows = [
        {"part": "aloha", "method": "learned", "seed": seed, "steps": 10, "parent": 0, "child": 6, "share": share}
        for seed, share in ((1, 0.2), (2, 0.6))
    ]
    edges = pd.DataFrame(rows)
    assert shares_at(edges, 10)[0, 6] == pytest.approx(0.4)
    assert shares_at(edges, 10).sum() == pytest.approx(0.4)
    image = strip_of(edges).axes[0].images[0].get_array()
    assert image.shape == (7, 7)
    line = graphs_table(describe_graphs(edges))[1]
    # One edge of 21, there with 0.4 of graphs; all edges of its pair go one way; agent 0 leads in both runs.
    assert line[:5] == ["aloha", "learned", "2", "0.02", "1.00, 1.00 to 1.00"]
    assert line[-1] == "0: 2"


def test_coordination_on_aloha_is_beyond_the_noise_of_a_static_set():
    """6.21 and 0.478 an episode: the anchor and its deviation, each measured apart (games/aloha/README.md)."""
    assert (COORDINATED - 6.21) / (0.478 / 100**0.5) > 5


def test_evaluations_of_a_run_play_different_episodes():
    seeds = {play_seed(seed, number) for seed in range(1, 11) for number in range(40)}
    assert len(seeds) == 400


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"scale": 1e-9}, "leaves bits_3 0 env steps, an update takes 800"),
        ({"scale": float("inf")}, "finite number"),
        ({"grids": []}, "both are empty"),
        ({"seeds": [1, 1]}, "different whole numbers"),
        ({"seeds": [-1]}, "different whole numbers"),
        ({"only": ["bits_3-eased_learned"]}, "which only Aloha has"),
    ],
)
def test_settings_that_cannot_be_run_are_refused(given, says):
    with pytest.raises(ValueError, match=says):
        BnacSampledSettings(**given)


def test_a_damaged_cell_is_one_line(tmp_path):
    settings = BnacSampledSettings(only=["bits_3-mappo"], seeds=[1])
    run = RunFolder.create(tmp_path / "run", "bnac_sampled", settings.model_dump(mode="json"))
    (cell,) = settings.cells()
    cell.path(run.path).parent.mkdir()
    heading = ",".join(COLUMNS)
    for text in (
        "",
        "rubbish\n",
        heading + "\n",
        heading + "\n800,1\n",
        heading + "\n" + ",".join("abcdefghijk") + "\n",
    ):
        cell.path(run.path).write_text(text)
        with pytest.raises(RunError, match=r"bits_3-mappo-1\.csv is damaged") as caught:
            evaluate(run, settings)
        assert "\n" not in str(caught.value)


def test_the_tables_of_no_run_are_one_line(tmp_path, monkeypatch):
    for given, says in ((["a", "b", "c"], "usage: python -m"), ([str(tmp_path)], "has no curves.csv")):
        monkeypatch.setattr("sys.argv", ["results", *given])
        with pytest.raises(SystemExit, match=says):
            main()
