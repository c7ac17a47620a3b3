"""Adaptation of latents: its start, its step worked by hand, and what it finds in a made-up game of many agents."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from small_teams import RESOURCES, make_module

from marl.mra import adaptation
from marl.mra.adaptation import adapt_latents, choose_latent
from marl.mra.play import Played

LATENTS, WORTH, NOISE = 6, 20.0, 25.0
BEST = 4


def play_made_up_game(
    modules: Any, env_id: str, settings: dict[str, Any], *, episodes: int, seed: int, latents: Any
) -> Played:
    """A team in which all have the best latent is paid 20 more than one in which nobody has; all else is noise."""
    rng, logits = np.random.default_rng(seed), latents["agents"]
    noise = rng.gumbel(size=(episodes, settings["num_agents"], len(logits)))
    drawn = (logits + noise).argmax(axis=-1)
    returns = WORTH * (drawn == BEST).mean(axis=1) + NOISE * rng.normal(size=episodes)
    return Played({"agents": returns}, np.full(episodes, drawn.shape[1]), {"agents": drawn}, {})


def chances_of_best(num_agents: int, after: tuple[int, ...], seed: int, **changes: Any) -> list[float]:
    """The chance of the best latent after k updates from even logits, in the made-up game."""
    team = {"agents": make_module({"num_agents": num_agents}, num_latents=LATENTS, prior="uniform")}
    world = {"num_agents": num_agents}
    found = adapt_latents(team, RESOURCES, world, after=after, episodes=200, seed=1000 * seed, **changes)
    odds = [np.exp(found[k]["agents"]) for k in after]
    return [float(own[BEST] / own.sum()) for own in odds]


@pytest.mark.parametrize("num_agents", [3, 24, 48])
def test_a_latent_worth_20_points_is_found_in_any_number(num_agents: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is all that the return hangs on, so that the best is to take it always; 1/6 at first."""
    monkeypatch.setattr(adaptation, "play_episodes", play_made_up_game)
    course = np.mean([chances_of_best(num_agents, (0, 1, 5, 20), seed) for seed in range(3)], axis=0)
    assert course[0] == pytest.approx(1 / 6)
    assert (np.diff(course) > 0.02).all()
    assert course[-1] > 0.7


def test_an_update_is_the_sum_over_agents_worked_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even latents a and b, two episodes of returns 0 and 2, that is -1 and 1 deviations.

    One has drawn a, a, a and the other a, b, b: hits less those expected are (3/2, -3/2) and (-1/2, 1/2), and the mean
    of advantage times that is (-1, 1); at rate 0.5 logits go from (c, c) to (c - 0.5, c + 0.5).
    """
    drawn = np.array([[0, 0, 0, -1], [0, 1, 1, -1]])
    played = Played({"agents": np.array([0.0, 2.0])}, np.array([3, 3]), {"agents": drawn}, {})
    monkeypatch.setattr(adaptation, "play_episodes", lambda *args, **kwargs: played)
    team = {"agents": make_module(num_latents=2, prior="uniform")}
    found = adapt_latents(team, RESOURCES, {"num_agents": 3}, after=[1], episodes=2, seed=0, rate=0.5)
    np.testing.assert_allclose(found[1]["agents"], np.log(0.5) + np.array([-0.5, 0.5]))


def test_adaptation_starts_at_the_prior_of_the_population_and_its_course_is_one_run() -> None:
    """Against the prior network, asked for 7; k updates are the same whatever comes after them."""
    team, world = {"agents": make_module()}, {"num_agents": 7, "horizon": 2}
    both = adapt_latents(team, RESOURCES, world, after=[2, 0], episodes=3, seed=1)
    expected = team["agents"].actor.prior(torch.tensor(7)).detach().numpy()
    np.testing.assert_allclose(both[0]["agents"], expected, rtol=1e-6)
    longer = adapt_latents(team, RESOURCES, world, after=[2, 3], episodes=3, seed=1)
    np.testing.assert_array_equal(longer[2]["agents"], both[2]["agents"])
    assert not np.array_equal(longer[3]["agents"], longer[2]["agents"])


def test_worlds_of_several_populations_are_refused() -> None:
    world = {"num_agents": 4, "populations": (3, 4)}
    with pytest.raises(ValueError, match="one population at a time"):
        adapt_latents({"agents": make_module()}, RESOURCES, world, after=[1], episodes=2, seed=0)


def test_the_best_latent_is_the_one_that_pays_most_by_the_mean_of_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """By hand: latents pay reds 1, 9, 5 and blues 6, 0, 5, that is 3.5, 4.5 and 5."""
    paid = {"reds": (1.0, 9.0, 5.0), "blues": (6.0, 0.0, 5.0)}

    def play(modules: Any, env_id: str, settings: Any, *, episodes: int, seed: int, latents: int) -> Played:
        returns = {name: own[latents] + np.array([-1.0, 1.0]) for name, own in paid.items()}
        return Played(returns, np.array([2, 2]), {}, {})

    monkeypatch.setattr(adaptation, "play_episodes", play)
    choice = choose_latent(dict.fromkeys(paid, make_module()), RESOURCES, {}, episodes=2, seed=0)
    assert (choice.latent, choice.returns) == (2, (3.5, 4.5, 5.0))
