"""What meta-strategies ask of the oracles, and what the answers gain, on hand-made games."""

from functools import partial

import numpy as np
import pytest

import games
from marl.equilibrium import solve
from marl.equilibrium.payoffs import coarse_gains, expected_payoffs, joint_distribution
from marl.psro.meta_solvers import MetaStrategy
from marl.psro.opponents import Mixture, Opponents
from marl.psro.population import Population
from marl.psro.psro import Psro
from marl.psro.responses import gains, plan_responses
from marl.psro.settings import PsroSettings

THREE = {"a": "a", "b": "b", "c": "c"}
# Players b and c always meet: with their first policies or with their second ones, whatever a does.
TOGETHER = np.stack([np.diag([0.3, 0.3]), np.diag([0.2, 0.2])])


def correlated_meta():
    profile = tuple(TOGETHER.sum(axis=tuple({0, 1, 2} - {player})) for player in range(3))
    return MetaStrategy(profile, TOGETHER, "by hand", 0.0, True)


def test_three_players_respond_to_joint_draws_of_the_others():
    payoffs = np.zeros((3, 2, 2, 2))
    to_bc, to_ac, to_ab = plan_responses(THREE, correlated_meta(), payoffs, "joint")
    np.testing.assert_allclose(to_bc.joint, np.diag([0.5, 0.5]))
    np.testing.assert_allclose(to_bc.mixtures["c"].probabilities, [0.5, 0.5])
    assert (to_ac.joint, to_ab.joint) == (None, None)  # 0.6, 0.4 and 0.5, 0.5 each: independent
    np.testing.assert_allclose(to_ac.mixtures["a"].probabilities, [0.6, 0.4])
    marginal = plan_responses(THREE, correlated_meta(), payoffs, "marginal")
    assert [response.joint for response in marginal] == [None] * 3


def test_three_players_respond_to_what_the_others_do_beside_each_recommendation():
    responses = plan_responses(THREE, correlated_meta(), np.zeros((3, 2, 2, 2)), "conditional")
    assert [response.agent for response in responses] == ["a", "a", "b", "b", "c", "c"]
    np.testing.assert_allclose(responses[0].joint, np.diag([0.5, 0.5]))
    np.testing.assert_allclose(responses[2].mixtures["c"].probabilities, [1, 0])  # b's first policy: c has its first


@pytest.mark.parametrize(
    ("profile", "shared"),
    [
        (([0.3, 0.7], [0.3, 0.7], [0.3, 0.7]), [("a", "b", "c")]),
        (([1, 0], [1, 0], [0, 1]), [("a", "b"), ("c",)]),  # a and b face one of each kind, c the first kind twice
        (([1, 0], [0, 1], [0.5, 0.5]), [("a",), ("b",), ("c",)]),
    ],
)
def test_agents_of_one_population_share_a_response_where_they_face_the_same(profile, shared):
    profile = tuple(np.array(own, float) for own in profile)
    meta = MetaStrategy(profile, joint_distribution(profile), "by hand", 0.0, True)
    together = dict.fromkeys("abc", "all")
    for rule in ("marginal", "joint"):
        planned = plan_responses(together, meta, np.zeros((3, 2, 2, 2)), rule)
        assert [response.agents for response in planned] == shared
        assert [response.agent for response in planned] == [agents[0] for agents in shared]
    alone = plan_responses(THREE, meta, np.zeros((3, 2, 2, 2)))
    assert [response.agents for response in alone] == [("a",), ("b",), ("c",)]


def test_joint_draws_of_the_others_are_the_same_in_any_order():
    """b and c of `TOGETHER` always meet each other, a is independent: who faces whom differs for a alone."""
    planned = plan_responses(dict.fromkeys("abc", "all"), correlated_meta(), np.zeros((3, 2, 2, 2)), "joint")
    assert [response.agents for response in planned] == [("a",), ("b", "c")]


def test_gains_are_those_of_the_conditions_that_define_the_equilibria():
    """Random games of three: new policies are copies of all there are, so gains are coarse gains and swap gains."""
    generator = np.random.default_rng(0)
    payoffs = generator.random((3, 2, 3, 2))
    joint = generator.dirichlet(np.ones(12)).reshape(2, 3, 2)
    doubled = payoffs
    for axis in range(1, 4):
        doubled = np.concatenate([doubled, doubled], axis=axis)
    room = np.pad(joint, [(0, 2), (0, 3), (0, 2)])
    added = [range(2, 4), range(3, 6), range(2, 4)]
    expected = np.maximum(coarse_gains(payoffs, joint), 0)
    np.testing.assert_allclose(gains(room, doubled, added, "joint"), expected)
    swap = gains(room, doubled, added, "conditional")
    assert (np.array(swap) >= expected - 1e-12).all()  # whoever ignores its recommendation swaps all of them for one
    by_hand = sum(max(0.0, *((joint[r] * (payoffs[0][k] - payoffs[0][r])).sum() for k in range(2))) for r in range(2))
    assert swap[0] == pytest.approx(by_hand)


def test_gains_against_independent_draws_are_what_a_policy_earns_more():
    generator = np.random.default_rng(1)
    payoffs, profile = generator.random((2, 3, 3)), [np.array([0.4, 0.6, 0.0]), np.array([0.1, 0.9, 0.0])]
    value = expected_payoffs(payoffs, profile)
    new = [payoffs[0][2] @ profile[1], profile[0] @ payoffs[1][:, 2]]
    got = gains(np.multiply.outer(*profile), payoffs, [[2], [2]], "marginal")
    np.testing.assert_allclose(got, np.maximum(new - value, 0))


class Plays:
    """One action for ever; a seed is not needed."""

    def __init__(self, action, seed):
        self.action = action

    def act(self, batch, agent):
        return np.full(batch.num_envs, self.action, np.int32)

    def get_state(self):
        return {}

    def set_state(self, state):
        pass


def test_opponents_of_a_joint_draw_play_it_together_and_for_whole_episodes(tmp_path):
    scripted = {"first": partial(Plays, 0), "second": partial(Plays, 1)}
    population = Population(tmp_path / "policies", ["a", "b", "c"], scripted)
    for player in ("b", "c"):
        for script in scripted:
            population.add(player, "scripted", script=script)
    joint = np.array([[0.0, 0.7], [0.3, 0.0]])
    mixtures = {"b": Mixture("b", np.array([0.7, 0.3])), "c": Mixture("c", np.array([0.3, 0.7]))}
    opponents = Opponents(population.folder, population.players, mixtures, scripted, joint)
    assert {tuple(numbers.values()): p for p, numbers in opponents.draws()} == {(0, 1): 0.7, (1, 0): 0.3}
    payoffs = np.zeros((3, 2, 2, 2))
    batch = games.make_batch("matrix/prisoners_dilemma_v0", 2000, payoffs=payoffs.tolist(), horizon=3)
    batch.reset()
    b, c = (opponents.make_player(agent, (5, 6), keeps_log=True) for agent in "bc")
    agents = list(batch.agents)
    for _ in range(6):
        chosen = np.stack([np.zeros(2000, np.int32), b.act(batch, agents[1]), c.act(batch, agents[2])], axis=1)
        assert (chosen[:, 1] + chosen[:, 2] == 1).all()
        batch.step(chosen)
    log = b.take_log()
    np.testing.assert_array_equal(log, c.take_log())
    assert (log[:3] == log[0]).all()
    assert (log[0] != log[3]).any()
    np.testing.assert_allclose((log == 1).mean(), 0.7, atol=0.04)  # index 1 is the cell (0, 1)


@pytest.mark.parametrize(("solver", "epochs", "share"), [("coarse_correlated", 9, 0.02), ("correlated", 4, 0.5)])
def test_correlated_psro_of_three_players_comes_to_its_equilibrium(tmp_path, solver, epochs, share):
    """Kuhn poker for three, exact: ever less is gained in the whole game (JPSRO, Marris et al. 2021).

    With correlated equilibria every epoch about doubles the policies, one response to each recommendation, so that few
    epochs have to do.
    """
    settings = PsroSettings(
        world="cards/kuhn_poker_v0",
        world_settings={"players": 3},
        oracle="exact",
        payoffs="exact",
        nash_conv="exact",
        meta_solver=solver,
    )
    run = Psro(tmp_path, settings)
    records = [run.step() for _ in range(epochs)]
    assert records[-1].nash_conv < share * records[0].nash_conv
    if solver == "coarse_correlated":
        assert any(record.meta.joint is not None for record in records)


def test_fictitious_self_play_is_uniform_and_self_play_the_last(tmp_path):
    payoffs = np.random.default_rng(0).random((2, 3, 3))
    assert solve(payoffs, "uniform").profile[0].tolist() == pytest.approx([1 / 3] * 3)
    settings = PsroSettings(
        world="cards/kuhn_poker_v0",
        oracle="exact",
        payoffs="exact",
        nash_conv="exact",
        meta_solver="fictitious_self_play",
    )
    run = Psro(tmp_path, settings)
    conv = [run.step().nash_conv for _ in range(6)]
    assert run.epochs[-1].meta.profile[0] == pytest.approx([1 / 6] * 6)
    assert conv[-1] < 0.3 * conv[0]
