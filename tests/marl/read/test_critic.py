"""The critic: its identities, its agreement with dynamic programming, and what it is fitted to."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

import games
from agents.cube_sorters import CubeSorter
from agents.planners.noisy_script import NoisyScriptPlanner
from agents.planners.plans import write_plan
from agents.planners.protocol import Reply
from agents.sandwich_makers import SandwichMaker
from agents.shortest_plans import leave_out_time
from games.wording import wording
from marl.read.critic import Critic, CriticSettings, fit, load_critic, local_advantages, prefixes, save_critic
from marl.read.encoders import OPEN, SentenceEncoder, StructuredEncoder, state_of
from marl.read.exact import ExactValues
from marl.read.experience import Experience, ExperienceSettings, discounted, gather
from marl.read.methods import METHODS, Controls, choose_by
from marl.read.refine import Memory, Rules, decide, play
from marl.read.scores import (
    JointAdvantage,
    SequentialAdvantage,
    best_joint_action,
    evaluate,
    valid_joint_actions,
    wait_gap,
)
from marl.read.starts import scatter

NOISE, GAMMA = 0.3, 0.9


def make(id, player, **config):
    batch = games.make_batch(f"cooperation/{id}_v0", autoreset="disabled", **config)
    batch.reset()
    return batch, dict.fromkeys(batch.agents, player())


def exact_of(batch, players, noise=NOISE, discount=GAMMA):
    return ExactValues(batch, players, noise, discount)


def key_of(batch):
    return leave_out_time(batch.observations).tobytes()


class OfExact:
    """Exact values of the state of a batch, as a critic's."""

    def __init__(self, exact, batch):
        self.exact, self.batch = exact, batch

    def values(self, states, texts, actions):
        step = int(self.batch.fields(0)["timestep"])
        return np.array([self.exact.value(key_of(self.batch), step, row) for row in actions])


@pytest.fixture(scope="module")
def fitted():
    """A sandwich of three foods: batch, players, experience and a critic."""
    batch, players = make("sandwich", SandwichMaker, level="recipe1")
    settings = ExperienceSettings(episodes=400, discount=GAMMA)
    experience = gather(batch, lambda n: NoisyScriptPlanner(batch, players, NOISE, n), players, settings)
    critic = fit(experience, StructuredEncoder(batch), CriticSettings(hidden=(64, 64), steps=1200, discount=GAMMA))
    return batch, players, experience, critic


# ---- identities ----


def test_local_advantages_sum_to_the_joint_one_to_float_precision(fitted):
    """HAPPO's lemma 1 (Kuba et al. 2022), here a telescoping sum: it holds whatever was learned."""
    _, _, experience, critic = fitted
    rows = np.random.default_rng(0).integers(len(experience.returns), size=200)
    for row in rows:
        given = prefixes(experience.actions[row])
        values = critic.values(np.repeat(experience.states[row][None], len(given), axis=0), [], given)
        assert local_advantages(values).sum() == pytest.approx(values[-1] - values[0], abs=1e-12)


def test_judges_give_the_same_sum_robot_by_robot_as_at_once(fitted):
    batch, _, _, critic = fitted
    judge = SequentialAdvantage(critic, wording(batch.config))
    batch.reset()
    parts = [judge.score(batch, {}, {0: 3}), judge.score(batch, {0: 3}, {1: 5})]
    assert sum(parts) == pytest.approx(judge.score(batch, {}, {0: 3, 1: 5}), abs=1e-12)


def test_prefixes_by_hand():
    assert prefixes(np.array([4, 0, 7])).tolist() == [[-1, -1, -1], [4, -1, -1], [4, 0, -1], [4, 0, 7]]


def test_the_joint_score_is_the_advantage_where_waiting_only_discounts():
    """A critic with Q(s, w) = gamma V(s): by hand, 5 - 0.9 * 4 / 0.9 = 5 - 4."""

    class Waiting:
        def values(self, states, texts, actions):
            return np.array([{0: 3.6, OPEN: 4.0}.get(row[0], 5.0) for row in actions])

    batch, _ = make("sandwich", SandwichMaker)
    words = wording(batch.config)
    plan = {0: 3, 1: 4}
    assert JointAdvantage(Waiting(), words, 0.9).score(batch, {}, plan) == pytest.approx(1.0)
    assert SequentialAdvantage(Waiting(), words).score(batch, {}, plan) == pytest.approx(1.0)
    assert wait_gap(Waiting(), batch, words, 0.9) == pytest.approx(0.0)


# ---- dynamic programming ----


def test_exact_values_of_a_script_without_slips_by_hand():
    """recipe1 stacks a food in its steps 2, 3 and 4 (games/sandwich/README.md); sort1 sorts all three in one step."""
    batch, players = make("sandwich", SandwichMaker, level="recipe1")
    value = exact_of(batch, players, noise=0).value(key_of(batch), 0, np.full(2, OPEN))
    assert value == pytest.approx(GAMMA + GAMMA**2 + GAMMA**3)
    batch, players = make("sort", CubeSorter, level="sort1")
    exact = exact_of(batch, players, noise=0)
    assert exact.value(key_of(batch), 0, np.full(3, OPEN)) == pytest.approx(3)
    assert exact.value(key_of(batch), 14, np.full(3, OPEN)) == pytest.approx(3)


def test_exact_values_of_slips_are_the_mean_of_what_happens():
    """Against play itself: the mean return of 600 episodes, within four standard errors."""
    batch, players = make("sort", CubeSorter, level="sort2")
    words, returns = wording(batch.config), []
    for number in range(600):
        planner, rewards = NoisyScriptPlanner(batch, players, NOISE, number), []

        def choose(memory, planner=planner, rewards=rewards):
            rewards.append(float(batch.rewards[0].mean()))
            return decide(batch, words, planner, Rules(max_queries=30), memory=memory)

        play(batch, choose)
        returns.append(discounted([*rewards[1:], float(batch.rewards[0].mean())], GAMMA)[0])
    batch.reset()
    value = exact_of(batch, players).value(key_of(batch), 0, np.full(3, OPEN))
    assert value == pytest.approx(np.mean(returns), abs=4 * np.std(returns) / 600**0.5)


def test_exact_values_of_subsets_average_over_what_the_planner_adds():
    batch, players = make("sort", CubeSorter, level="sort5")
    exact = exact_of(batch, players)
    for key, choices in list(exact.choices.items())[:20]:
        firsts = np.unique(choices.joints[:, 0])
        chances = [choices.chances[choices.joints[:, 0] == first].sum() for first in firsts]
        values = [exact.value(key, 3, np.array([first, OPEN, OPEN])) for first in firsts]
        assert np.dot(chances, values) == pytest.approx(exact.value(key, 3, np.full(3, OPEN)))
        assert sum(chances) == pytest.approx(1)
    assert np.isnan(exact.value(key, 3, np.array([21, 21, 21])))


def test_the_best_of_exact_values_alone_does_the_task_in_the_fewest_steps():
    """Four steps, games/sort/README.md: with the truth there would be nothing to ask a planner."""
    batch, players = make("sort", CubeSorter, level="sort5")
    exact, words = OfExact(exact_of(batch, players), batch), wording(batch.config)
    episode = play(batch, lambda memory: best_joint_action(exact, batch, words, is_checked=True))
    assert (episode.is_done, episode.steps) == (True, 4)


def test_the_critic_ranks_plans_as_dynamic_programming_does(fitted):
    """Spearman's correlation of Q(s, a) - V(s) over valid plans: pooled over states on a script's way, and in each."""
    batch, players, _, critic = fitted
    exact, words = exact_of(batch, players), wording(batch.config)
    truths, scores, within = [], [], []
    batch.reset()
    while not batch.ended[0]:
        key, step = key_of(batch), int(batch.fields(0)["timestep"])
        joints = np.array(list(valid_joint_actions(batch, words)), np.int32)
        truth = exact.joint_values(key, step) - exact.value(key, step, np.full(2, OPEN))
        values = evaluate(critic, batch, words, np.concatenate([joints, np.full((1, 2), OPEN)]))
        assert (joints == exact.choices[key].joints).all()
        truths += truth.tolist()
        scores += (values[:-1] - values[-1]).tolist()
        within.append(spearmanr(truth, values[:-1]).statistic)
        batch.step(np.array([[players[agent].act(batch, agent)[0] for agent in batch.agents]], np.int32))
    assert spearmanr(truths, scores).statistic > 0.7
    assert np.mean(within) > 0.7


# ---- fitting and files ----


def test_a_critic_of_a_choice_by_hand():
    """Two robots, one state. Returns by joint action: 00 -> 0, 01 -> 2, 10 -> 1, 11 -> 5; each as often.

    By hand: V = 2, Q(a_1=0) = 1, Q(a_1=1) = 3, and local advantages of (1, 1) are 3 - 2 and 5 - 3.
    """

    class Plain:
        size = 4

        def __call__(self, states, texts, actions):
            return (actions[:, :, None] == np.arange(2)).reshape(len(actions), -1).astype(np.float32)

    actions = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    experience = Experience(np.zeros((4, 0), np.float32), [], actions, np.array([0.0, 2.0, 1.0, 5.0]), 0)
    critic = fit(experience, Plain(), CriticSettings(hidden=(32,), steps=500, batch_size=64, learning_rate=1e-2))
    given = prefixes(np.array([1, 1]))
    values = critic.values(np.zeros((3, 0), np.float32), [], given)
    np.testing.assert_allclose(values, [2, 3, 5], atol=0.15)
    np.testing.assert_allclose(local_advantages(values), [1, 2], atol=0.2)


def test_the_fit_depends_on_its_seed_alone(fitted):
    batch, _, experience, _ = fitted
    settings = CriticSettings(hidden=(8,), steps=5)
    one = fit(experience, StructuredEncoder(batch), settings)
    torch.rand(3)
    other = fit(experience, StructuredEncoder(batch), settings)
    assert all(torch.equal(a, b) for a, b in zip(one.network.parameters(), other.network.parameters(), strict=True))
    with pytest.raises(ValueError, match="needs some experience"):
        fit(Experience(experience.states[:0], [], experience.actions[:0], np.zeros(0), 0), one.encoder, settings)


def test_a_critic_is_read_back_as_it_was(fitted, tmp_path):
    batch, _, experience, critic = fitted
    save_critic(critic, tmp_path)
    again = load_critic(tmp_path, StructuredEncoder(batch))
    rows = experience.states[:5], [], experience.actions[:5]
    np.testing.assert_array_equal(critic.values(*rows), again.values(*rows))
    other, _ = make("sort", CubeSorter)
    with pytest.raises(ValueError, match="features, the encoder"):
        load_critic(tmp_path, StructuredEncoder(other))


def test_experience_has_the_planners_steps_with_waits_first_only_where_they_are_put():
    """A planner that always has Chad pick: who waits then was put there, after a scattered start."""
    batch, players = make("sandwich", SandwichMaker, level="recipe1")
    words = wording(batch.config)

    class Picks:
        def reply(self, messages):
            return Reply(write_plan({0: words.read(0, "PICK cucumber2"), 1: 0}, words))

    settings = ExperienceSettings(episodes=30, scattered_share=0.5, wait_share=1.0, max_queries=1, discount=GAMMA)
    found = gather(batch, lambda n: Picks(), players, settings)
    assert found.states.shape[0] == len(found.returns) == len(found.actions)
    assert found.queries <= len(found.returns)
    is_first_of_level = (found.states[:, -1] == 0) & (found.actions.max(axis=1) > 0)
    assert 5 <= is_first_of_level.sum() <= 25
    assert discounted([1.0, 0.0, 2.0], 0.5) == [1.5, 1.0, 2.0]


def test_scattered_starts_are_never_the_levels_own():
    batch, players = make("sort", CubeSorter, level="sort2")
    start, rng, seen = batch.fields(0)["panels"].copy(), np.random.default_rng(0), set()
    for _ in range(60):
        scatter(batch, players, rng)
        fields = batch.fields(0)
        assert not np.array_equal(fields["panels"], start)
        assert 0 <= fields["timestep"] < 14
        seen.add(tuple(fields["panels"]))
    assert len(seen) > 10


# ---- encoders ----


def test_structured_features_by_hand():
    batch, _ = make("sort", CubeSorter)
    encoder = StructuredEncoder(batch)
    assert encoder.size == 25 + 1 + 3 * 22
    (row,) = encoder(state_of(batch)[None], [], np.array([[2, OPEN, 0]]))
    np.testing.assert_array_equal(row[:25], batch.observations[0, 0])
    np.testing.assert_array_equal(np.flatnonzero(row[26:]), [2, 44])


def test_any_sentence_encoder_can_stand_in_for_features():
    batch, _ = make("sort", CubeSorter)
    words, embedded = wording(batch.config), []

    def embed(sentences):
        embedded.extend(sentences)
        return np.array([[len(sentence), sentence.count("will")] for sentence in sentences], np.float32)

    encoder = SentenceEncoder(words, batch, embed)
    judge = SequentialAdvantage(Critic(encoder, CriticSettings(hidden=(4,))), words)
    for _ in range(2):
        judge.score(batch, {0: 0}, {1: 0})
    assert len(embedded) == 3, "the probe and two texts, each once"
    assert embedded[1].endswith("Alice will WAIT.\nBob will WAIT.")
    with pytest.raises(ValueError, match="a text for each of 1 rows"):
        encoder(state_of(batch)[None], [], np.array([[0, 0, 0]]))


def test_a_critic_is_fitted_to_texts_and_plays():
    """From gathering with descriptions to an episode, with the length of a sentence for a sentence encoder."""
    batch, players = make("sandwich", SandwichMaker, level="recipe1")
    words = wording(batch.config)
    encoder = SentenceEncoder(words, batch, lambda texts: np.array([[len(text) / 1000] for text in texts], np.float32))
    settings = ExperienceSettings(episodes=10, discount=GAMMA, keeps_texts=True)
    found = gather(batch, lambda n: NoisyScriptPlanner(batch, players, NOISE, n), players, settings)
    assert len(found.texts) == len(found.states)
    assert all(text.startswith("Step ") for text in found.texts)
    critic = fit(found, encoder, CriticSettings(hidden=(8,), steps=30, discount=GAMMA))
    planner = NoisyScriptPlanner(batch, players, 0.0, 1)
    episode = play(batch, choose_by(METHODS["read_s"], batch, words, planner, critic, Controls()))
    scores = [exchange.score for exchange in episode.memory.exchanges if exchange.verdict in ("accepted", "low score")]
    assert scores
    assert None not in scores
    with pytest.raises(ValueError, match="a text for each of"):
        fit(replace(found, texts=[]), encoder, CriticSettings(steps=1))


def test_a_judge_leaves_the_batch_alone(fitted):
    batch, _, _, critic = fitted
    batch.reset()
    before = batch.state_bytes(0)
    words = wording(batch.config)
    JointAdvantage(critic, words, GAMMA).score(batch, {}, {0: 0, 1: 0})
    best_joint_action(critic, batch, words, is_checked=True)
    assert batch.state_bytes(0) == before
    assert Memory().usage.queries == 0
