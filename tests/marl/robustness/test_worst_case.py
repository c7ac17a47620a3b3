"""Worst-case search: corners and hollows that are known, budgets that are said."""

import numpy as np
import pytest

from agents.random_player import RandomPlayer
from agents.swingers import ConstantPusher
from marl.robustness.arena import Arena
from marl.robustness.grid import Axis
from marl.robustness.worst_case import search_cma_es, search_grid

UPWARDS = ConstantPusher((0.0, 1.0))
ARENA = Arena("control/point_mass_gap_v0", {"horizon": 30}, episodes=2)
AXES = (Axis("masses", (0,), (2.0, 5.0, 9.0)), Axis("damping", (0, 1), (0.0, 1.0, 4.0)))


class Bowl(Arena):
    """Worth least at a mass of 3 kg and a drag of 1.5 N s/m."""

    def play(self, protagonist, adversary=None, bodies=({},)):
        places = np.array([(body["masses"][0], body["damping"][0]) for body in bodies])
        worth = ((places - (3.0, 1.5)) ** 2).sum(axis=1)
        return np.repeat(worth[:, None], self.episodes, axis=1)


def test_the_grid_finds_the_heaviest_and_most_damped():
    found = search_grid(ARENA, UPWARDS, AXES)
    assert (found.method, found.labels) == ("grid", ("masses[0]", "damping[0][1]"))
    assert found.values == (9.0, 4.0)
    assert found.body == {"masses": (9.0, 1.0), "damping": (4.0, 4.0)}
    assert (found.bodies, found.episodes, len(found.path)) == (9, 18, 1)
    assert found.fresh_return == pytest.approx(found.found_return), "nothing is drawn in this world"


def test_the_search_finds_that_corner_too():
    found = search_cma_es(ARENA, UPWARDS, AXES, generations=6, population=12)
    np.testing.assert_allclose(found.values, (9.0, 4.0), rtol=0.02)
    assert (found.bodies, found.episodes, len(found.path)) == (72, 144, 6)
    assert list(found.path) == sorted(found.path, reverse=True)
    assert found.found_return == found.path[-1]


def test_the_search_finds_a_hollow_between_a_grids_cells():
    bowl = Bowl(ARENA.env_id, episodes=1)
    found = search_cma_es(bowl, UPWARDS, AXES, generations=20, population=12)
    np.testing.assert_allclose(found.values, (3.0, 1.5), atol=0.02)
    assert search_grid(bowl, UPWARDS, AXES).found_return > 0.5 > found.found_return


def test_a_search_repeats_itself_and_leaves_numpys_generator_alone():
    before = np.random.get_state()[1].tolist()  # noqa: NPY002 - what the library would seed
    bowl = Bowl(ARENA.env_id, episodes=1)
    first, again, other = (
        search_cma_es(bowl, UPWARDS, AXES, generations=2, population=6, seed=seed) for seed in (1, 1, 2)
    )
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002
    assert first.values == again.values != other.values


def test_what_was_found_is_played_from_other_starts():
    """Of random play the lowest of many means is too low: fresh starts say what the body is worth."""

    class Watcher(RandomPlayer):
        def act(self, batch, agent):
            seen.append(batch.groups["protagonist"].observations[:, 0].copy())
            return super().act(batch, agent)

    seen = []
    arena = Arena("control/cartpole_balance_v0", {"horizon": 60}, episodes=2)
    axes = (Axis("masses", (0,), tuple(np.linspace(1, 1.001, 30))), Axis("damping", (0,), (5e-4, 6e-4)))
    found = search_grid(arena, Watcher(0), axes)
    assert found.returns.shape == (2,)
    assert found.fresh_return > found.found_return
    of_search, fresh = seen[0], seen[60]
    assert [len(of_search), len(fresh)] == [120, 2]
    assert not np.isin(fresh[:, 0], of_search[:, 0]).any()


def test_budgets_and_boxes_are_checked():
    with pytest.raises(ValueError, match="CMA-ES needs at least 2 axes, got 1"):
        search_cma_es(ARENA, UPWARDS, AXES[:1])
    with pytest.raises(ValueError, match="every axis must have two different values"):
        search_cma_es(ARENA, UPWARDS, (AXES[0], Axis("force", (), (1.0,))))
    with pytest.raises(ValueError, match="at least 1 generation of 2 bodies, got 0 of 100"):
        search_cma_es(ARENA, UPWARDS, AXES, generations=0)
