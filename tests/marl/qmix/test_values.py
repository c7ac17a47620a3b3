"""The arithmetic of value factorization against numbers worked out by hand."""

import itertools
import math

import pytest
import torch

from marl.qmix.networks import MonotonicMixer, SumMixer
from marl.qmix.settings import FactorizationSettings
from marl.qmix.values import explore, masked_loss, monotonic_mix, next_values, standardize, td_targets


def test_the_mixer_has_the_numbers_worked_out_by_hand():
    """Two agents worth 2 and -1, two hidden units; weights count by their size alone.

    Unit 0: |1| 2 + |-2| (-1) + 0.5 = 0.5, ELU 0.5. Unit 1: |-0.5| 2 + |3| (-1) + 0 = -2, ELU e^-2 - 1.
    """
    w1 = torch.tensor([[[1.0, -0.5], [-2.0, 3.0]]])
    mixed = monotonic_mix(
        torch.tensor([[2.0, -1.0]]), w1, torch.tensor([[0.5, 0.0]]), torch.tensor([[-4.0, 2.0]]), torch.tensor([10.0])
    )
    assert mixed.item() == pytest.approx(4 * 0.5 + 2 * (math.exp(-2) - 1) + 10, rel=1e-6)


def test_the_weights_of_the_mixer_come_from_the_state():
    """Linear hypernets of a state of one number s: w1 = s, b1 = 0, w2 = -2, b2 = relu(s) + 1."""
    mixer = MonotonicMixer(num_agents=1, state_size=1, mixing_size=1, hypernet_size=0)
    first, last = mixer.make_b2[0], mixer.make_b2[2]
    layers = [(mixer.make_w1, 1, 0), (mixer.make_b1, 0, 0), (mixer.make_w2, 0, -2), (first, 1, 0), (last, 1, 1)]
    with torch.no_grad():
        for layer, weight, bias in layers:
            layer.weight.fill_(weight)
            layer.bias.fill_(bias)
    found = mixer(torch.tensor([[5.0], [5.0], [-1.0]]), torch.tensor([[3.0], [-3.0], [1.0]]))
    assert found.tolist() == pytest.approx([2 * 15 + 4, 2 * 15 + 1, 2 * (math.exp(-1) - 1) + 2])


@pytest.mark.parametrize("hypernet_size", [0, 8])
def test_no_agent_can_make_the_team_poorer_by_being_worth_more(hypernet_size):
    """dQ_tot / dQ_a >= 0 everywhere (QMIX eq. 5), by autograd."""
    torch.manual_seed(0)
    mixer = MonotonicMixer(num_agents=4, state_size=3, mixing_size=8, hypernet_size=hypernet_size)
    local_q = (10 * torch.randn(500, 4)).requires_grad_()
    mixer(local_q, 5 * torch.randn(500, 3)).sum().backward()
    assert (local_q.grad >= 0).all()
    assert (local_q.grad > 0).any(dim=0).all(), "and every agent matters somewhere"


@pytest.mark.parametrize("make", [lambda: SumMixer(), lambda: MonotonicMixer(3, 2, 8, 8)])
def test_the_best_joint_action_is_every_agents_best_action(make):
    torch.manual_seed(1)
    mixer = make()
    for _ in range(50):
        values, state = torch.randn(3, 4), torch.randn(1, 2)
        joint = list(itertools.product(range(4), repeat=3))
        rows = torch.stack([values[torch.arange(3), torch.tensor(actions)] for actions in joint])
        mixed = mixer(rows, state.expand(len(rows), -1))
        assert mixed[joint.index(tuple(values.argmax(dim=1).tolist()))] >= mixed.max() - 1e-6


def test_double_q_lets_one_network_choose_and_the_other_judge():
    target, online = torch.tensor([[1.0, 5.0, 9.0]]), torch.tensor([[7.0, 8.0, 0.0]])
    assert next_values(target, None, None).item() == 9
    assert next_values(target, online, None).item() == 5
    assert next_values(target, online, torch.tensor([[1, 0, 1]])).item() == 1, "8 is forbidden, 7 chooses"
    assert next_values(target, None, torch.tensor([[1, 1, 0]])).item() == 5


def test_a_row_without_a_legal_action_has_a_finite_value():
    assert next_values(torch.tensor([[1.0, 5.0]]), None, torch.tensor([[0, 0]])).item() == 5


def test_time_limits_are_bootstrapped_and_ends_are_not():
    targets = td_targets(torch.tensor([1.0, 1.0]), torch.tensor([10.0, 10.0]), torch.tensor([False, True]), 0.9)
    assert targets.tolist() == pytest.approx([10.0, 1.0])


def test_losses_are_means_over_the_steps_that_are_there():
    errors, mask = torch.tensor([[0.5, -3.0], [100.0, 2.0]]), torch.tensor([[True, True], [False, True]])
    assert masked_loss(errors, mask, "squared").item() == pytest.approx((0.25 + 9 + 4) / 3)
    assert masked_loss(errors, mask, "huber").item() == pytest.approx((0.125 + 2.5 + 1.5) / 3)


def test_standardized_rewards_have_mean_0_and_deviation_1():
    rewards, mask = torch.tensor([1.0, 3.0, 77.0]), torch.tensor([True, True, False])
    assert standardize(rewards, mask)[:2].tolist() == pytest.approx([-1, 1], abs=1e-4)


@pytest.mark.parametrize(
    ("masks", "epsilon", "expected"),
    [
        (None, 0.3, [0.1, 0.8, 0.1]),
        ([1, 0, 1], 0.3, [0.15, 0, 0.85]),
        ([0, 0, 0], 0.3, [0.1, 0.8, 0.1]),
        ([1, 1, 0], 0.0, [0, 1, 0]),
        ([1, 1, 0], 1.0, [0.5, 0.5, 0]),
    ],
)
def test_exploration_has_the_chances_of_epsilon_greedy(masks, epsilon, expected):
    values = torch.tensor([[0.0, 9.0, 1.0]])
    logits = explore(values, None if masks is None else torch.tensor([masks]), epsilon)
    torch.testing.assert_close(logits.softmax(dim=-1), torch.tensor([expected], dtype=torch.float32))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"mixer": "qmiks"}, "unknown mixer 'qmiks'; did you mean 'qmix'"),
        ({"tau": 0.0}, "tau must be above 0 and at most 1, got 0.0"),
        ({"tau": float("nan")}, "tau must be a finite number, got nan"),
        ({"capacity": 0}, "capacity must be a whole number of at least 1, got 0"),
        ({"observation_scale": -1}, "observation_scale must be above 0, got -1"),
        ({"observation_scale": float("nan")}, "observation_scale must be a finite number"),
        ({"double_q": "no"}, "double_q must be True or False, got 'no'"),
        ({"hidden_sizes": 64}, "hidden_sizes must be at least one width in a list, got 64"),
        ({"epsilon": 0.1}, r"epsilon must be a list of \(step, chance\), got 0.1"),
        ({"epsilon": [(0, 1.0, 3)]}, r"epsilon must be a list of \(step, chance\)"),
        ({"epsilon": [(0, float("nan"))]}, "a chance of epsilon must be a finite number, got nan"),
        ({"team_reward": "own"}, "team_reward='own' is for agents that learn by themselves"),
        ({"epsilon": [(10, 1.0)]}, "epsilon must be .* from step 0 on"),
        ({"steps_per_update": 64}, "steps_per_update must be None where is_recurrent"),
        ({"hidden_sizes": ()}, "hidden_sizes must be at least one width"),
    ],
)
def test_settings_out_of_range_are_refused_with_a_reason(settings, message):
    with pytest.raises(ValueError, match=message):
        FactorizationSettings(**settings)
