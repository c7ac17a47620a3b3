"""Fresh best responses: a lower bound of the NashConv that says what it cost."""

import numpy as np
import pytest

from marl.psro.psro import Psro
from marl.psro.settings import PsroSettings

FRESH = {"world": "cards/kuhn_poker_v0", "oracle": "exact", "nash_conv": "fresh", "payoffs": "exact"}


def test_fresh_exact_responses_gain_the_nash_conv_but_for_the_episodes_noise(tmp_path):
    run = Psro(tmp_path, PsroSettings(**FRESH, judge_episodes=4000))
    record = run.step()
    profile = [np.array(own) for own in record.meta.profile]
    error = np.hypot(*record.bound.errors)
    assert record.bound.nash_conv == pytest.approx(run.exact.nash_conv(profile), abs=4 * error)
    assert error < 0.05
    assert (record.bound.oracle, record.bound.settings, record.bound.episodes) == ("exact", {}, 4000)
    assert record.nash_conv is None


def test_they_are_in_no_population_and_leave_nothing(tmp_path):
    run = Psro(tmp_path, PsroSettings(**FRESH, judge_episodes=10))
    run.step()
    assert run.population.sizes == (2, 2)
    assert not (tmp_path / "pending").exists()


def test_a_budget_of_their_own_stands_beside_what_they_gain(tmp_path):
    settings = PsroSettings(
        **{**FRESH, "oracle": "tabular", "payoffs": "simulated", "episodes": 200, "judge_episodes": 500},
        oracle_settings={"env_steps": 2000},
        judge_settings={"env_steps": 20_000},
    )
    record = Psro(tmp_path, settings).step()
    assert record.bound.settings["env_steps"] == 20_000
    assert record.bound.nash_conv > 0.5  # of 0.9167, against random play
    assert min(record.bound.errors) > 0
    assert record == Psro(tmp_path, settings).epochs[0]


def test_agents_of_one_population_gain_the_same(tmp_path):
    settings = PsroSettings(
        world="matrix/rock_paper_scissors_v0", oracle="exact", symmetric=True, episodes=50, nash_conv="fresh"
    )
    bound = Psro(tmp_path, settings).step().bound
    values = Psro(tmp_path, settings).epochs[0].meta.values
    assert bound.gains[0] + values[0] == pytest.approx(bound.gains[1] + values[1])


def test_nobody_gains_on_a_pure_equilibrium_that_treats_agents_of_one_population_differently(tmp_path):
    """Chicken's equilibria in pure strategies pay 7 and 2, and whoever deviates alone gets less, 6 or 0.

    Against random play yielding is best (4 instead of 3.5), against that daring, and then both are there.
    """
    settings = PsroSettings(
        **{**FRESH, "world": "matrix/chicken_v0", "payoffs": "simulated", "judge_episodes": 50},
        symmetric=True,
        meta_solver="lemke_howson",
    )
    run = Psro(tmp_path, settings)
    uneven = [record for record in (run.step() for _ in range(4)) if sorted(record.meta.values) == [2, 7]]
    assert uneven
    for record in uneven:
        assert record.bound.gains == [0, 0]
        assert record.bound.errors == [0, 0]
        assert len(record.responses["all"]) == 2, "each of the two is answered"


def test_settings_for_judges_need_one():
    with pytest.raises(ValueError, match="judge_settings are for"):
        PsroSettings(**{**FRESH, "nash_conv": "exact"}, judge_settings={"env_steps": 5})
    with pytest.raises(ValueError, match="unknown setting of oracle exact"):
        PsroSettings(**FRESH, judge_settings={"env_steps": 5})
