"""The population curriculum: what is matched, kept and counted."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from small_teams import RESOURCES, make_module, small_config

from marl.mra import curriculum
from marl.mra.adaptation import take_over
from marl.mra.curriculum import Stage, grow, match
from marl.mra.play import play_episodes

SMALL, LARGE = {"num_agents": 2, "horizon": 4}, {"num_agents": 4, "horizon": 4}


def test_matches_are_all_teams_of_parents_groups_unmixed_first() -> None:
    """By hand: two parents of two groups make four teams."""
    a, b = ({"reds": make_module(seed=i), "blues": make_module(seed=i + 9)} for i in range(2))
    teams = match([a, b])
    names = {id(module): name for name, team in (("a", a), ("b", b)) for module in team.values()}
    assert [names[id(team["reds"])] + names[id(team["blues"])] for team in teams] == ["aa", "bb", "ab", "ba"]
    assert len(match([{"agents": make_module()}] * 3)) == 3


def test_the_best_of_each_stage_goes_on(local_ray: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    starts: list[Any] = []

    def record(algorithm: Any, modules: Any) -> None:
        starts.append(copy.deepcopy(modules))
        take_over(algorithm, modules)

    monkeypatch.setattr(curriculum, "take_over", record)
    config = small_config(world=SMALL, num_latents=1)
    rounds: list[tuple[int, int]] = []
    stages = [Stage(SMALL, 2), Stage(LARGE, 1)]
    own = {"candidates": 2, "kept": 1, "episodes": 10, "seed": 3}
    grown = grow(config, stages, **own, watch=lambda *told: rounds.append(told[2:]))
    assert rounds == [(0, 24), (0, 48), (1, 72), (1, 96), (2, 120)]  # teams, and 6 envs of 4 steps more each
    assert [len(scores) for scores in grown.scores] == [2, 1]
    assert grown.env_steps == 2 * 2 * 6 * 4 + 6 * 4  # candidates, rounds, envs, steps
    paid = play_episodes(grown.team, RESOURCES, LARGE, episodes=10, seed=3 + 100 + 99).returns["agents"].mean()
    assert paid == pytest.approx(grown.scores[-1][0])
    (start,) = starts  # of the one team of the second stage: the better of the first, and moved by a step or two
    paid = play_episodes(start, RESOURCES, SMALL, episodes=10, seed=3 + 99).returns["agents"].mean()
    assert paid == pytest.approx(max(grown.scores[0]))
    before, after = (dict(team["agents"].actor.named_parameters()) for team in (start, grown.team))
    moved = [(after[name] - before[name]).abs().max().item() for name in before]
    assert 0 < max(moved) < 0.005  # Adam moves a weight by 3e-4 a step at most, and there are few


@pytest.mark.parametrize(
    ("changes", "message"), [({"kept": 3}, "kept <= candidates"), ({"stages": []}, "a stage"), ({}, "num_latents=1")]
)
def test_curricula_that_cannot_be_are_refused(changes: dict[str, Any], message: str) -> None:
    config = small_config(world=SMALL, num_latents=2)
    with pytest.raises(ValueError, match=message):
        grow(config, **{"stages": [Stage(SMALL, 1)], "candidates": 2, "kept": 1, **changes})
