"""The loop beside OpenSpiel's psro_v2, with exact responses and exact payoffs on both sides.

Best responses are often not unique, and the two sides round differently. So ours are judged by their worth, which must
be that of theirs, and then both sides go on with theirs.
"""

import numpy as np
import pyspiel
import pytest
from open_spiel.python.algorithms import expected_game_score, exploitability
from open_spiel.python.algorithms.psro_v2 import best_response_oracle, psro_v2
from open_spiel.python.algorithms.psro_v2.utils import aggregate_policies

from marl.equilibrium import solve
from marl.psro.exact import ExactOracle, exact_game
from marl.psro.meta_solvers import independent
from marl.psro.psro import Psro
from marl.psro.settings import PsroSettings


class ExactSolver(psro_v2.PSROSolver):
    """psro_v2 whose payoffs are expectations instead of means of episodes."""

    def sample_episodes(self, policies, num_episodes):
        return expected_game_score.policy_value(self._game.new_initial_state(), policies)


def nash(payoffs):
    """One selection for both sides, of payoffs that are equal: a linear program may have several solutions."""
    return tuple(solve(np.round(payoffs, 9), "nash").profile)


def nash_of_theirs(solver, return_joint=False):
    profile = list(nash(np.array(solver.get_meta_game())))
    return (profile, np.outer(*profile)) if return_joint else profile


def run_theirs(game, method, epochs):
    """Returns payoffs, meta-strategies and NashConv of every epoch, and all policies."""
    solver = ExactSolver(
        game,
        best_response_oracle.BestResponseOracle(game=game),
        sims_per_entry=1,
        training_strategy_selector="probabilistic",
        meta_strategy_method=method,
        sample_from_marginals=True,
    )
    rows = []
    for epoch in range(epochs):
        if epoch:
            solver.iteration()
        profile = [np.array(strategy) for strategy in solver.get_meta_strategies()]
        mixed = aggregate_policies(game, solver.get_policies(), profile)
        rows.append((np.array(solver.get_meta_game()), profile, exploitability.nash_conv(game, mixed)))
    return rows, solver.get_policies()


class TheirOracle(ExactOracle):
    """Checks that their response is worth what ours is, and writes theirs."""

    def __init__(self, world, game, policies):
        super().__init__(world, {})
        self.world, self.policies, self.states = world, policies, {}
        self.find_states(game.new_initial_state())

    def find_states(self, state):
        if not state.is_terminal() and not state.is_chance_node():
            player = state.current_player()
            self.states[player, np.array(state.information_state_tensor(player), float).tobytes()] = state.clone()
        for action in state.legal_actions():
            self.find_states(state.child(action))

    def respond(self, agent, opponents, out, **kwargs):
        about = super().respond(agent, opponents, out, **kwargs)
        game = exact_game(self.world, {})
        player = game.agents.index(agent)
        (mixture,) = opponents.mixtures.values()
        number = len(mixture.probabilities)
        if number < len(self.policies[player]):
            theirs = self.strategy(game, player, self.policies[player][number])
            own = [game.read(1 - player, opponents.population(), mixture.player, each) for each in range(number)]
            reaches = [None, None]
            reaches[player] = game.flat.players[player].reach(theirs)
            reaches[1 - player] = game.mixed(1 - player, own, mixture.probabilities)
            worth = game.flat.worths(player, reaches) @ reaches[player]
            assert worth == pytest.approx(about["value"], abs=1e-9)
            game.write(player, theirs, out)
        return about

    def strategy(self, game, player, policy):
        tree = game.flat.players[player]
        strategy = tree.uniform()
        for seen, actions, start in zip(game.observations[player], tree.actions, tree.starts, strict=True):
            chances = policy.action_probabilities(self.states[player, seen.tobytes()])
            strategy[start : start + len(actions)] = [chances[action] for action in actions]
        return strategy


@pytest.mark.parametrize(
    ("name", "epochs", "solvers"),
    [
        ("kuhn_poker", 12, ("uniform", "uniform")),
        ("kuhn_poker", 12, (lambda payoffs: independent(nash(payoffs), "nash"), nash_of_theirs)),
        ("leduc_poker", 6, ("uniform", "uniform")),
        ("leduc_poker", 8, (lambda payoffs: independent(nash(payoffs), "nash"), nash_of_theirs)),
    ],
    ids=["kuhn-uniform", "kuhn-nash", "leduc-uniform", "leduc-nash"],
)
def test_every_epoch_equals_psro_v2s(name, epochs, solvers, tmp_path):
    """Payoffs, meta-strategies and NashConv to 1e-6, and responses are worth the same."""
    game = pyspiel.load_game(name)
    theirs, policies = run_theirs(game, solvers[1], epochs)
    world = f"cards/{name}_v0"
    settings = PsroSettings(world=world, oracle="exact", payoffs="exact", nash_conv="exact")
    run = Psro(tmp_path, settings, meta_solver=solvers[0], oracle=TheirOracle(world, game, policies))
    for payoffs, profile, nash_conv in theirs:
        record = run.step()
        np.testing.assert_allclose(run.payoffs(record), payoffs, atol=1e-6)
        for own, other in zip(record.meta.profile, profile, strict=True):
            np.testing.assert_allclose(own, other, atol=1e-6)
        assert record.nash_conv == pytest.approx(nash_conv, abs=1e-6)
