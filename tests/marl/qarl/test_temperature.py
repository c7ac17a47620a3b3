"""The curriculum over temperatures: its steps, its constraints, and what it does where they bind."""

import json

import numpy as np
import pytest
from scipy import integrate, stats
from scipy.optimize import minimize

from marl.qarl.temperature import GammaCurriculum, divergence

# Mean temperatures from Gamma(50, 1000) to Gamma(1, 1000) by KL <= 0.5: shared/papers/qarl.md, measured there with
# SciPy's general solver.
STEPS = [0.050, 0.043, 0.037, 0.031, 0.026, 0.021, 0.017, 0.013, 0.010, 0.0074, 0.0051, 0.0032, 0.0019, 0.0010]


def test_the_shortest_way_to_the_target_has_thirteen_steps():
    curriculum = GammaCurriculum(threshold=0.0, min_pairs=1)
    means = [curriculum.mean_temperature]
    while curriculum.concentration > 1:
        curriculum.add(curriculum.draw(5), np.full(5, 1.0))
        assert curriculum.update().divergence <= 0.5 + 1e-9
        means.append(curriculum.mean_temperature)
    np.testing.assert_allclose(means, STEPS, rtol=0.035)  # they have two digits
    assert len(means) == 14


@pytest.mark.parametrize(("trust_region", "updates"), [(0.05, 41), (0.1, 29), (0.25, 19), (1.0, 10)])
def test_the_number_of_steps_by_the_trust_region(trust_region, updates):
    """As measured in the same place."""
    curriculum, count = GammaCurriculum(threshold=0.0, trust_region=trust_region, min_pairs=1), 0
    while curriculum.concentration > 1:
        curriculum.add(np.array([0.01]), np.array([1.0]))
        curriculum.update()
        count += 1
    assert count == updates


@pytest.mark.parametrize(("a", "b"), [(50.0, 40.0), (1.0, 3.0), (2.5, 2.5)])
def test_the_divergence_is_the_integral(a, b):
    p, q = stats.gamma(a, scale=1e-3), stats.gamma(b, scale=1e-3)
    number, _ = integrate.quad(lambda x: p.pdf(x) * (p.logpdf(x) - q.logpdf(x)), 1e-12, p.ppf(1 - 1e-13), limit=400)
    assert divergence(a, b) == pytest.approx(number, abs=1e-6)


def test_a_protagonist_below_the_threshold_is_given_time():
    curriculum = GammaCurriculum(threshold=10.0)
    curriculum.add(curriculum.draw(30), np.full(30, 9.9))
    update = curriculum.update()
    assert update.is_held
    assert update.after == update.before == curriculum.concentration == 50


@pytest.mark.parametrize("is_released", [False, True])
def test_a_binding_return_is_met_and_no_more(is_released):
    """Returns that fall with rationality: the general solver of SciPy finds the same concentration."""
    curriculum = GammaCurriculum(threshold=10.0, is_released=is_released, seed=1)
    temperatures = curriculum.draw(60)
    returns = 10.0 + 500 * (temperatures - 0.047)
    curriculum.add(temperatures, returns)
    update = curriculum.update()
    assert not update.is_held
    assert update.expected_return == pytest.approx(10.0, abs=1e-6)
    assert update.divergence < 0.5

    def surplus(k):
        weights = stats.gamma(k, scale=1e-3).pdf(temperatures) / stats.gamma(50, scale=1e-3).pdf(temperatures)
        return weights @ returns / 60 - 10.0 if is_released else weights @ (returns - 10.0) / 60

    found = minimize(
        lambda k: divergence(k[0], 1.0),
        [50.0],
        constraints=[
            {"type": "ineq", "fun": lambda k: 0.5 - divergence(k[0], 50.0)},
            {"type": "ineq", "fun": lambda k: surplus(k[0])},
        ],
        bounds=[(1, 60)],
        method="SLSQP",
    )
    assert update.after == pytest.approx(found.x[0], abs=1e-3)


def step_of(returns, threshold, seed, is_released=False):
    """One update from thirty temperatures of the seed, with the returns that a function gives them."""
    curriculum = GammaCurriculum(threshold, is_released=is_released, seed=seed)
    temperatures = curriculum.draw(30)
    curriculum.add(temperatures, returns(temperatures))
    return curriculum.update()


@pytest.mark.parametrize("shift", [-70.0, 1000.0])
def test_where_the_zero_of_returns_lies_changes_nothing(shift):
    """A property: what is asked for is a difference. Of the release's constraint it does not hold."""
    noise = np.random.default_rng(0).normal(size=(20, 30))

    def concentrations(moved, is_released):
        def returns(seed):
            return lambda temperatures: noise[seed] + 400 * (temperatures - 0.048) + moved

        return np.array([step_of(returns(seed), moved, seed, is_released).after for seed in range(len(noise))])

    here, there, released = concentrations(0.0, False), concentrations(shift, False), concentrations(shift, True)
    np.testing.assert_allclose(there, here, rtol=1e-6)
    assert len(np.unique(here)) > 5, "some steps are bound"
    assert np.abs(released - here).max() > 1


def test_few_pairs_wait_and_many_push_out_the_oldest():
    curriculum = GammaCurriculum(threshold=1.0, min_pairs=3, max_pairs=3)
    curriculum.add(np.array([0.05, 0.05]), np.array([5.0, 5.0]))
    assert curriculum.update() is None
    curriculum.add(np.array([0.05, 0.05, 0.05]), np.array([0.0, 0.0, 0.0]))
    assert curriculum.update().mean_return == 0
    assert curriculum.update() is None


def test_it_goes_on_from_its_state():
    first, second = GammaCurriculum(threshold=0.0, seed=1), GammaCurriculum(threshold=0.0, seed=2)
    first.add(first.draw(30), np.ones(30))
    first.update()
    first.add(first.draw(4), np.ones(4))
    second.set_state(json.loads(json.dumps(first.get_state())))
    assert second.concentration == first.concentration < 50
    assert second.draw(3).tolist() == first.draw(3).tolist()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"start": 0.0}, "start must be above 0, got 0.0"),
        ({"trust_region": -1.0}, "trust_region must be above 0"),
        ({"min_pairs": 200}, r"min_pairs must be in \[1, max_pairs\], got 200 and 100"),
        ({"threshold": np.nan}, "threshold must be a finite number"),
    ],
)
def test_wrong_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        GammaCurriculum(**({"threshold": 1.0} | settings))


def test_wrong_pairs_are_refused():
    curriculum = GammaCurriculum(threshold=1.0)
    for temperatures, returns in (([0.1], [np.nan]), ([-0.1], [1.0]), ([0.1, 0.2], [1.0])):
        with pytest.raises(ValueError, match="as many finite returns as positive temperatures"):
            curriculum.add(np.array(temperatures), np.array(returns))
