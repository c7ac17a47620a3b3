"""Many seeds of QARL and its rivals: turns, contexts, buffers, and each seed beside itself alone."""

import numpy as np
import pytest
import torch

from marl.qarl import checkpoint
from marl.qarl.arena import ADVERSARY, PROTAGONIST
from marl.qarl.replay import StackedReplay
from marl.qarl.replay_learner import SeedDivergedError
from marl.qarl.soft_actor_critic import SacSettings
from marl.qarl.trainer import ManySeedsTrainer, TrainerSettings

WORLD = ("control/pendulum_swingup_v0", {"horizon": 12})


def make(method, seeds=(0, 1), world=WORLD, **settings):
    small = {"iterations": 6, "episodes": 2, "batch_size": 8, "critic_after": 20, "capacity": 100, "threshold": 0.0}
    sac = SacSettings(hidden_sizes=(8, 8), actor_rate=1e-2, critic_rate=1e-2)
    return ManySeedsTrainer(*world, TrainerSettings(method=method, sac=sac, **(small | settings)), seeds)


def weights(trainer, role, index):
    return torch.cat([part.ravel() for layer in trainer.students[role].learners.actor.take(index) for part in layer])


@pytest.mark.parametrize("method", ["qarl", "force", "cat", "mixed_ne_ld", "homogeneous", "rarl_cold"])
def test_every_seed_gets_what_it_would_alone(method):
    """In a world whose episodes all last as long; where they end early, updates come at the mean seed's pace."""
    together, alone = make(method, (3, 7)), make(method, (7,))
    for _ in range(3):
        both, one = together.iterate(), alone.iterate()
    np.testing.assert_allclose(both.returns[1], one.returns[0], rtol=1e-4)
    np.testing.assert_allclose(both.contexts[1], one.contexts[0])
    for role in alone.students:
        torch.testing.assert_close(weights(together, role, 1), weights(alone, role, 0), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(("method", "roles"), [("sac", 1), ("rarl", 2), ("qarl", 2)])
def test_agents_learn_in_turns_from_their_own_phases(method, roles):
    """Two episodes of twelve steps a phase: 24 transitions of each seed for each agent and iteration."""
    trainer = make(method)
    before = {role: weights(trainer, role, 0) for role in trainer.students}
    assert len(before) == roles
    trainer.iterate()
    assert all((replay.sizes == 24).all() for replay in (student.replay for student in trainer.students.values()))
    trainer.iterate()
    assert all(not torch.equal(weights(trainer, role, 0), old) for role, old in before.items())


@pytest.mark.parametrize("method", ["qarl", "force"])
def test_robots_of_gymnasium_are_trained_as_other_bodies_are(method):
    trainer = make(method, world=("mujoco/hopper_v0", {"horizon": 12, "force": 5.0}))
    before = {role: weights(trainer, role, 0) for role in trainer.students}
    for _ in range(2):
        result = trainer.iterate()
    assert all(not torch.equal(weights(trainer, role, 0), old) for role, old in before.items())
    assert (result.returns > 0).all(), "a hopper that stands gets 1 in a step"


def test_contexts_are_the_schedules():
    linear, fixed, force, qarl = (make(method) for method in ("linear", "fixed", "force", "qarl"))
    path = [linear.iterate().contexts[0] for _ in range(6)]
    np.testing.assert_allclose(path, [0.05, 0.03775, 0.0255, 0.01325, 0.001, 0.001])  # over 2/3 of 6 iterations
    assert fixed.iterate().temperatures.tolist() == [0.001, 0.001]
    first = force.iterate()
    assert (first.contexts < 0.25).all(), "Gamma(50, 1000) stands for hardly any force"
    assert (first.temperatures > 0).all(), "the adversary has a temperature of its own"
    assert np.abs(qarl.iterate().contexts - 0.05).max() < 0.02


def test_the_curriculum_moves_after_thirty_episodes():
    """Four episodes count an iteration, so the eighth brings 32; rewards are never below the threshold of 0."""
    trainer = make("qarl", threshold=-1.0)
    for _ in range(7):
        trainer.iterate()
    assert trainer.temperatures.followers[0].concentration == 50
    trainer.iterate()
    assert trainer.temperatures.followers[0].mean_temperature == pytest.approx(0.0433, abs=1e-3)


def test_both_see_the_context_and_the_adversary_learns_with_it():
    trainer = make("qarl")
    contexts = np.array([[0.1, 0.2], [0.3, 0.4]])
    trainer._arena.begin(contexts, 0)
    for role in (PROTAGONIST, ADVERSARY):
        np.testing.assert_allclose(trainer._arena.look(role)[..., -1], contexts)
    assert trainer.students[ADVERSARY].learners.settings.gives_temperature
    assert not trainer.students[PROTAGONIST].learners.settings.gives_temperature


def test_rings_keep_the_latest_of_each_seed():
    replay = StackedReplay([0, 1], 4, 1, 1)
    for step in range(6):
        values = np.full((2, 1, 1), float(step), np.float32)
        kept = np.array([[True], [step < 2]])
        replay.add(values, values, values[..., 0], values, values[..., 0] > 4, kept)
    assert replay.sizes.tolist() == [4, 2]
    drawn = replay.draw(200)
    assert sorted(set(drawn.rewards[0].tolist())) == [2, 3, 4, 5]
    assert sorted(set(drawn.rewards[1].tolist())) == [0, 1]
    assert torch.equal(drawn.observations[..., 0], drawn.rewards)
    assert torch.equal(drawn.ends, (drawn.rewards > 4).float())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "lineer"}, "unknown method 'lineer'; did you mean 'linear'"),
        ({"method": "qarl", "episodes": 0}, "episodes must be a whole number of at least 1, got 0"),
        ({"threshold": np.nan}, "threshold must be a finite number, got nan"),
        ({"critic_after": 101, "capacity": 100}, "critic_after must be at most capacity, or nobody learns; got 101"),
    ],
)
def test_wrong_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        TrainerSettings(**settings)


@pytest.mark.parametrize(("part", "what"), [("targets", "critic_loss"), ("actor", "action")])
def test_a_seed_that_diverges_is_named(part, what):
    trainer = make("sac", (3, 7))
    trainer.iterate()
    trainer.students[PROTAGONIST].learners.networks()[part].weights[0].data[-1] = torch.nan
    with pytest.raises(SeedDivergedError, match=f"seed 7: the protagonist's {what} is not a finite number"):
        trainer.iterate()


@pytest.mark.parametrize("method", ["qarl", "point", "mixed_ne_ld"])
def test_a_saved_training_goes_on_as_if_it_had_not_stopped(method, tmp_path):
    trainer, later = make(method), make(method)
    for _ in range(3):
        trainer.iterate()
    checkpoint.save(trainer, tmp_path)
    checkpoint.load(later, tmp_path)
    for _ in range(6):
        one, other = trainer.iterate(), later.iterate()
    np.testing.assert_array_equal(one.discounted, other.discounted)
    np.testing.assert_array_equal(one.contexts, other.contexts)
    for role in trainer.students:
        assert torch.equal(weights(trainer, role, 1), weights(later, role, 1))


def test_checkpoints_of_other_trainings_and_damaged_ones_are_named(tmp_path):
    trainer = make("sac")
    trainer.iterate()
    checkpoint.save(trainer, tmp_path)
    with pytest.raises(checkpoint.CheckpointError, match=r"'method': 'sac'.* not .*'method': 'cat'"):
        checkpoint.load(make("cat"), tmp_path)
    with pytest.raises(checkpoint.CheckpointError, match=r"nowhere.* cannot be read"):
        checkpoint.load(make("sac"), tmp_path / "nowhere")
    (tmp_path / checkpoint.TENSORS).write_bytes(b"damage")
    with pytest.raises(checkpoint.CheckpointError, match="cannot be read"):
        checkpoint.load(make("sac"), tmp_path)
