"""The bridge to OpenSpiel: its games as batches and PettingZoo environments, our worlds as its games."""

import contextlib
import io
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pyspiel
import pytest
from open_spiel.python import policy
from open_spiel.python.algorithms import best_response, cfr, expected_game_score, exploitability

import games
from games import open_spiel
from games.playthrough import random_actions

with warnings.catch_warnings():
    # PettingZoo's tests import one of its own games in the way that it has deprecated.
    warnings.simplefilter("ignore", DeprecationWarning)
    from pettingzoo.test import api_test, seed_test

# Turns and simultaneous moves, with chance and without, with two and more players, with rewards on the way.
KINDS = {
    "turns": "tic_tac_toe",
    "chance": "leduc_poker",
    "three players": "kuhn_poker(players=3)",
    "chance on the way": "backgammon",
    "simultaneous": "goofspiel(num_cards=4)",
    "simultaneous with rewards": "markov_soccer",
    "observation tensor only": "oware",
    "one player": "catch",
}
FINITE = [
    ("cards/kuhn_poker_v0", {}),
    ("cards/kuhn_poker_v0", {"players": 3}),
    ("cards/leduc_poker_v0", {}),
    ("cards/goofspiel_v0", {"num_cards": 3, "imp_info": True}),
    ("cards/goofspiel_v0", {"num_cards": 4, "num_turns": 2, "returns_type": "total_points"}),
    ("cards/goofspiel_v0", {"num_cards": 4, "points_order": "descending"}),
    ("matrix/rock_paper_scissors_v0", {}),
    ("matrix/prisoners_dilemma_v0", {"horizon": 3}),
    ("markov/two_step_v0", {}),
    ("markov/tabular_v0", {"horizon": 4, "initial": [0.25, 0.75], "continuation": 0.8}),
    ("markov/garnet_v0", {"num_states": 4, "horizon": 3}),
    ("matrix/rock_paper_scissors_v0", {"payoffs": np.arange(18.0).reshape(3, 1, 2, 3)}),
    ("grid/trust_small_v0", {"horizon": 2, "width": 2, "num_plants": 1, "runs_after_mauling": True}),
]


def play(batch, steps, seed=0):
    generator = np.random.default_rng(seed)
    batch.reset()
    shown = []
    for _ in range(steps):
        batch.step(random_actions(batch.only_group, generator))
        group = batch.only_group
        shown.append([a.copy() for a in (group.observations, group.action_masks, group.rewards, group.terminations)])
    return shown


def assert_same(first, second, rows=slice(None)):
    for one, other in zip(first, second, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a[rows], b)


# ---- batches ----


@pytest.mark.parametrize("name", KINDS.values(), ids=KINDS)
def test_a_batch_shows_what_pyspiel_says(name):
    batch = open_spiel.batch(name, 3, seed=5, autoreset="disabled")
    generator = np.random.default_rng(0)
    batch.reset()
    for _ in range(60):
        states = [batch.state(env) for env in range(3)]
        actions = random_actions(batch.only_group, generator)
        batch.step(actions)
        for env, before in enumerate(states):
            assert_step(batch, env, before, actions[env])
        if batch.ended.any():
            batch.reset(mask=batch.ended.copy())
    assert batch.config.properties().num_agents == len(batch.agents)


def assert_step(batch, env, before, actions):
    after = batch.state(env)
    returns = before.returns()
    if before.is_simultaneous_node():
        before.apply_actions(actions.tolist())
    else:
        before.apply_action(int(actions[before.current_player()]))
    assert after.history()[: len(before.history())] == before.history()  # chance follows
    rewards = np.subtract(after.returns(), returns)
    np.testing.assert_allclose(batch.rewards[env], rewards, atol=1e-6)
    assert bool(batch.ended[env]) == after.is_terminal()
    has_information = after.get_game().get_type().provides_information_state_tensor
    for player in range(len(batch.agents)):
        tensor = after.information_state_tensor(player) if has_information else after.observation_tensor(player)
        np.testing.assert_array_equal(batch.observations[env, player], np.asarray(tensor, np.float32))
        moves = not after.is_terminal() and (after.is_simultaneous_node() or after.current_player() == player)
        assert batch.infos["to_move"][env, player] == moves
        legal = (after.legal_actions(player) if moves else []) or [0]
        assert np.flatnonzero(batch.action_masks[env, player]).tolist() == legal


@pytest.mark.parametrize("name", ["leduc_poker", "goofspiel(num_cards=4)"])
def test_chance_depends_on_seed_env_and_episode_alone(name):
    four = play(open_spiel.batch(name, 4, seed=3), 40)
    assert_same(play(open_spiel.batch(name, 4, seed=3), 40), four)
    deals = [open_spiel.batch("kuhn_poker", 64, seed=seed) for seed in (3, 3, 4)]
    for batch in deals:
        batch.reset()
    later = open_spiel.batch("kuhn_poker", 10, seed=3, first_env=54)
    later.reset()
    assert np.array_equal(deals[0].observations, deals[1].observations)
    assert np.array_equal(deals[0].observations[54:], later.observations)
    assert not np.array_equal(deals[0].observations, deals[2].observations)
    deals[1].reset()
    assert not np.array_equal(deals[0].observations, deals[1].observations)


def test_deals_are_as_likely_as_openspiel_says():
    batch = open_spiel.batch("kuhn_poker", 3_000, seed=1)
    batch.reset()
    deals = [tuple(batch.fields(env)["history"].tolist()) for env in range(3_000)]
    counts = [deals.count(deal) for deal in sorted(set(deals))]
    assert len(counts) == 6
    assert max(abs(count - 500) for count in counts) < 4.5 * np.sqrt(500 * 5 / 6)


def test_autoreset_modes_tell_the_same_hands():
    returns = {}
    for mode in ("same_step", "next_step", "disabled"):
        batch, played = open_spiel.batch("kuhn_poker", 1, seed=2, autoreset=mode), []
        batch.reset()
        while len(played) < 30:
            batch.actions[0] = batch.action_masks[0].argmax(axis=-1)
            if len(played) % 2 and batch.infos["to_move"].any():
                batch.actions[0] = (batch.infos["to_move"][0] > 0).astype(np.int32)
            batch.step()
            if batch.ended[0]:
                played.append((batch.episode_returns.tolist(), batch.episode_lengths.tolist()))
                if mode == "same_step":
                    assert batch.final_observations[0].sum() > batch.observations[0].sum()
                elif mode == "disabled":
                    with pytest.raises(ValueError, match="reset it first"):
                        batch.step()
                    batch.reset(mask=np.ones(1, np.uint8))
        returns[mode] = played
    assert returns["same_step"] == returns["next_step"] == returns["disabled"]


def test_snapshots_go_on_exactly_and_damaged_ones_are_refused():
    for name in ("leduc_poker", "goofspiel(num_cards=5)"):
        batch = open_spiel.batch(name, 2, seed=4)
        play(batch, 7)
        snapshots = [batch.state_bytes(env) for env in range(2)]
        generator = np.random.default_rng(1)
        actions = []
        first = []
        for _ in range(25):
            actions.append(random_actions(batch.only_group, generator))
            batch.step(actions[-1])
            first.append(batch.state_bytes(0) + batch.state_bytes(1))
        for env in range(2):
            batch.load_state(env, snapshots[env])
            assert batch.state_bytes(env) == snapshots[env]
        for step, joint in enumerate(actions):
            batch.step(joint)
            assert batch.state_bytes(0) + batch.state_bytes(1) == first[step]
        for bad in (b"", b"{}", b"[1]", snapshots[0][:-9], snapshots[0].replace(b"poker", b"joker")):
            if bad != snapshots[0]:
                with pytest.raises(ValueError, match="no snapshot of"):
                    batch.load_state(0, bad)


def test_illegal_actions_are_refused_and_nothing_changes():
    batch = open_spiel.batch("leduc_poker", 2)
    with pytest.raises(ValueError, match="reset"):
        batch.step()
    batch.reset()
    before = [batch.state_bytes(env) for env in range(2)]
    for bad, message in (
        ([[1, 0], [0, 0]], r"action 0 of player_0 in env 1 is illegal; legal are \[1, 2\]"),
        ([[1, 1], [1, 0]], r"action 1 of player_1 in env 0 is illegal; legal are \[0\]"),
        ([[1, 0], [3, 0]], r"action 3 of player_0 in env 1 is outside its space {0, ..., 2}"),
        ([[1, 0], [-1, 0]], "outside its space"),
        ([[1, 0]], r"shape \(2, 2\), got \(1, 2\)"),
    ):
        with pytest.raises(ValueError, match=message):
            batch.step(np.array(bad, np.int32))
        assert [batch.state_bytes(env) for env in range(2)] == before
    with pytest.raises(TypeError, match="int32, got int64"):
        batch.step(np.array([[1, 0], [1, 0]]))


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        ("leduc_pokr", {}, "unknown OpenSpiel game 'leduc_pokr'; did you mean 'leduc_poker'"),
        ("leduc_poker", {"player": 2}, "unknown parameter of OpenSpiel's leduc_poker 'player'; did you mean 'players'"),
        ("leduc_poker", {"players": 99}, "OpenSpiel refuses 'leduc_poker' with the parameters {'players': 99}"),
        ("leduc_poker", {"players": "two"}, "OpenSpiel refuses"),
        ("mfg_crowd_modelling", {}, "is a mean-field game"),
        ("coin_game", {}, "neither an information-state tensor nor an observation tensor"),
    ],
)
def test_what_cannot_be_played_is_named(name, params, message):
    for make in (open_spiel.batch, open_spiel.aec_env):
        with pytest.raises(ValueError, match=message):
            make(name, **params)


def test_states_can_be_put_in_and_taken_out():
    batch = open_spiel.batch("tic_tac_toe", 1)
    batch.reset()
    state = batch.config.game.new_initial_state()
    for action in (4, 0, 8):
        state.apply_action(action)
    batch.set_state(0, state)
    assert batch.infos["to_move"].tolist() == [[0, 1]]
    assert batch.fields(0)["history"].tolist() == [4, 0, 8]
    state.apply_action(1)  # the batch has a copy
    assert batch.fields(0)["history"].tolist() == [4, 0, 8]
    with pytest.raises(ValueError, match="use set_state"):
        batch.load_fields(0, {})
    with pytest.raises(ValueError, match="is of kuhn_poker"):
        batch.set_state(0, pyspiel.load_game("kuhn_poker").new_initial_state())


def test_pyspiel_is_imported_only_when_it_is_used():
    code = "import sys, games; assert 'pyspiel' not in sys.modules; games.open_spiel.batch('kuhn_poker')"
    subprocess.run([sys.executable, "-c", code], check=True)


# ---- PettingZoo ----


@pytest.mark.parametrize("name", KINDS.values(), ids=KINDS)
def test_pettingzoo_accepts_every_kind_of_game(name):
    with warnings.catch_warnings():
        # Remarks about observations that are dictionaries with masks, and tensors of one number or of zeros.
        warnings.filterwarnings("ignore", ".*[Oo]bservation")
        api_test(open_spiel.aec_env(name), num_cycles=30)
        seed_test(lambda: open_spiel.aec_env(name), num_cycles=15)


def test_an_aec_game_pays_what_pyspiel_pays():
    env = open_spiel.aec_env("tic_tac_toe", render_mode="ansi")
    env.reset(seed=0)
    for action in (4, 0, 3, 1, 5):
        assert env.observe(env.agent_selection)["action_mask"][action] == 1
        env.step(action)
    assert env.render() == "oo.\nxxx\n..."
    assert env.rewards == {"player_0": 1.0, "player_1": -1.0}
    assert all(env.terminations.values())


def test_an_aec_game_refuses_illegal_actions_and_hides_simultaneous_ones():
    env = open_spiel.aec_env("goofspiel(num_cards=3,points_order=descending)")
    env.reset(seed=0)
    unseen = env.observe("player_1")["observation"]
    with pytest.raises(ValueError, match=r"action 3 of player_0 is illegal; legal are \[0, 1, 2\]"):
        env.step(3)
    env.step(2)
    assert env.agent_selection == "player_1"
    assert np.array_equal(env.observe("player_1")["observation"], unseen)
    assert not env.observe("player_0")["action_mask"].any()
    env.step(0)
    assert env.agent_selection == "player_0"
    assert not np.array_equal(env.observe("player_1")["observation"], unseen)


# ---- our worlds as games of OpenSpiel ----


@contextlib.contextmanager
def silent():
    with contextlib.redirect_stdout(io.StringIO()):
        yield


@pytest.mark.parametrize(("id", "config"), FINITE, ids=str)
def test_our_games_pass_openspiels_own_tests(id, config, capfd):
    from open_spiel.python.tests.games_sim_test import GamesSimTest

    game = open_spiel.game(id, **config)
    pyspiel.random_sim_test(game, 3, True, True)
    GamesSimTest().sim_game(game)
    if game.get_type().dynamics == pyspiel.GameType.Dynamics.SIMULTANEOUS:
        pyspiel.random_sim_test(pyspiel.convert_to_turn_based(game), 2, True, True)
    assert str(pickle.loads(pickle.dumps(game))) == str(game)
    assert "Final return" in capfd.readouterr().out


@pytest.mark.parametrize("name", ["kuhn_poker", "leduc_poker"])
def test_our_card_games_are_as_exploitable_as_openspiels(name):
    both = open_spiel.game(f"cards/{name}_v0"), pyspiel.load_game(name)
    ours, theirs = (pyspiel.nash_conv(game, pyspiel.UniformRandomPolicy(game)) for game in both)
    assert ours == pytest.approx(theirs, abs=1e-12)


def test_openspiels_cfr_solves_our_kuhn_poker():
    """Kuhn 1950: the value is -1/18. OpenSpiel's C++ and Python solvers walk our tree alike."""
    game = open_spiel.game("cards/kuhn_poker_v0")
    solver, fast = cfr.CFRSolver(game), pyspiel.CFRPlusSolver(game)
    for _ in range(200):
        solver.evaluate_and_update_policy()
        fast.evaluate_and_update_policy()
    average = solver.average_policy()
    assert exploitability.nash_conv(game, average) < 0.02
    assert pyspiel.nash_conv(game, fast.average_policy()) < 2e-3
    value = expected_game_score.policy_value(game.new_initial_state(), [average, average])
    np.testing.assert_allclose(value, [-1 / 18, 1 / 18], atol=2e-3)


def test_exploitability_of_matrix_games_is_what_the_payoffs_say():
    """Uniform play is the equilibrium of rock, paper, scissors; always rock loses 1 to paper."""
    game = pyspiel.convert_to_turn_based(open_spiel.game("matrix/rock_paper_scissors_v0"))
    assert exploitability.exploitability(game, policy.UniformRandomPolicy(game)) == pytest.approx(0)
    rock = policy.TabularPolicy(game)
    rock.action_probability_array[:] = [1, 0, 0]
    assert exploitability.exploitability(game, rock) == pytest.approx(1)
    answer = best_response.BestResponsePolicy(game, 1, rock)
    assert answer.value(game.new_initial_state()) == pytest.approx(1)


def test_the_last_round_of_a_repeated_dilemma_is_a_dilemma():
    """Against one who cooperates always, defecting three times pays 3 times 5 (Axelrod 1984)."""
    game = pyspiel.convert_to_turn_based(open_spiel.game("matrix/prisoners_dilemma_v0", horizon=3))
    cooperate = policy.TabularPolicy(game)
    cooperate.action_probability_array[:] = [1, 0]
    assert best_response.BestResponsePolicy(game, 0, cooperate).value(game.new_initial_state()) == pytest.approx(15)


@pytest.mark.parametrize(("continuation", "initial"), [(1.0, None), (0.6, [0.5, 0.2, 0.3])])
def test_a_markov_game_is_worth_what_its_arrays_say(continuation, initial):
    """Uniform play: its value by backward induction over the arrays, and by OpenSpiel over the tree."""
    rng = np.random.default_rng(4)
    transitions, rewards = rng.dirichlet(np.ones(3), (3, 2, 2)), rng.normal(size=(2, 3, 2, 2, 3)).astype(np.float32)
    settings = {"transitions": transitions, "rewards": rewards, "initial": initial, "terminal": None}
    game = open_spiel.game("markov/tabular_v0", **settings, horizon=3, continuation=continuation)
    values = np.zeros((2, 3))
    for left in range(3):
        later = rewards + (continuation if left else 0) * values[:, None, None, None]
        values = (transitions * later).sum(axis=-1).mean(axis=(2, 3))
    expected = values @ (initial or [1, 0, 0])
    sequential = pyspiel.convert_to_turn_based(game)
    uniform = [policy.UniformRandomPolicy(sequential)] * 2
    value = expected_game_score.policy_value(sequential.new_initial_state(), uniform)
    np.testing.assert_allclose(value, expected, rtol=1e-6)


def test_information_states_tell_apart_what_a_player_saw_and_no_more():
    game = open_spiel.game("matrix/prisoners_dilemma_v0", horizon=3, memory=1)
    texts = {}
    for joint in ((0, 0), (0, 1), (1, 0)):
        state = game.new_initial_state()
        state.apply_actions(list(joint))
        state.apply_actions([1, 1])
        texts[joint] = state.information_state_string(0)
    assert len(set(texts.values())) == 3  # two rounds ago is remembered, though only one round is seen
    kuhn = open_spiel.game("cards/kuhn_poker_v0")
    chance = kuhn.new_initial_state()
    assert chance.information_state_string(0) == ""
    assert not any(chance.information_state_tensor(0))
    hands = [chance.child(deal) for deal, _ in chance.chance_outcomes()]
    assert len({hand.information_state_string(0) for hand in hands}) == 3


# Of one group (players of a matrix game with unlike actions are two), and without chance in the steps themselves, where
# the two sides draw differently.
CHANCE_IN_STEPS = ("markov/tabular_v0", "markov/garnet_v0", "grid/trust_small_v0")
ROUND_TRIPS = [(id, config) for id, config in FINITE if id not in CHANCE_IN_STEPS and "payoffs" not in config]


@pytest.mark.parametrize(("id", "config"), ROUND_TRIPS, ids=str)
def test_a_game_comes_back_the_same(id, config):
    """Ours as a game of OpenSpiel, and that as a batch: the same actions have the same rewards, ends and tensors."""
    there = open_spiel.game(id, **config)
    back = open_spiel.batch(there, 8, seed=9, autoreset="disabled")
    direct = games.make_batch(id, 8, autoreset="disabled", **config)
    direct.reset()
    back.reset()
    generator = np.random.default_rng(2)
    for _ in range(20):
        for env in range(8):  # the cards that were dealt there
            direct.load_state(env, back.state(env).node.snapshot)
        np.testing.assert_array_equal(direct.observations, back.observations)
        if direct.action_masks is not None:
            np.testing.assert_array_equal(direct.action_masks, back.action_masks)
        if back.ended.any():
            back.reset(mask=back.ended.copy())
            continue
        actions = random_actions(back.only_group, generator)
        direct.step(actions)
        back.step(actions)
        np.testing.assert_array_equal(direct.rewards, back.rewards)
        np.testing.assert_array_equal(direct.ended, back.ended)


def test_the_same_actions_have_the_same_returns_there_and_back():
    """From pyspiel to our batch, and from our batch to pyspiel."""
    game = pyspiel.load_game("leduc_poker")
    batch = open_spiel.batch(game, 20, seed=7, autoreset="disabled")
    batch.reset()
    generator = np.random.default_rng(3)
    returns = np.zeros((20, 2))
    while not batch.ended.all():
        running = [env for env in range(20) if not batch.ended[env]]
        for env in running:
            alone = open_spiel.batch(game, 1, autoreset="disabled")
            alone.reset()
            alone.set_state(0, batch.state(env))
            alone.step(random_actions(alone.only_group, generator))
            batch.set_state(env, alone.state(0))
            returns[env] += alone.rewards[0]
    for env in range(20):
        state = game.new_initial_state()
        for action in batch.fields(env)["history"].tolist():
            state.apply_action(action)
        assert state.is_terminal()
        assert state.returns() == returns[env].tolist()


def test_trees_that_cannot_be_listed_are_refused():
    with pytest.raises(ValueError, match="probe/everything_v0 cannot be listed as a tree"):
        open_spiel.game("probe/everything_v0")
    with pytest.raises(ValueError, match="did you mean 'cards/kuhn_poker_v0'"):
        open_spiel.game("cards/kuhn_pokr_v0")
    with pytest.raises(ValueError, match="did you mean 'players'"):
        open_spiel.game("cards/kuhn_poker_v0", player=3)
    with pytest.raises(ValueError, match="numbers, strings and lists"):
        open_spiel.game("matrix/rock_paper_scissors_v0", payoffs=object())
