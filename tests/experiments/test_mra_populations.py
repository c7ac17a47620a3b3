"""The study mra_populations, small: cells of all kinds, anchors, tables, and settings that cannot be."""

import numpy as np
import pandas as pd
import pytest

import games
from agents.relational_player import RelationalPlayer
from experiments.run_folder import RunError, RunFolder
from experiments.studies.mra_populations import STUDY, cells, curve
from experiments.studies.mra_populations.analysis import evaluate, normalize, report, score_table, summarize
from experiments.studies.mra_populations.anchors import anchors_of
from experiments.studies.mra_populations.cells import do_cell, make_config, rounds_of
from experiments.studies.mra_populations.diagnostics import diagnostics_table, latents_table
from experiments.studies.mra_populations.gains import compared, gains, gains_table
from experiments.studies.mra_populations.settings import METHODS, WORLDS, Cell, MraPopulationsSettings
from marl.rllib import DivergedError

TINY = {
    "training": {"batch_steps": 8, "updates_per_round": 1, "learning_starts": 20, "num_latents": 2},
    **{
        "num_envs": 2,
        "env_steps": 280,
        "episodes": 2,
        "tries": 1,
        "updates": [1],
        "seeds": [1],
        "judged": [3, 9, 13],
        "anchor_episodes": 20,
    },
}


def test_every_world_and_method_makes_a_config():
    settings = MraPopulationsSettings()
    for world in WORLDS:
        for method in METHODS:
            config = make_config(Cell(world, method, 1, 1000), settings)
            games.spec(WORLDS[world].env_id).config(**config.env_config)
            own = config.mra_settings()
            assert (own.num_latents == 1) == (method in ("no_latent", "curriculum") or "specialist" in method)
            assert own.next_action_from_obs == (method == "released")
            # The release's rates (shared/papers: lr 3e-4, reward_scale 30); all others have the study's.
            assert (config.lr, own.inverse_temperature) == ((3e-4, 30) if method == "released" else (1e-3, 10))
    specialist = make_config(Cell("resources", "specialist_9", 1, 1000), settings)
    assert specialist.env_config == {"num_agents": 9, "populations": [9], "shared_reward": False}
    assert "shared_reward" not in WORLDS["resources"].of_many((9,)), "judged by what the whole team gets"


def test_a_pair_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="did you mean 'resources'"):
        MraPopulationsSettings(pairs=["resource-mra"])
    with pytest.raises(ValueError, match="did you mean 'no_latent'"):
        MraPopulationsSettings(pairs=["resources-nolatent"])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"seeds": [0]}, "seeds: must be different values from 1 to 999"),
        ({"seeds": [1, 1]}, "seeds: must be different"),
        ({"seeds": [1000]}, "seeds: must be different"),
        ({"pairs": ["resources-mra", "resources-mra"]}, "pairs: must be different values"),
        ({"judged": [3, 3]}, "must be different values from 1 on"),
        ({"judged": [0]}, "must be different values from 1 on"),
        ({"judged": [65]}, "num_agents must be"),
        ({"updates": [-3]}, "updates: must be different values from 1 on"),
        ({"training": {"lrr": 1.0}}, "did you mean 'lr'"),
        ({"training": {"lr": -1.0}}, "lr must be (above 0|a finite number)"),
        ({"training": {"lr": float("nan")}}, "lr must be (above 0|a finite number)"),
        ({"training": {"inverse_temperature": float("nan")}}, "inverse_temperature must be a finite number"),
        ({"training": {"num_latents": 0}}, "num_latents must be a whole number"),
        ({"env_steps": 1}, "end before resources-mra learns"),
    ],
)
def test_settings_that_cannot_be_are_refused_before_anything_runs(given, message):
    with pytest.raises(RunError, match=message):
        STUDY.read_settings(given)


def test_a_curriculum_shares_its_steps_among_its_teams():
    """By hand: 3 teams, then 2, then 2, in one group; 280 steps of 2 envs of 20 steps are 7 rounds, one for each."""
    settings = MraPopulationsSettings(pairs=["resources-mra", "resources-curriculum"], **TINY)
    assert [rounds_of(cell, settings) for cell in settings.cells()] == [7, 1]
    assert WORLDS["treasures"].teams_grown == 9


def test_a_cell_that_diverges_is_written_as_such_and_told_of(tmp_path, monkeypatch):
    settings = MraPopulationsSettings(pairs=["resources-mra", "resources-no_latent"], **TINY | {"judged": [3]})
    run = RunFolder.create(tmp_path / "run", "mra_populations", settings.model_dump(mode="json"))
    (run.path / "cells").mkdir()

    def diverge(*args):
        raise DivergedError("the loss is nan")

    monkeypatch.setattr(cells, "train", diverge)
    diverged, other = settings.cells()
    do_cell(diverged, run.path, settings)
    other.path(run.path).write_text("population,choice,return,cpu_seconds\n3,sampled,60,1\n")
    evaluate(run, settings)
    summary = pd.read_csv(run.path / "summary.csv")
    assert summary[["method", "seeds", "diverged"]].to_numpy().tolist() == [["no_latent", 1, 0]]
    report(run, settings)
    assert "resources-mra-1 diverged" in run.report_path.read_text(encoding="utf-8")


def test_anchors_are_the_measured_ones():
    """Random 49.8 and assignment 172.6 of six agents, each by 300 episodes apart from this code (games/particles)."""
    few, many = (anchors_of("resources", 6, episodes) for episodes in (375, 1500))
    published_error = many["random_error"] * (1500 / 300) ** 0.5
    assert many["random"] == pytest.approx(49.8, abs=2 * np.hypot(many["random_error"], published_error))
    assert many["scripted"] == pytest.approx(172.6, rel=0.03)
    assert few["random_error"] / many["random_error"] == pytest.approx(2, rel=0.15)  # the root of four times as many


def test_scores_lie_between_the_anchors():
    """By hand: 30 between 10 and 50 is half of the way."""
    returns = pd.DataFrame({"world": ["w", "w"], "population": [3, 6], "return": [30.0, 100.0]})
    anchors = pd.DataFrame({"world": ["w", "w"], "population": [3, 6], "random": [10.0, 50], "scripted": [50.0, 100]})
    assert normalize(returns, anchors)["score"].tolist() == [0.5, 1.0]


def test_released_is_compared_in_resources():
    assert "resources-released" in MraPopulationsSettings().pairs


def test_a_cell_killed_while_it_is_judged_goes_on_from_its_policies(local_ray, tmp_path, monkeypatch):
    settings = MraPopulationsSettings(pairs=["resources-mra"], **TINY | {"judged": [3]})
    (cell,), trainings = settings.cells(), []
    whole_judge, whole_train = cells.judge, cells.train
    (tmp_path / "cells").mkdir()

    def count(*args):
        trainings.append(args)
        whole_train(*args)

    def stop(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(cells, "train", count)
    monkeypatch.setattr(cells, "judge", stop)
    with pytest.raises(KeyboardInterrupt):
        do_cell(cell, tmp_path, settings)
    assert not cell.path(tmp_path).exists()
    assert cell.curve_path(tmp_path).exists()
    player = RelationalPlayer(cell.team_path(tmp_path) / "agents")
    batch = games.make_batch("particles/resource_occupation_v0", 2, num_agents=7)
    batch.reset()
    assert player.act(batch, "agent_6").shape == (2,)
    monkeypatch.setattr(cells, "judge", whole_judge)
    told = []
    for _ in range(2):  # nothing but the files decides the returns
        do_cell(cell, tmp_path, settings)
        told.append(pd.read_csv(cell.path(tmp_path)))
    pd.testing.assert_frame_equal(told[0].drop(columns="cpu_seconds"), told[1].drop(columns="cpu_seconds"))
    assert (told[0]["cpu_seconds"] > 0).all()
    assert len(trainings) == 1


def test_a_small_run_has_returns_in_all_populations_tables_and_a_report(local_ray, tmp_path, monkeypatch):
    settings = MraPopulationsSettings(pairs=["resources-mra", "resources-curriculum"], **TINY)
    run = RunFolder.create(tmp_path / "run", "mra_populations", settings.model_dump(mode="json"))
    (run.path / "cells").mkdir()
    with pytest.raises(RunError, match="2 of 2 cells are not done"):
        evaluate(run, settings)
    monkeypatch.setattr(curve, "EPISODES", 2)
    for cell in settings.cells():
        do_cell(cell, run.path, settings)
    evaluate(run, settings)
    curves, latents = (pd.read_csv(run.path / name, keep_default_na=False) for name in ("curves.csv", "latents.csv"))
    told = curves[curves["method"] == "mra"].groupby("measure")["value"]
    assert {"information", "game_accuracy", "latent_0_of_12", "return_of_6", "return_of_9"} <= set(told.groups)
    assert (told.get_group("return_of_12") >= 0).all(), "a team is paid nothing or something"
    assert sorted(set(curves.loc[curves["method"] == "curriculum", "team"])) == list(range(7))
    of_team = curves[(curves["method"] == "curriculum") & curves["measure"].str.startswith("return")].groupby("team")
    assert of_team["measure"].unique().explode().tolist() == [f"return_of_{n}" for n in (3, 3, 3, 6, 6, 12, 12)]
    shares = latents.groupby(["population", "choice"])["share"].sum()
    assert sorted(set(shares.index)) == [(n, choice) for n in (3, 9, 13) for choice in ("adapted_1", "best", "sampled")]
    assert shares.to_numpy() == pytest.approx(1.0)
    scores = pd.read_csv(run.evaluation_path)
    latent = scores[scores["method"] == "mra"]
    assert set(latent["choice"]) == {"sampled", "best", "adapted_1", "networks_1"}
    for choice in ("sampled", "best", "adapted_1"):
        assert sorted(latent.loc[latent["choice"] == choice, "population"]) == [3, 9, 13]
    assert latent.loc[latent["choice"] == "networks_1", "population"].tolist() == [24]
    assert set(scores.loc[scores["method"] == "curriculum", "choice"]) == {"sampled"}
    assert scores["return"].between(0, 210).all(), "a team of any size is paid 210 at most"
    table = score_table(summarize(scores), "resources")
    assert table[0][2:] == ["3", "9", "13", "24"]
    stars = {row[0]: [cell.endswith("*") for cell in row[2:]] for row in table[1:] if row[1] == "sampled"}
    assert stars == {"mra": [False, True, False, False], "curriculum": [True, False, False, False]}
    report(run, settings)
    page = run.report_path.read_text(encoding="utf-8")
    for title in (
        "all populations",
        "choices",
        "in the course of training",
        "diagnostics",
        "information",
        "latents of mra",
    ):
        assert f"resources: {title}" in page


def test_differences_are_paired_by_seed_and_over_what_is_new_to_both():
    """By hand: seeds gain 0.1 and 0.3 in 24, 0.2 and 0 in 48: 0.2, 0.1 and, over both, 0.15 for each seed.

    6 is known to `mra` and to the specialist of 6, whose other sizes are not compared. A run that diverged has no pair.
    """
    mra = {6: (0.8, 0.9), 24: (0.5, 0.7), 48: (0.4, 0.2)}
    others = {
        "no_latent": {6: (0.8, 0.7), 24: (0.4, 0.4), 48: (0.2, 0.2)},
        "specialist_6": {6: (0.9, float("nan")), 24: (0.1, 0.1)},
    }
    rows = [
        {"world": "resources", "method": method, "choice": "sampled", "population": n, "seed": seed, "score": score}
        for method, by_size in ({"mra": mra} | others).items()
        for n, values in by_size.items()
        for seed, score in enumerate(values, 1)
    ]
    found = gains(pd.DataFrame(rows)).set_index(["against", "population"])
    expected = {("no_latent", "6"): 0.1, ("no_latent", "24"): 0.2, ("no_latent", "48"): 0.1}
    expected |= {("no_latent", "all new"): 0.15, ("specialist_6", "6"): -0.1}
    assert found["difference"].to_dict() == pytest.approx(expected)
    assert found["pairs"].to_dict() == dict.fromkeys(expected, 2) | {("specialist_6", "6"): 1}
    whole = found.loc["no_latent", "all new"]
    assert (whole["low"], whole["high"]) == pytest.approx((0.15, 0.15))
    assert whole["p_value"] == 0.5  # two pairs of one sign: 2 of 4 sign patterns are as far out
    table = gains_table(found.reset_index(), "resources")
    assert table[0] == ["", "against", "seeds", "6", "24", "48", "all new", "p"]
    assert table[2] == ["mra, sampled", "specialist 6, sampled", "1", "-0.10 [-0.10, -0.10]", "", "", "", ""]


def test_adapted_networks_are_compared_with_adapted_ones():
    arms = [("mra", "sampled"), ("mra", "best"), ("mra", "networks_5"), ("no_latent", "networks_5")]
    assert compared(arms) == [
        (("mra", "best"), ("mra", "sampled")),
        (("mra", "networks_5"), ("no_latent", "networks_5")),
    ]


def test_tables_of_learning_have_last_values_and_entropies():
    """By hand: last values 3 and 5 are 4; shares 1/2, 1/2 and 1, 0 are ln 2 and 0 nats, 0.35 in the mean."""
    keyed = {"world": "treasures", "method": "mra", "group": "banks", "team": 0}
    curves = pd.DataFrame(
        [
            keyed | {"seed": seed, "steps": steps, "measure": measure, "value": value}
            for seed, last in ((1, 3.0), (2, 5.0))
            for steps, measure, value in (
                *((10, "q_mean", 0.0), (20, "q_mean", last)),
                *((20, "latent_0_of_5", 0.5), (20, "latent_1_of_5", 0.5)),
            )
        ]
    )
    assert diagnostics_table(curves, "treasures") == [["learned by", "group", "q mean"], ["mra", "banks", "4"]]
    drawn = keyed | {"choice": "sampled", "population": 6}
    latents = pd.DataFrame(
        [
            drawn | {"seed": seed, "latent": latent, "share": share}
            for seed, latent, share in ((1, 0, 0.5), (1, 1, 0.5), (2, 0, 1.0), (2, 1, 0.0))
        ]
    )
    assert latents_table(curves, latents, "treasures") == [
        ["learned by", "group", "latents", "3", "6"],
        ["mra", "banks", "prior, in training", "0.69", ""],  # five agents are three collectors
        ["mra", "banks", "sampled", "", "0.35"],
    ]
