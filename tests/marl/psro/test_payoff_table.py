"""The empirical game: what goes in is what its moments, samples and files say."""

import numpy as np
import pytest

from marl.psro.payoff_table import KEPT_EPISODES, PayoffTable, PayoffTableError


def filled(seed=0, parts=(3, 1, 40), sizes=(2, 3)):
    table, generator, seen = PayoffTable(["row", "column"], ["crashes"]), np.random.default_rng(seed), {}
    table.add_policies(sizes)
    for cell in np.ndindex(*sizes):
        rounds = []
        for count in parts:
            returns = generator.normal(10 * cell[0], 1 + cell[1], (count, 2))
            crashes = generator.integers(0, 2, count)
            table.add(cell, returns, {"crashes": crashes})
            rounds.append(np.c_[returns, crashes])
        seen[cell] = np.concatenate(rounds)
    return table, seen


def test_moments_of_parts_are_those_of_the_whole():
    table, seen = filled()
    for cell, values in seen.items():
        assert table.counts[cell] == len(values) == 44
        assert table.rounds[cell] == 3
        at = (slice(None), *cell)
        np.testing.assert_allclose(table.payoffs()[at], values[:, :2].mean(axis=0), rtol=1e-12)
        np.testing.assert_allclose(table.variances()[at], values[:, :2].var(axis=0, ddof=1), rtol=1e-10)
        np.testing.assert_allclose(table.standard_errors()[at], values[:, :2].std(axis=0, ddof=1) / np.sqrt(44))
        assert table.means("crashes")[cell] == pytest.approx(values[:, 2].mean())


def test_few_episodes_are_all_kept():
    table, seen = filled()
    for cell, values in seen.items():
        np.testing.assert_array_equal(table.episodes(cell), values[:, :2].astype(np.float32))
        np.testing.assert_allclose(table.quantiles(cell, [0.05]), np.quantile(values[:, :2], [0.05], axis=0), rtol=1e-5)


def test_many_episodes_are_kept_with_equal_probability():
    """The kept numbers of a stream 0, 1, ..., 4N - 1 have the mean and spread of a uniform sample of it."""
    table, total = PayoffTable(["only"]), 4 * KEPT_EPISODES
    table.add_policies([50])
    for k in range(50):
        for part in np.array_split(np.arange(total), 7):
            table.add((k,), part[:, None])
    kept = np.array([table.episodes((k,))[:, 0] for k in range(50)])
    assert all(len(set(row)) == KEPT_EPISODES for row in kept)
    error = np.sqrt((total**2 - 1) / 12 / kept.size)
    assert abs(kept.mean() - (total - 1) / 2) < 4 * error
    shares = np.histogram(kept, bins=4, range=(0, total))[0] / kept.size
    np.testing.assert_allclose(shares, 0.25, atol=4 * np.sqrt(0.25 * 0.75 / kept.size))


def test_new_policies_leave_what_is_known():
    table, seen = filled()
    before = table.payoffs()
    table.add_policies((3, 3))
    assert not table.is_complete
    with pytest.raises(ValueError, match=r"no episode of cell \(2, 0\) yet"):
        table.payoffs()
    assert np.isnan(table.means("crashes")[2]).all()
    for k in range(3):
        table.add((2, k), np.zeros((1, 2)), {"crashes": np.zeros(1)})
    np.testing.assert_array_equal(table.payoffs()[:, :2], before)
    assert np.isinf(table.variances()[:, 2]).all()  # of one episode nothing is known
    np.testing.assert_array_equal(table.episodes((1, 1)), seen[1, 1][:, :2].astype(np.float32))


def test_a_table_goes_on_from_its_file(tmp_path):
    table, _ = filled()
    table.save(tmp_path / "payoffs.npz")
    again = PayoffTable.load(tmp_path / "payoffs.npz")
    for each in (table, again):
        each.add((0, 0), np.arange(600.0).reshape(300, 2), {"crashes": np.ones(300)})
    assert (again.players, again.numbers) == (("row", "column"), ("crashes",))
    np.testing.assert_array_equal(again.payoffs(), table.payoffs())
    np.testing.assert_array_equal(again.episodes((0, 0)), table.episodes((0, 0)))
    assert [path.name for path in tmp_path.iterdir()] == ["payoffs.npz"]


@pytest.mark.parametrize("content", [b"", b"nonsense", None])
def test_a_damaged_file_is_named(tmp_path, content):
    path = tmp_path / "payoffs.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PayoffTableError, match=r"payoffs\.npz"):
        PayoffTable.load(path)


def test_every_cut_of_a_file_is_named(tmp_path):
    path = tmp_path / "payoffs.npz"
    filled()[0].save(path)
    whole = path.read_bytes()
    for length in range(0, len(whole), 97):
        path.write_bytes(whole[:length])
        with pytest.raises(PayoffTableError, match=r"payoffs\.npz"):
            PayoffTable.load(path)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("_means", np.nan, "means are not finite"),
        ("_squares", np.inf, "squares are not finite"),
        ("_squares", -1.0, "squares are below 0"),
        ("counts", -1, "counts are below 0"),
        ("rounds", 0, "do not go together"),
        ("_episodes", np.nan, "episodes are not finite"),
    ],
)
def test_a_file_of_what_cannot_be_is_named(tmp_path, name, value, said):
    table, _ = filled()
    getattr(table, name)[...] = value
    table.save(tmp_path / "payoffs.npz")
    with pytest.raises(PayoffTableError, match=rf"payoffs\.npz is damaged: .*{said}"):
        PayoffTable.load(tmp_path / "payoffs.npz")


@pytest.mark.parametrize(
    ("cell", "returns", "numbers", "said"),
    [
        ((2, 0), [[0, 0]], {"crashes": [0]}, "no cell"),
        ((0,), [[0, 0]], {"crashes": [0]}, "no cell"),
        ((0, 0), [[0, 0, 0]], {"crashes": [0]}, r"\[episodes, 2\]"),
        ((0, 0), [[0, np.nan]], {"crashes": [0]}, "finite"),
        ((0, 0), [[0, 0]], {}, "numbers are"),
        ((0, 0), [[0, 0]], {"arrivals": [0]}, "numbers are"),
    ],
)
def test_what_does_not_belong_is_refused_and_changes_nothing(cell, returns, numbers, said):
    table, _ = filled()
    before = table.payoffs()
    with pytest.raises(ValueError, match=said):
        table.add(cell, np.array(returns, float), {name: np.array(value) for name, value in numbers.items()})
    np.testing.assert_array_equal(table.payoffs(), before)
    with pytest.raises(ValueError, match="cannot become"):
        table.add_policies((1, 3))
