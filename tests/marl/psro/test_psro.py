"""The loop: what it does, and that a crash at any moment costs nothing."""

import os
from itertools import pairwise

import numpy as np
import pytest
from small_runs import KUHN, everything, run_epochs

from agents.trained import PolicyError
from games.names import UnknownNameError
from marl.psro.exact import ExactGame, ExactGameError, exact_game
from marl.psro.payoff_table import PayoffTable, PayoffTableError
from marl.psro.psro import Psro
from marl.psro.records import RecordError
from marl.psro.sampling import relevance
from marl.psro.settings import PsroSettings
from marl.psro.symmetry import AsymmetryError
from marl.psro.workers import Workers


class KilledError(Exception):
    """Stands for a kill."""


def test_a_crash_at_any_write_costs_nothing_and_counts_nothing_twice(tmp_path, monkeypatch):
    replace, left = os.replace, [10**9]

    def crash_in_time(source, target):
        left[0] -= 1
        if left[0] < 0:
            raise KilledError
        replace(source, target)

    monkeypatch.setattr(os, "replace", crash_in_time)
    run_epochs(tmp_path / "whole", 3).close()
    num_writes = 10**9 - left[0]
    expected = everything(tmp_path / "whole")
    assert num_writes > 20
    for writes in range(num_writes):
        folder = tmp_path / f"crash_{writes}"
        left[0] = writes
        with pytest.raises(KilledError):
            run_epochs(folder, 3).close()
        left[0] = 10**9
        run_epochs(folder, 3).close()
        assert everything(folder) == expected


def test_crash_after_crash_ends_in_the_same_place(tmp_path, monkeypatch):
    replace, left, crashes = os.replace, [0], 0

    def crash_in_time(source, target):
        left[0] -= 1
        if left[0] < 0:
            raise KilledError
        replace(source, target)

    run_epochs(tmp_path / "whole", 2).close()
    monkeypatch.setattr(os, "replace", crash_in_time)
    while crashes < 100:
        left[0] = 4 + crashes % 3  # so many writes get through
        try:
            run_epochs(tmp_path / "crashes", 2).close()
            break
        except KilledError:
            crashes += 1
    assert 3 < crashes < 100
    assert everything(tmp_path / "crashes") == everything(tmp_path / "whole")


def test_simulated_payoffs_are_near_the_exact_ones(tmp_path):
    settings = KUHN.model_copy(update={"episodes": 2000, "more_episodes": 0})
    run = run_epochs(tmp_path, 2, settings)
    errors = np.abs(run.payoffs(run.epochs[1]) - run.exact.payoffs([range(2), range(2)])) / run.table.standard_errors()
    assert errors.max() < 5


def test_more_episodes_go_to_cells_that_a_meta_strategy_or_a_deviation_from_it_meets(tmp_path):
    run = run_epochs(tmp_path, 6, KUHN.model_copy(update={"more_episodes": 600}))
    met = np.zeros(run.table.sizes, bool)
    for record in run.epochs[:-1]:
        padded = [np.pad(own, (0, 6 - len(own))) for own in record.meta.profile]
        met |= relevance(padded) > 0
    assert (run.table.counts[~met] == 30).all()
    assert (~met).any()
    assert (run.table.counts[met] > 30).mean() > 0.5
    assert run.table.counts.sum() == 36 * 30 + 6 * 600


def test_every_policy_is_read_once_and_every_cell_computed_once(tmp_path, monkeypatch):
    read, cells = [], []
    look, compute = ExactGame.read, ExactGame.payoffs

    def count_policy(self, player, population, name, number):
        read.append((player, number))
        return look(self, player, population, name, number)

    def count_cell(self, reaches):
        cells.append(1)
        return compute(self, reaches)

    class FirstAction:
        kind = "tabular"

        def respond(self, agent, opponents, out, **kwargs):
            game = exact_game("cards/kuhn_poker_v0", {})
            player = game.agents.index(agent)
            game.write(player, game.uniform(player), out)
            return {}

    monkeypatch.setattr(ExactGame, "read", count_policy)
    monkeypatch.setattr(ExactGame, "payoffs", count_cell)
    run = Psro(tmp_path, KUHN.model_copy(update={"payoffs": "exact"}), oracle=FirstAction())
    for _ in range(4):
        run.step()
    assert sorted(read) == [(player, number) for player in range(2) for number in range(4)]
    assert len(cells) == 16


def test_the_epoch_that_ends_a_run_has_the_last_responses_in_it(tmp_path):
    """It is what a run that goes on finds: the same game, the same meta-strategy, by the exact solver."""
    settings = KUHN.model_copy(update={"payoffs": "exact"})
    longer, run = run_epochs(tmp_path / "longer", 4, settings), run_epochs(tmp_path / "run", 3, settings)
    assert run.epochs[-1].sizes != run.population.sizes, "they are of no use yet"
    record = run.close()
    assert tuple(record.sizes) == tuple(run.population.sizes)
    assert record.meta == longer.epochs[3].meta
    assert record.nash_conv == longer.epochs[3].nash_conv
    assert record.gains == longer.epochs[3].gains
    assert not record.responses
    assert run.close() is record, "a closed run stays as it is"
    assert Psro(tmp_path / "run", settings).close() == record
    run.step()
    assert run.epochs[-1].meta == record.meta
    assert run.epochs[-1].responses == longer.epochs[3].responses, "and can go on"


def test_a_run_is_not_closed_over_responses_that_are_being_learned(tmp_path, monkeypatch):
    run = run_epochs(tmp_path, 1)

    def killed(*arguments):
        raise KilledError

    monkeypatch.setattr(Psro, "_take_in", killed)
    with pytest.raises(KilledError):
        run.step()
    with pytest.raises(RuntimeError, match=r"epoch 1 .* waits for its responses: step\(\) first"):
        run.close()


def test_three_players_approach_an_equilibrium(tmp_path):
    """Kuhn poker for three, exact: fictitious self-play; the sum of gains halves more than once."""
    settings = PsroSettings(
        world="cards/kuhn_poker_v0",
        world_settings={"players": 3},
        oracle="exact",
        payoffs="exact",
        nash_conv="exact",
        meta_solver="uniform",
    )
    conv = [record.nash_conv for record in run_epochs(tmp_path, 8, settings).epochs]
    assert conv[-1] < 0.3 * conv[0]


def test_next_responses_gain_what_exact_nash_conv_says(tmp_path):
    """With exact responses the lower bound is the NashConv itself."""
    settings = KUHN.model_copy(update={"payoffs": "exact"})
    epochs = run_epochs(tmp_path, 5, settings).epochs
    for before, after in pairwise(epochs):
        assert sum(after.gains) == pytest.approx(before.nash_conv, abs=1e-12)


def test_a_symmetric_run_has_one_population_and_a_symmetric_table(tmp_path):
    settings = PsroSettings(
        world="matrix/rock_paper_scissors_v0", oracle="exact", symmetric=True, episodes=50, meta_solver="uniform"
    )
    run = run_epochs(tmp_path, 4, settings)
    assert run.population.players == ("all",)
    payoffs = run.payoffs(run.epochs[-1])
    off_diagonal = ~np.eye(len(payoffs[0]), dtype=bool)
    np.testing.assert_array_equal(payoffs[0][off_diagonal], payoffs[1].T[off_diagonal])


def test_a_symmetric_run_simulates_all_episodes_that_are_dealt_out(tmp_path):
    """Of a pure profile (D, C) only one order of the cell of both matters; an episode of it counts in either order."""
    settings = PsroSettings(
        world="matrix/chicken_v0",
        oracle="exact",
        symmetric=True,
        episodes=20,
        more_episodes=100,
        meta_solver="lemke_howson",
    )
    run, planned = run_epochs(tmp_path, 5, settings), {}
    for record in run.epochs:
        planned |= {tuple(cell): count for cell, count in record.episodes}
        size = record.sizes[0]
        num_cells = size * (size + 1) // 2  # without order
        assert sum(planned.values()) == 20 * num_cells + 100 * (record.number + 1)


def test_a_symmetric_run_of_a_game_whose_places_differ_ends(tmp_path):
    """Kuhn poker is worth -1/18 to who begins, and who begins sees other things than who answers."""
    settings = KUHN.model_copy(update={"symmetric": True, "episodes": 2000, "nash_conv": "responses"})
    with pytest.raises(AsymmetryError, match=r"policy 1 get .* as player_0, .* as player_1"):
        run_epochs(tmp_path, 3, settings)


@pytest.mark.parametrize("solver", ["rae", "alpha_rank", "coarse_correlated", "correlated", "self_play", "rectified"])
def test_any_meta_solver_by_name(tmp_path, solver):
    settings = KUHN.model_copy(update={"payoffs": "exact", "meta_solver": solver})
    run = run_epochs(tmp_path, 4, settings)
    for record in run.epochs:
        assert all(abs(sum(own) - 1) < 1e-9 for own in record.meta.profile)
    assert min(record.nash_conv for record in run.epochs) < 0.4 * run.epochs[0].nash_conv
    if solver in ("correlated", "rectified"):
        assert run.population.sizes[0] > 5


def test_ray_workers_change_nothing(local_ray, tmp_path):
    run_epochs(tmp_path / "here", 2)
    run_epochs(tmp_path / "there", 2, workers=Workers(2))
    assert everything(tmp_path / "there") == everything(tmp_path / "here")


def test_a_task_whose_process_dies_is_started_again(local_ray, tmp_path):
    mark = tmp_path / "mark"

    def die_once():
        if not mark.exists():
            mark.touch()
            os._exit(1)
        return "alive"

    assert list(Workers(1).run([die_once])) == [(0, "alive")]


@pytest.mark.parametrize("parallel", [0, 2])
def test_whoever_watches_is_told_what_is_in_flight(local_ray, parallel):
    told = []
    workers = Workers(parallel, lambda *words: told.append(words))
    assert sorted(workers.run([int, int, int], "oracles")) == [(0, 0), (1, 0), (2, 0)]
    most = max(parallel, 1)
    assert told[0] == ("oracles", most, 3 - most)
    assert told[-1] == ("oracles", 0, 0)
    assert max(in_flight for _, in_flight, _ in told) == most


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"world": "cards/kuhn_pocker_v0"}, "cards/kuhn_poker_v0"),
        ({"meta_solver": "nahs"}, "nash"),
        ({"risk_aversion": 0.5}, "oracle exact"),
        ({"episodes": 1}, "episodes"),
        ({"oracle": "ppo", "oracle_settings": {"env_step": 10}}, "did you mean 'env_steps'"),
        ({"oracle": "ppo", "oracle_settings": {"discount": 1.5}}, "oracle_settings.discount: .* got 1.5"),
        ({"oracle_settings": {"env_steps": 10}}, "unknown setting of oracle exact 'env_steps'"),
        ({"meta_solver": "quantal_response"}, "quantal_response needs rationality"),
        ({"meta_solver": "rae", "meta_parameters": {"foo": 1}}, "unknown parameter of rae 'foo'"),
        (
            {"meta_solver": "rae", "meta_parameters": {"floor": 3}},
            "rae cannot be taken here: floor must be .* got 3",
        ),
        ({"meta_solver": "rae", "meta_parameters": {"risk_aversion": 2}}, "its oracles' too: give risk_aversion"),
        ({"meta_solver": "self_play", "meta_parameters": {"floor": 0}}, "self_play has no parameters, got floor"),
        ({"meta_solver": "zero_sum", "world": "matrix/chicken_v0"}, "for two players whose payoffs sum to 0"),
        ({"meta_solver": "lemke_howson", "world": "matrix/minimum_effort_v0"}, "for 2 players, got payoffs of 4"),
        ({"world": "driving/overtaking_v0"}, "cannot be listed"),
        ({"world": "driving/overtaking_v0", "oracle": "ppo", "payoffs": "exact"}, "cannot be listed"),
        ({"world": "driving/overtaking_v0", "oracle": "ppo", "nash_conv": "exact"}, "cannot be listed"),
    ],
)
def test_wrong_settings_are_named(settings, message):
    with pytest.raises((ValueError, UnknownNameError), match=message):
        PsroSettings(**{"world": "cards/kuhn_poker_v0", "oracle": "exact", **settings})


def test_a_world_too_large_to_walk_through_is_refused(tmp_path, monkeypatch):
    """OpenSpiel's Leduc poker has 9,457 nodes; ours deals both private cards at once, without the 6 in between."""
    monkeypatch.setattr("marl.psro.exact.MAX_NODES", 9450)
    settings = PsroSettings(world="cards/leduc_poker_v0", oracle="exact")
    with pytest.raises(ExactGameError, match=r"cards/leduc_poker_v0 can be exact: .* more than 9,450 nodes"):
        Psro(tmp_path, settings).step()
    monkeypatch.setattr("marl.psro.exact.MAX_NODES", 9451)
    assert ExactGame("cards/leduc_poker_v0", {}).flat.players


def test_what_is_missing_or_damaged_is_named_and_kept(tmp_path):
    run_epochs(tmp_path, 2)
    table = tmp_path / "payoffs.npz"
    good = table.read_bytes()
    table.write_bytes(good[: len(good) // 2])
    with pytest.raises(PayoffTableError, match=r"payoffs\.npz is damaged"):
        Psro(tmp_path, KUHN)
    assert table.read_bytes() == good[: len(good) // 2]
    table.write_bytes(good)
    record = tmp_path / "epochs" / "0000.json"
    text = record.read_text()
    record.write_text("{")
    with pytest.raises(RecordError, match=r"0000\.json is damaged"):
        Psro(tmp_path, KUHN)
    record.write_text(text)
    (tmp_path / "policies" / "player_0" / "0001" / "table.safetensors").unlink()
    with pytest.raises(PolicyError, match="no policy file"):
        Psro(tmp_path, KUHN).step()


def test_a_policy_that_an_epoch_knows_and_that_is_gone_is_named_and_nothing_is_written(tmp_path):
    run_epochs(tmp_path, 2)
    before = everything(tmp_path)
    newest = tmp_path / "policies" / "player_0" / "0002"
    newest.rename(tmp_path / "aside")
    with pytest.raises(PolicyError, match=r"no policy folder .*player_0/0002, although .* has 3 policies of player_0"):
        Psro(tmp_path, KUHN)
    last = tmp_path / "epochs" / "0001.json"
    whole = last.read_text()
    last.unlink()  # what the epoch added is known no more, but one player has it and the other has not
    with pytest.raises(RecordError, match=r"no epoch file .*0001\.json, although .*player_1/0002 is there"):
        Psro(tmp_path, KUHN)
    last.write_text(whole)
    (tmp_path / "aside").rename(newest)
    assert everything(tmp_path) == before
    (tmp_path / "policies").rename(tmp_path / "aside")
    with pytest.raises(PolicyError, match=r"no policy folder .*player_0/0000"):
        Psro(tmp_path, KUHN)
    assert not (tmp_path / "policies").exists()


def test_opening_a_run_writes_nothing(tmp_path):
    assert Psro(tmp_path / "run", KUHN).num_complete == 0
    assert not (tmp_path / "run").exists()


def test_payoffs_that_are_missing_or_of_another_run_are_named(tmp_path):
    run_epochs(tmp_path / "run", 2)
    path = tmp_path / "run" / "payoffs.npz"
    path.unlink()
    with pytest.raises(PayoffTableError, match=r"no payoff file .*payoffs\.npz"):
        Psro(tmp_path / "run", KUHN)
    for players, numbers, sizes, said in (
        (("a", "b"), ("length",), (2, 2), "of another game: players"),
        (("player_0", "player_1"), ("crashes",), (2, 2), "of another game: players"),
        (("player_0", "player_1"), ("length",), (3, 3), r"of another run: of \(3, 3\) policies, not \(2, 2\)"),
        (("player_0", "player_1"), ("length",), (1, 1), "of another run"),
        (("player_0", "player_1"), ("length",), (2, 2), "lacks episodes of epoch 1"),
    ):
        table = PayoffTable(players, numbers)
        table.add_policies(sizes)
        table.save(path)
        with pytest.raises(PayoffTableError, match=said):
            Psro(tmp_path / "run", KUHN)
