"""Pursuit: side by side with PettingZoo's sisl/pursuit-v5, and by hand where that leaves things to chance."""

import numpy as np
import pytest
from pettingzoo.sisl.pursuit.pursuit import parallel_env
from pettingzoo.sisl.pursuit.utils import agent_utils
from pettingzoo.sisl.pursuit.utils.two_d_maps import rectangle_map

import games
from games.pursuit import GONE, STEPS, PursuitConfig

LEFT, RIGHT, UP, DOWN, STAY = range(5)


# ---- parity ----


class Reference:
    """PettingZoo's parallel env, with its positions in view."""

    def __init__(self, settings, seed):
        names = {"horizon": "max_cycles"}
        self.env = parallel_env(**{names.get(name, name): value for name, value in settings.items()})
        self.observations, _ = self.env.reset(seed=seed)
        self.game = self.env.aec_env.unwrapped.env

    def pursuers(self):
        return np.array([agent.current_position() for agent in self.game.pursuer_layer.allies], np.uint8)

    def evaders(self):
        """[M, 2], GONE where caught."""
        places = np.full((len(self.game.evaders_gone), 2), GONE, np.uint8)
        left = [agent.current_position() for agent in self.game.evader_layer.allies]
        places[~self.game.evaders_gone] = np.array(left, np.uint8).reshape(-1, 2)
        return places


SETTINGS = [
    {"horizon": 40},
    {"shared_reward": False, "horizon": 40},
    {
        "surround": False,
        "shared_reward": False,
        "n_pursuers": 12,
        "x_size": 9,
        "y_size": 7,
        "n_evaders": 6,
        "horizon": 80,
    },
    # Small, full and not square, so that there are many catches, and both kinds of end.
    {"x_size": 6, "y_size": 8, "n_pursuers": 16, "n_evaders": 4, "horizon": 90, "obs_range": 5},
    {"x_size": 6, "y_size": 5, "n_pursuers": 9, "n_evaders": 3, "shared_reward": False, "obs_range": 3, "horizon": 90},
    {"x_size": 5, "y_size": 9, "n_pursuers": 10, "n_evaders": 5, "freeze_evaders": True, "obs_range": 1, "horizon": 90},
    {"tag_reward": 0.3, "catch_reward": 2.0, "urgency_reward": -0.25, "n_pursuers": 5, "horizon": 40},
]
FEW_CATCHES = (0, 1, 6)


@pytest.fixture
def crowded_starts(monkeypatch):
    """The reference looks for ever where so many do not fit with a distance between them: let it put them anywhere."""

    def anywhere(randomizer, map_matrix, expanded_mat, constraints=None):
        open_cells = np.argwhere(map_matrix == 0)
        return tuple(int(part) for part in open_cells[randomizer.integers(len(open_cells))])

    monkeypatch.setattr(agent_utils, "feasible_position_exp", anywhere)


def play_beside(settings, seed):
    """One episode of both from the same start with the same actions; returns evaders caught and how it ended."""
    reference = Reference(settings, seed)
    ours = {name: value for name, value in settings.items()}
    batch = games.make_batch("grid/pursuit_v0", autoreset="disabled", **ours)
    batch.reset()
    batch.load_fields(0, {"pursuers": reference.pursuers(), "evaders": reference.evaders()})
    agents = reference.env.possible_agents
    assert list(batch.agents) == agents
    generator = np.random.default_rng(seed)
    for _ in range(settings["horizon"]):
        for row, agent in enumerate(agents):
            np.testing.assert_array_equal(batch.observations[0, row], reference.observations[agent])
        actions = generator.integers(0, 5, (1, len(agents)), dtype=np.int32)
        reference.observations, rewards, terminations, truncations, _ = reference.env.step(
            dict(zip(agents, actions[0].tolist(), strict=True))
        )
        batch.step(actions)
        np.testing.assert_allclose(batch.rewards[0], [rewards[agent] for agent in agents], rtol=1e-6, atol=1e-7)
        assert batch.terminations[0].tolist() == [terminations[agent] for agent in agents]
        assert batch.truncations[0].tolist() == [truncations[agent] for agent in agents]
        fields = batch.fields(0)
        np.testing.assert_array_equal(fields["pursuers"], reference.pursuers())
        np.testing.assert_array_equal(fields["evaders"] == GONE, reference.evaders() == GONE)
        if settings.get("freeze_evaders"):
            np.testing.assert_array_equal(fields["evaders"], reference.evaders())
        batch.load_fields(0, {"evaders": reference.evaders()})  # they move at random, there and here
        if batch.ended[0]:
            break
    return fields["caught"], "terminated" if batch.terminations[0, 0] else "truncated"


@pytest.mark.parametrize("number", range(len(SETTINGS)))
def test_episodes_are_those_of_pettingzoo(number, crowded_starts):
    outcomes = [play_beside(SETTINGS[number], seed) for seed in range(2 if number in FEW_CATCHES else 4)]
    ends = {end for _, end in outcomes}
    if number in FEW_CATCHES:
        assert ends == {"truncated"}
    else:
        assert sum(caught for caught, _ in outcomes) > 6
    if number == 4:
        assert "terminated" in ends


def test_the_building_is_pettingzoos():
    for x_size in range(2, 30):
        for y_size in range(2, 30):
            walls = PursuitConfig(x_size=x_size, y_size=y_size).walls()
            np.testing.assert_array_equal(walls, -rectangle_map(x_size, y_size).T)


def test_starts_have_pettingzoos_distribution():
    """Where pursuer 0 and evader 1 start, over many episodes of both, on a small map."""
    settings = {"x_size": 5, "y_size": 4, "n_pursuers": 2, "n_evaders": 2, "constraint_window": 0.8}
    episodes = 4000
    env = parallel_env(**settings)
    game = env.aec_env.unwrapped.env
    env.reset(seed=0)
    theirs = np.zeros((2, 5, 4))
    for _ in range(episodes):
        game.reset()
        theirs[(0, *game.pursuer_layer.allies[0].current_position())] += 1
        theirs[(1, *game.evader_layer.allies[1].current_position())] += 1
    batch = games.make_batch("grid/pursuit_v0", episodes, **settings)
    batch.reset()
    ours = np.zeros((2, 5, 4))
    for e in range(episodes):
        fields = batch.fields(e)
        ours[(0, *fields["pursuers"][0])] += 1
        ours[(1, *fields["evaders"][1])] += 1
    np.testing.assert_array_equal(ours == 0, theirs == 0)
    deviation = np.sqrt(np.maximum(ours + theirs, 1))
    assert (np.abs(ours - theirs) < 4.5 * deviation).all()


# ---- by hand ----


def place(pursuers, evaders, num_envs=1, **settings):
    settings = {
        "x_size": 7,
        "y_size": 7,
        "has_building": False,
        "freeze_evaders": True,
        "shared_reward": False,
        **settings,
    }
    batch = games.make_batch(
        "grid/pursuit_v0", num_envs, autoreset="disabled", n_pursuers=len(pursuers), n_evaders=len(evaders), **settings
    )
    batch.reset()
    for env in range(num_envs):
        batch.load_fields(env, {"pursuers": np.array(pursuers, np.uint8), "evaders": np.array(evaders, np.uint8)})
    return batch


def step(batch, *actions):
    batch.step(np.tile(np.array(actions, np.int32), (batch.num_envs, 1)))
    return batch.rewards[0].tolist()


def test_four_around_an_evader_catch_it():
    batch = place([(2, 3), (4, 3), (3, 2), (2, 4)], [(3, 3), (6, 6)])
    # The fourth closes the ring: each has one evader beside it (0.01 / 4, three of four times for the last, who was not
    # beside it before: k = 3, so once of 4), 5 for the catch, -0.1 for the step.
    rewards = step(batch, STAY, STAY, STAY, RIGHT)
    assert rewards == pytest.approx([0.01 - 0.1 + 5] * 3 + [0.0025 - 0.1 + 5])
    assert batch.fields(0)["evaders"].tolist() == [[GONE, GONE], [6, 6]]
    assert batch.infos["caught"].tolist() == [[1, 1, 1, 1]]
    assert batch.fields(0)["caught"] == 1


def test_walls_and_borders_help_to_surround():
    batch = place([(0, 1), (2, 0)], [(0, 0)])
    step(batch, STAY, LEFT)
    assert batch.terminations.tolist() == [[1, 1]]  # the only evader is caught
    batch = place([(0, 1), (1, 0)], [(0, 0)], shared_reward=True)
    assert step(batch, STAY, STAY) == pytest.approx([5 + 0.01 - 0.1] * 2)


def test_without_surround_enough_must_stand_on_the_evader():
    batch = place([(3, 3), (3, 2), (3, 4)], [(3, 3)], surround=False, n_catch=3)
    step(batch, STAY, UP, STAY)
    assert not batch.ended[0]
    step(batch, STAY, STAY, DOWN)
    assert batch.ended[0]
    assert batch.infos["caught"].tolist() == [[1, 1, 1]]


@pytest.mark.parametrize("action", range(5))
def test_actions_move_by_one_cell_and_walls_stop(action):
    dx, dy = STEPS[action]
    batch = place([(3, 3), (0, 0)], [(6, 6)])
    step(batch, action, action)
    assert batch.fields(0)["pursuers"].tolist() == [[3 + dx, 3 + dy], [max(dx, 0), max(dy, 0)]]


def test_evaders_move_uniformly_and_walls_stop_them():
    batch = place([(6, 6)], [(3, 3)] + [(0, 0)] * 29, 500, freeze_evaders=False)
    step(batch, STAY)
    evaders = np.array([batch.fields(env)["evaders"] for env in range(500)])
    moves = np.unique(evaders[:, 0], axis=0).tolist()
    assert moves == sorted([3 + dx, 3 + dy] for dx, dy in STEPS)
    corner = evaders[:, 1:].reshape(-1, 2)  # 14,500 evaders of one corner: 3 of 5 moves leave them there
    assert abs((corner == 0).all(axis=1).mean() - 0.6) < 0.02
    assert abs((corner == (1, 0)).all(axis=1).mean() - 0.2) < 0.016
    assert abs((corner == (0, 1)).all(axis=1).mean() - 0.2) < 0.016


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"obs_range": 4}, "obs_range must be odd, got 4"),
        ({"x_size": 1}, r"x_size must be a whole number in \[2, 64\], got 1"),
        ({"n_pursuers": 0}, "n_pursuers must be a whole number"),
        ({"constraint_window": -0.1}, "constraint_window must be a number in"),
        ({"n_evader": 3}, "did you mean 'n_evaders'"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        games.make_batch("grid/pursuit_v0", **settings)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"pursuers": [[GONE, GONE]] + [[0, 0]] * 7}, "pursuers: number 0 cannot stand at"),
        ({"pursuers": [[8, 8]] + [[0, 0]] * 7}, r"pursuers: number 0 cannot stand at \(8, 8\)"),  # inside the building
        ({"evaders": [[0, 16]] + [[0, 0]] * 29}, r"evaders: number 0 cannot stand at \(0, 16\)"),
    ],
)
def test_bad_states_are_refused(fields, message):
    batch = games.make_batch("grid/pursuit_v0")
    batch.reset()
    with pytest.raises(ValueError, match=message):
        batch.load_fields(0, {name: np.array(value, np.uint8) for name, value in fields.items()})
