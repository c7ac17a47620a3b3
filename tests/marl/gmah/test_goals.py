"""The arithmetic of subgoals, by hand and by brute force."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch

from marl.gmah.goals import (
    CAUSES,
    COMPLETED,
    FIRST,
    GOES_ON,
    VOID,
    allowed_subgoals,
    choose_uniformly,
    count_subgoals,
    intrinsic_rewards,
    next_achievements,
)
from marl.qmix.networks import MonotonicMixer
from marl.qmix.values import forbid


def test_who_goes_on_has_one_choice() -> None:
    admissible = torch.tensor([[True, True, False], [True, True, False]])
    allowed = allowed_subgoals(admissible, torch.tensor([2, 2]), torch.tensor([GOES_ON, COMPLETED]))
    assert allowed.tolist() == [[False, False, True], [True, True, False]]


def test_the_best_joint_subgoals_are_each_agents_best_though_some_go_on() -> None:
    """All joint choices of 3 agents and 4 subgoals, in 50 random states: option (b) keeps what QMIX is for."""
    torch.manual_seed(0)
    mixer = MonotonicMixer(3, 5, 8, 8)
    for _ in range(50):
        values, state = torch.randn(3, 4), torch.randn(1, 5)
        causes = torch.randint(0, 2, (3,))
        allowed = allowed_subgoals(torch.rand(3, 4) < 0.7, torch.randint(0, 4, (3,)), causes)
        allowed[:, 0] |= ~allowed.any(dim=-1)
        choices = [allowed[agent].nonzero().flatten().tolist() for agent in range(3)]
        best = max(product(*choices), key=lambda joint: mixer(values[range(3), list(joint)][None], state).item())
        assert list(best) == forbid(values, allowed).argmax(dim=-1).tolist()


def test_what_is_completed_next_is_found_looking_forward() -> None:
    torch.manual_seed(1)
    done = torch.rand(40, 2, 3) < 0.05
    found = next_achievements(done)
    for t, p in product(range(40), range(2)):
        later = [(s, g) for s in range(t, 40) for g in range(3) if done[s, p, g]]
        assert found[t, p] == (min(later)[1] if later else -1)
    assert (found == -1).any()


def test_intrinsic_rewards_by_hand() -> None:
    """Completed; gone; a step nearer; a step farther, at 1, 0.05 and 0.02."""
    rewards = intrinsic_rewards(
        torch.tensor([True, False, False, False]),
        torch.tensor([False, True, False, False]),
        torch.tensor([1.0, 3.0, 1.0, -1.0]),
        (1.0, 0.05, 0.02),
    )
    assert rewards.tolist() == pytest.approx([0.98, -0.02, 0.03, -0.07])


def test_uniform_choices_take_all_that_is_admissible_as_often() -> None:
    admissible = torch.tensor([False, True, False, True, True]).expand(300, 5)
    chosen = choose_uniformly(admissible, torch.arange(300) / 300)
    assert chosen.bincount(minlength=5).tolist() == [0, 100, 0, 100, 100]


def test_subgoals_are_counted_by_how_they_ended() -> None:
    """Agent 0: 3 steps, completed; 2 steps, void, and idle ever after. Agent 1: idle at first, then 5 steps to the end.

    Two ended, after 3 + 2 steps; 5 more belong to the one that the episode cut short.
    """
    causes = np.array([[FIRST, FIRST], [0, VOID], [0, 0], [COMPLETED, 0], [0, 0], [VOID, 0]])
    is_idle = np.array([[0, 1], [0, 0], [0, 0], [0, 0], [0, 0], [1, 0]], bool)
    counts = dict(zip((*CAUSES, "steps"), count_subgoals(causes, is_idle).tolist(), strict=True))
    assert {name: count for name, count in counts.items() if count} == {"completed": 1, "void": 1, "steps": 10}
