"""Schedules, Saez's formula, bad input. Numbers come from the published US schedule, by hand, or from ai-economist."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from econ.taxation import (
    SaezTax,
    Schedule,
    TaxError,
    annealed_limit,
    estimate_elasticity,
    flat,
    free_market,
    linear_cutoffs,
    log_cutoffs,
    read_schedules,
    saez_rates,
    us_federal,
    us_federal_cutoffs,
)

BRACKETS = us_federal_cutoffs()
RATES = st.lists(st.floats(0, 1), min_size=7, max_size=7)
INCOMES = st.lists(st.floats(-50, 1000), min_size=1, max_size=9)


# ---- schedules ----


# Revenue Procedure 2018-57, schedule X: 970 plus 12 % over 9,700; 4,543 plus 22 % over 39,475; 14,382.50; 32,748.50;
# 46,628.50; 153,798.50 plus 37 % over 510,300. In thousands of dollars.
@pytest.mark.parametrize(
    ("income", "tax"),
    [
        *((0, 0), (5, 0.5), (9.7, 0.97), (20, 2.206), (39.475, 4.543), (84.2, 14.3825), (100, 18.1745)),
        *((160.725, 32.7485), (200, 45.3165), (204.1, 46.6285), (510.3, 153.7985), (600, 186.9875), (-10, 0)),
    ],
)
def test_the_us_schedule_is_the_published_one(income, tax):
    assert us_federal().tax(income) == pytest.approx(tax, abs=1e-9)


def test_a_hand_worked_schedule():
    schedule = Schedule([0, 10, 20], [0.5, 0, 0.25])
    # 30: 10 at a half, 10 free, 10 at a quarter.
    assert schedule.tax([[-1, 0, 4], [10, 15, 30]]).tolist() == [[0, 0, 2], [5, 5, 7.5]]
    assert schedule.marginal_rates([-1, 0, 10, 19.9, 20, 1e9]).tolist() == [0, 0.5, 0, 0, 0.25, 0.25]
    assert schedule.effective_rates([0, 4, 30]).tolist() == [0, 0.5, 0.25]
    assert schedule.net_transfers([4, 15, 30]).tolist() == pytest.approx([4.8333333 - 2, -0.1666667, -2.6666667])


def test_flat_and_free_market_schedules():
    assert flat(0.25).tax([100.0, 1000.0]).tolist() == [25, 250]
    assert free_market([0, 5]).tax([3, 50]).tolist() == [0, 0]


def test_spacings():
    assert linear_cutoffs(5, 100).tolist() == [0, 25, 50, 75, 100]
    assert log_cutoffs(5, 100).tolist() == pytest.approx([0, 12.5, 25, 50, 100])
    assert us_federal_cutoffs(9700).tolist()[1] == 1


@given(rates=RATES, incomes=INCOMES)
def test_tax_rises_with_income_at_the_marginal_rate_and_transfers_cancel(rates, incomes):
    schedule, given_incomes = Schedule(BRACKETS, rates), np.array(incomes)
    step = (schedule.tax(given_incomes + 1e-4) - schedule.tax(given_incomes)) / 1e-4
    bounds = np.stack([schedule.marginal_rates(given_incomes), schedule.marginal_rates(given_incomes + 1e-4)])
    assert (step >= bounds.min(axis=0) - 1e-6).all()
    assert (step <= bounds.max(axis=0) + 1e-6).all()
    assert schedule.net_transfers(given_incomes).sum() == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("cutoffs", "rates", "message"),
    [
        ([0, 5, 5], [0, 0, 0], r"cutoffs must increase, but cutoffs\[2\] = 5 after 5"),
        ([1, 5], [0, 0], r"cutoffs\[0\] must be 0, got 1"),
        ([0, np.inf], [0, 0], r"cutoffs must increase, but cutoffs\[1\] = inf after 0"),
        ([], [], "cutoffs must be 1 to 16 numbers, got 0"),
        ([0, 5], [0.1], "rates must be 2 numbers, one for each bracket, got 1"),
        ([0, 5], [0.1, 1.5], r"rates\[1\] must be in \[0, 1\], got 1.5"),
        ([0, 5], [0.1, np.nan], r"rates\[1\] must be a number, got nan"),
        ([0, 5], "ab", "rates must be a list of numbers, got 'ab'"),
        ([0, True], [0, 0], r"cutoffs\[1\] must be a number, got True"),
    ],
)
def test_a_wrong_schedule_is_refused_in_one_line_that_names_the_entry(cutoffs, rates, message):
    with pytest.raises(TaxError, match=f"^{message}$"):
        Schedule(cutoffs, rates)


# ---- files ----


def test_schedules_from_a_file(tmp_path):
    path = tmp_path / "rates.csv"
    path.write_text("schedule,0,9.7,39.475\nmild, 0.1 ,0.2,0.3\n\nnone,0,0,0\n")
    schedules = read_schedules(path)
    assert list(schedules) == ["mild", "none"]
    assert schedules["mild"].cutoffs.tolist() == [0, 9.7, 39.475]
    assert schedules["mild"].rates.tolist() == [0.1, 0.2, 0.3]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the first line must be `schedule` and the brackets' cut-offs"),
        ("name,0,10\na,0,0\n", "the first line must be `schedule`"),
        ("schedule,0,10\n", "there is no schedule below the first line"),
        ("schedule,0,10,10\na,0,0,0\n", "line 1, column 4: cut-offs must increase, got 10 after 10"),
        ("schedule,1,10\na,0,0\n", "line 1, column 2: the first cut-off must be 0, got 1"),
        ("schedule\na\n", "line 1: there can be 1 to 16 brackets, got 0"),
        ("schedule,0,10\na,0.1\n", "line 2, column 3: 2 brackets need as many rates, got 1"),
        ("schedule,0,x\na,0,0\n", "line 1, column 3: expected a number, got 'x'"),
        ("schedule,0,10\na,0.1,nan\n", "line 2, column 3: expected a number, got 'nan'"),
        ("schedule,0,10\na,0.1,\n", "line 2, column 3: expected a number, got ''"),
        ("schedule,0,10\na,0.1,0.2\nb,-0.5,0\n", r"line 3, column 2: a rate must be in \[0, 1\], got -0.5"),
        ("schedule,0,10\na,0.1,0.2,0.3\n", "line 2, column 4: 2 brackets need as many rates, got 3"),
        ("schedule,0,10\na,0,0\na,1,1\n", "line 3: schedules need names of their own, got 'a'"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line_that_names_the_cell(tmp_path, text, message):
    path = tmp_path / "rates.csv"
    path.write_text(text)
    with pytest.raises(TaxError, match=message) as refused:
        read_schedules(path)
    assert "\n" not in str(refused.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(TaxError, match=r"cannot read tax schedules from .*nowhere\.csv"):
        read_schedules(tmp_path / "nowhere.csv")


# ---- Saez ----


def test_saez_rates_of_the_reference():
    """Made with ai-economist 1.7.1."""
    even = np.arange(1, 501.0)
    steps = np.repeat([20.0, 50.0, 120.0, 300.0], [200, 150, 100, 50])
    cases = [
        (even, 0.5, [0.980926, 0.952962, 0.899796, 0.813527, 0.724094, 0.392022, 1.0]),
        (np.r_[even, 600, 800, 1200], 0.25, [0.990423, 0.976012, 0.947506, 0.897513, 0.840950, 0.527444, 0.597613]),
        (steps, 1.0, [0.050329, 0.119045, 0.084387, 0.039872, 0.025151, 0.349066, 1.0]),
    ]
    for incomes, elasticity, expected in cases:
        assert saez_rates(incomes, BRACKETS, elasticity, compat=True) == pytest.approx(expected, abs=1e-6)


def test_elasticities_of_the_reference():
    i = np.arange(100)
    assert estimate_elasticity(100 - 0.5 * i, 0.1 + 0.005 * i, 0.5) == pytest.approx(0.50717858, abs=2e-8)
    assert estimate_elasticity(10 + i, 0.1 + 0.001 * i, 0.5) == pytest.approx(0.49)  # a negative slope counts as 0


def test_an_elasticity_is_kept_without_enough_to_go_by():
    assert estimate_elasticity([10.0] * 9, np.linspace(0, 0.5, 9), 0.7) == 0.7
    assert estimate_elasticity(np.arange(1, 50.0), np.full(49, 0.3), 0.7) == 0.7
    assert estimate_elasticity(-np.arange(1, 50.0), np.linspace(0, 0.5, 49), 0.7) == 0.7


def test_what_rounding_leaves_of_no_income_is_none():
    """In ai-economist it is an income, whose logarithm outweighs all others'."""
    rates = np.linspace(0, 0.9, 200)
    incomes = np.where(np.arange(200) < 20, 4e-16, 80 * (1 - rates) ** 0.4)
    assert estimate_elasticity(incomes, rates, 0.4) == pytest.approx(0.4, abs=1e-9)
    assert estimate_elasticity(incomes, rates, 0.4, compat=True) < 0.393  # 0.98 of it: the slope seems negative


def test_a_constant_elasticity_is_found():
    rates = np.linspace(0, 0.9, 200)
    estimate = 0.5
    for _ in range(2000):
        estimate = estimate_elasticity(80 * (1 - rates) ** 0.4, rates, estimate)
    assert estimate == pytest.approx(0.4, abs=1e-9)


def test_the_top_rate_of_a_pareto_tail_is_the_textbook_one():
    """Saez 2001, section 4.1: with a constant Pareto parameter a the rate tends to (1 - G) / (1 - G + a e)."""
    a, e = 2.0, 0.5
    incomes = 30 * (1 - (np.arange(200_000) + 0.5) / 200_000) ** (-1 / a)
    rates = saez_rates(incomes, BRACKETS, e)
    weights = 1 / np.maximum(incomes, 1)
    g = weights[incomes > np.quantile(incomes, 0.95)].mean() / weights.mean()
    assert rates[-1] == pytest.approx((1 - g) / (1 - g + a * e), rel=0.01)


def test_the_corrected_formula_does_not_tax_where_nobody_earns_by_artefact():
    incomes = np.repeat([20.0, 50.0, 120.0, 150.0], [200, 150, 100, 50])
    original = saez_rates(incomes, BRACKETS, 1.0, compat=True)
    corrected = saez_rates(incomes, BRACKETS, 1.0)
    assert original[-1] == pytest.approx(1)
    assert corrected[-1] < 0.5
    assert corrected[-2] == pytest.approx(corrected[-1], abs=0.05)
    assert ((corrected >= 0) & (corrected <= 1)).all()


@given(st.lists(st.floats(-100, 2000), min_size=1, max_size=40), st.floats(0, 3), st.booleans())
def test_saez_rates_are_rates_whatever_the_incomes(incomes, elasticity, compat):
    rates = saez_rates(incomes, BRACKETS, elasticity, compat=compat)
    assert rates.shape == (7,)
    assert ((rates >= 0) & (rates <= 1)).all()


def test_saez_tax_waits_for_samples_keeps_the_latest_and_goes_on_after_a_break():
    saez = SaezTax(BRACKETS, capacity=600)
    saez.add(np.arange(499.0), np.full(499, 0.2))
    assert saez.next_rates() is None
    saez.add([[1.0, 2.0]], [[0.1, 0.1]])
    rates = saez.next_rates()
    assert saez.average_rates == pytest.approx(0.01 * rates)
    saez.add(np.full(600, 7.0), np.full(600, 0.5))
    assert saez.samples.tolist() == [[7.0, 0.5]] * 600
    other = SaezTax(BRACKETS, capacity=600)
    other.set_state(saez.get_state())
    assert other.next_rates().tolist() == saez.next_rates().tolist()
    assert other.get_state() == saez.get_state()


def test_saez_rates_stay_within_limits_and_so_does_their_average():
    saez = SaezTax(BRACKETS, elasticity=0.5)
    saez.add(np.arange(1, 501.0), np.zeros(500))
    free = saez_rates(np.arange(1, 501.0), BRACKETS, 0.5)
    rates = saez.next_rates(rate_min=0.5, rate_max=0.75)
    assert free.min() < 0.5
    assert free.max() > 0.75
    assert rates.tolist() == np.clip(free, 0.5, 0.75).tolist()
    assert saez.average_rates == pytest.approx(0.01 * rates)


def test_what_others_have_seen_counts_once():
    incomes, rates = np.linspace(10, 80, 500), np.linspace(0.5, 0.1, 500)
    alone, first, second = (SaezTax(BRACKETS) for _ in range(3))
    alone.add(incomes, rates)
    first.add(incomes[::2], rates[::2])
    second.add(incomes[1::2], rates[1::2])
    assert first.next_rates() is None
    for _ in range(2):  # what is told again takes the place of what was told before
        first.learn_from_others(second.samples)
    assert len(first.samples) == 250
    assert first.next_rates() == pytest.approx(alone.next_rates())
    assert first.elasticity == pytest.approx(alone.elasticity)


def test_a_fixed_elasticity_stays():
    saez = SaezTax(BRACKETS, elasticity=0.25)
    saez.add(np.linspace(10, 80, 500), np.linspace(0.5, 0.1, 500))
    saez.next_rates()
    assert saez.elasticity == 0.25


def test_wrong_saez_settings_are_named():
    with pytest.raises(ValueError, match="elasticity must be a number from 0 on, got -1"):
        SaezTax(BRACKETS, elasticity=-1)
    with pytest.raises(ValueError, match="capacity must be at least 500 samples, got 10"):
        SaezTax(BRACKETS, capacity=10)
    with pytest.raises(ValueError, match="did you mean 'uniform'"):
        saez_rates([1.0], BRACKETS, 0.5, weights="unifrom")


def test_wrong_incomes_are_named():
    saez = SaezTax(BRACKETS)
    with pytest.raises(ValueError, match=r"^incomes\[1, 0\] must be a number, got nan$"):
        saez.add([[1.0, 2.0], [np.nan, 4.0]], np.zeros((2, 2)))
    with pytest.raises(ValueError, match=r"^each income needs its marginal rate, got \[2\] and \[3\]$"):
        saez.add([1.0, 2.0], [0.1, 0.2, 0.3])
    assert len(saez.samples) == 0
    with pytest.raises(ValueError, match=r"^incomes\[0\] must be a number, got inf$"):
        saez_rates([np.inf], BRACKETS, 0.5)
    with pytest.raises(ValueError, match=r"needs incomes and an elasticity from 0 on, got 0 and 0\.5"):
        saez_rates([], BRACKETS, 0.5)


# ---- annealing ----


def test_annealed_limits_of_the_reference():
    """The example in ai-economist's annealed_tax_limit, and the paper's configuration [-100, 0.001]."""
    assert [annealed_limit(e, 100, 0.01) for e in (0, 100, 150, 200, 1000)] == [0, 0, 0.5, 1, 1]
    assert [annealed_limit(e, -100, 0.001) for e in (0, 400, 900, 5000)] == pytest.approx([0.1, 0.5, 1, 1])
