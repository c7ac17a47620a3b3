"""Arenas: common starts, bodies of their own, players that stay as they were."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import games
from agents.random_player import RandomPlayer
from agents.swingers import ConstantPusher, GapSeeker
from games.names import UnknownNameError
from marl.psro.match import play_episodes
from marl.robustness.arena import Arena, find_setter

CARTPOLE = "control/cartpole_balance_v0"
POINT_MASS = "control/point_mass_gap_left_v0"


class Watcher(ConstantPusher):
    """Pushes, and keeps what it saw first and the world it was in."""

    def __init__(self, direction):
        super().__init__(direction)
        self.first, self.configs = [], []

    def act(self, batch, agent):
        if not self.configs or self.configs[-1] is not batch.config:
            self.configs.append(batch.config)
            self.first.append(batch.groups["protagonist"].observations[:, 0].copy())
        return super().act(batch, agent)


def test_episodes_of_all_bodies_and_players_have_common_starts():
    arena = Arena(CARTPOLE, {"horizon": 3}, episodes=4, seed=7)
    watcher, other = Watcher((0.5,)), Watcher((-1.0,))
    arena.play(watcher, RandomPlayer(0), [{}, {"masses": (0.5, 2.0)}, {"masses": (1.5, 0.1)}])
    arena.play(other)
    starts = watcher.first[0].reshape(3, 4, -1)
    assert len(np.unique(starts[0], axis=0)) == 4
    np.testing.assert_array_equal(starts, np.stack([other.first[0]] * 3))
    arena.change(seed=8).play(watcher)
    assert not (watcher.first[1] == other.first[0]).all(axis=1).any()


def test_a_body_is_worth_what_a_world_of_that_body_is():
    arena = Arena(CARTPOLE, {"horizon": 60}, episodes=3, seed=1)
    heavy = {"masses": (1.5, 0.4), "damping": (0.1, 0.01)}
    own, changed = arena.play(RandomPlayer(3), RandomPlayer(4), [{}, heavy])
    np.testing.assert_array_equal(
        arena.play(ConstantPusher((0.1,)), bodies=[{}, heavy])[1], arena.change(**heavy).play(ConstantPusher((0.1,)))[0]
    )
    assert not np.array_equal(own, changed)


def test_bodies_that_do_not_fit_at_once_are_played_all_the_same():
    arena = Arena(CARTPOLE, {"horizon": 20}, episodes=3)
    bodies = [{"masses": (mass, 0.1)} for mass in (0.5, 0.8, 1.0, 1.3, 2.0)]
    whole = arena.play(ConstantPusher((0.2,)), bodies=bodies)
    for num_envs in (1, 3, 7):
        few = dataclasses.replace(arena, num_envs=num_envs)
        np.testing.assert_array_equal(few.play(ConstantPusher((0.2,)), bodies=bodies), whole)


def test_returns_are_those_of_whole_episodes_even_where_some_end_early():
    """Beside marl/psro/match.py, which plays the same episodes another way; it lists those that end first first."""
    settings = {"horizon": 250, "force": 0.7, "variants": ({"masses": (2.0, 1.0)}, {"masses": (8.0, 1.0)})}
    arena = Arena("control/point_mass_gap_v0", settings, episodes=6, seed=5)
    players = {"protagonist_0": GapSeeker(), "adversary_0": RandomPlayer(2)}
    other = play_episodes(arena.env_id, players, 6, seed=5, settings=arena.settings)
    assert len(set(other.lengths)) > 1
    own = arena.play(GapSeeker(), RandomPlayer(2))[0]
    np.testing.assert_allclose(np.sort(own), np.sort(other.returns[:, 0]), rtol=1e-6)


def test_a_player_is_left_as_it_was():
    arena = Arena(CARTPOLE, {"horizon": 5}, episodes=2)
    player, pusher = RandomPlayer(0), RandomPlayer(1)
    before = player.get_state()
    first = arena.play(player, pusher)
    assert player.get_state() == before
    np.testing.assert_array_equal(arena.play(player, pusher), first)


def test_without_an_adversary_no_wind_blows():
    """Against the wind to the left no push is -1, not 0, so it is the force that is 0."""
    arena = Arena(POINT_MASS, {"horizon": 5})
    watcher = Watcher((0.0, 1.0))
    arena.play(watcher)
    arena.play(watcher, ConstantPusher((0.0,)))
    assert [config.force for config in watcher.configs] == [0, 10]


def test_what_cannot_be_played_is_refused_at_once():
    with pytest.raises(UnknownNameError, match="did you mean 'control/cartpole_balance_v0'"):
        Arena("control/cartpole_balanced_v0")
    with pytest.raises(ValueError, match=r"grid/trust_v0 must have one agent in each of the groups .*, has {'hunters'"):
        Arena("grid/trust_v0")
    with pytest.raises(ValueError, match="at least 1 episode, got 0"):
        Arena(CARTPOLE, episodes=0)
    with pytest.raises(ValueError, match="at least 1 body, got none"):
        Arena(CARTPOLE).play(RandomPlayer(0), bodies=[])
    with pytest.raises(ValueError, match="grid/trust_v0 has no set_parameters"):
        find_setter(games.make_batch("grid/trust_v0"))
    with pytest.raises(ValueError, match=r"masses must be 2 numbers in \[0.001, 1000\]"):
        Arena(CARTPOLE).play(RandomPlayer(0), bodies=[{"masses": (0.0, 1.0)}])


def test_the_bench_needs_neither_torch_nor_ray():
    modules = sorted(path.stem for path in (Path(__file__).parents[3] / "marl/robustness").glob("[a-z]*.py"))
    imports = ", ".join(f"marl.robustness.{name}" for name in modules)
    code = f"import sys, {imports}; print(sorted({{'torch', 'ray'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert len(modules) == 8
    assert done.stdout.strip() == "[]"
