"""GMAH under RLlib: subgoals as they are played, what each phase learns, the loss, checkpoints, mistakes."""

from __future__ import annotations

import re
from ast import literal_eval
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import games
from marl.gmah import GMAHConfig
from marl.gmah.goals import CAUSES as CAUSE_NAMES
from marl.gmah.learner import INDEPENDENT, JOINT, LOW_LEVEL, as_choices, draw_steps
from marl.gmah.module import CAUSES, SUBGOALS
from marl.gmah.settings import GoalSettings
from marl.gmah.trash_tree import TrashTree
from marl.qmix.episodes import whole_episodes
from marl.qmix.seating import to_batch
from marl.rllib import TrainingError

WORLD = "grid/trash_v0"
SMALL_WORLD = {"num_agents": 2, "num_small": 3, "num_big": 2, "horizon": 24}


def make_config(**training: Any) -> Any:
    small = {"hidden_sizes": (8,), "low_hidden_sizes": (8,), "mixing_size": 4, "hypernet_size": 4, "capacity": 1000}
    small |= {"episodes_per_update": 4, "low_batch_size": 32, "low_level_steps": 150, "independent_steps": 100}
    config = GMAHConfig().environment(WORLD, env_config=SMALL_WORLD).training(**{**small, **training})
    return config.env_runners(num_envs_per_env_runner=4).debugging(seed=5, log_level="ERROR")


def draw(algorithm: Any, count: int = 4) -> dict[str, torch.Tensor]:
    rows = to_batch(algorithm.replay.draw(count), algorithm._seats).policy_batches["agents"]
    return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in dict(rows).items()}


def weights(algorithm: Any) -> dict[str, torch.Tensor]:
    modules = algorithm.learner_group._learner.module.items()
    return {f"{m}.{name}": value.clone() for m, own in modules for name, value in own.state_dict().items()}


def losses_of(result: dict[str, Any]) -> list[float]:
    return [result["learners"]["agents"][name] for name in ("loss", "gradient_norm", "novelty", "surprise")]


def moved(before: dict[str, torch.Tensor], after: dict[str, torch.Tensor]) -> set[str]:
    parts = {name: ".".join(name.split(".")[: 3 if name.startswith("agents") else 2]) for name in before}
    return {parts[name] for name in before if "target" not in name and not torch.equal(before[name], after[name])}


def play(algorithm: Any, explore: bool = True) -> list[dict[str, np.ndarray]]:
    (fragment,) = algorithm.env_runner.sample(num_episodes=8, explore=explore)
    return [each.groups["agents"] for each in whole_episodes(fragment, (SUBGOALS, CAUSES))]


def expected_causes(tree: TrashTree, episode: dict[str, np.ndarray], agent: int, interval: int, trigger: str) -> list:
    """Why subgoals are chosen, step by step and in words, by what the module does not look at: infos would not do."""
    names, age = ["first"], 1
    for t in range(1, len(episode["actions"])):
        before, now = (torch.from_numpy(episode["observations"][s, agent]) for s in (t - 1, t))
        goal = int(episode[SUBGOALS][t - 1, agent])
        name = "goes on"
        if trigger != "fixed" and tree.achievements(before, now)[goal]:
            name = "completed"
        elif trigger != "fixed" and not tree.admissible(now)[goal]:
            # Nothing to do is done until there is something.
            stays = goal == len(tree) - 1 and not tree.admissible(now).any()
            name = "void" if not stays else "expired" if age == interval else "goes on"
        elif age == interval:
            name = "expired"
        age = age + 1 if name == "goes on" else 1
        names.append(name)
    return names


@pytest.mark.parametrize(("trigger", "interval"), [("completion", 16), ("fixed", 4), ("completion", 3)])
def test_subgoals_stand_until_their_end(build_one: Callable, trigger: str, interval: int) -> None:
    config = make_config(trigger=trigger, interval=interval, chooser="oracle" if interval == 16 else "random")
    algorithm = build_one(config)
    for _ in range(2):
        algorithm.train()
    tree = TrashTree(games.spec(WORLD).config(**SMALL_WORLD))  # type: ignore[arg-type]
    seen: set[str] = set()
    for episode in play(algorithm):
        for agent in range(2):
            played = [CAUSE_NAMES[cause] for cause in episode[CAUSES][:, agent]]
            assert played == expected_causes(tree, episode, agent, interval, trigger)
            seen |= set(played)
            goals = episode[SUBGOALS][:, agent]
            assert all(goals[t] == goals[t - 1] for t in range(1, len(goals)) if played[t] == "goes on")
    assert {"first", "goes on", "expired"} <= seen | ({"expired"} if interval == 16 else set())


def test_novelty_and_surprise_end_subgoals_where_nothing_is_foretold_well(build_one: Callable) -> None:
    """With tiny thresholds everything is novel, without an autoencoder surprising; with huge ones nothing is."""
    for settings, expected in (
        ({"novelty": 1e-6}, "novel"),
        ({"novelty": 1e-6, "surprise": 1e-6, "autoencoder": False}, "surprising"),
        ({"novelty": 1e9, "surprise": 1e9}, "goes on"),
    ):
        algorithm = build_one(make_config(**settings))
        algorithm.train()
        causes = np.concatenate([episode[CAUSES][1:].ravel() for episode in play(algorithm)])
        counts = {name: int((causes == i).sum()) for i, name in enumerate(CAUSE_NAMES)}
        assert max(counts, key=lambda name: counts[name]) == expected
        assert {name for name in ("novel", "surprising") if counts[name]} <= {expected}


def test_each_phase_learns_its_part(build_one: Callable) -> None:
    algorithm = build_one(make_config())
    below = {"agents.network.encoder", "agents.network.decoder", "agents.network.successor"}
    below |= {"agents.network.novelty_mean", "agents.network.surprise_mean"}
    expected = {
        LOW_LEVEL: below | {"agents.network.low"},
        INDEPENDENT: below | {"agents.network.high", "mixer.network"},
        JOINT: below | {"agents.network.low", "agents.network.high", "mixer.network"},
    }
    for phase in (LOW_LEVEL, INDEPENDENT, JOINT):
        before = weights(algorithm)
        result = algorithm.train()  # of 96 frames; what is learned goes by the frames that are full
        assert result["subgoals"]["phase"] == algorithm.learner_group._learner.phase == phase
        assert moved(before, weights(algorithm)) == expected[phase]


def plain_loss(learner: Any, columns: dict[str, torch.Tensor], gamma: float) -> float:
    """The high level's loss again, one episode and step at a time, with option (b): who goes on has one choice."""
    module, mixer = learner.module["agents"], learner.module["mixer"]
    errors = []
    for b in range(len(columns["mask"])):
        length = int(columns["mask"][b].sum())
        for t in range(length):
            values = {}
            for s in (t, t + 1):
                seen = columns["obs"][b, s]
                ways = torch.stack([module.tree.distance(seen, torch.tensor([g, g])) for g in range(len(module.tree))])
                can = module.tree.admissible(seen)
                can[:, -1] |= ~can.any(dim=-1)
                further = [ways.T / module.tree.most_steps, can.float(), torch.eye(2)]
                rows = torch.cat([seen, *further], dim=-1)
                values[s] = (
                    module.network.high(rows[:, None])[0][:, 0],
                    module.target_network.high(rows[:, None])[0][:, 0],
                )
            chosen, following = [], []
            for agent in range(2):
                goal = int(columns[SUBGOALS][b, t, agent])
                chosen.append(values[t][0][agent, goal])
                choices = module.tree.admissible(columns["obs"][b, t + 1, agent]).nonzero().flatten().tolist()
                choices = choices or [len(module.tree) - 1]
                if t + 1 < length and CAUSE_NAMES[columns[CAUSES][b, t + 1, agent]] == "goes on":
                    choices = [int(columns[SUBGOALS][b, t + 1, agent])]
                best = max(choices, key=lambda g: values[t + 1][0][agent, g].item())
                following.append(values[t + 1][1][agent, best])
            states = [columns["obs"][b, s].flatten()[None] for s in (t, t + 1)]
            future = mixer.target_network(torch.stack(following)[None], states[1]).item()
            future *= 1 - float(columns["is_terminal"][b, t])
            target = columns["rewards"][b, t].mean().item() + gamma * future
            errors.append((mixer.network(torch.stack(chosen)[None], states[0]).item() - target) ** 2)
    return float(np.mean(errors))


def test_the_high_levels_loss_is_qmixs_over_subgoals(build_one: Callable) -> None:
    algorithm = build_one(make_config(gamma=0.9, low_level_steps=0, independent_steps=0, trigger="completion"))
    for _ in range(3):
        algorithm.train()
    learner, columns = algorithm.learner_group._learner, draw(algorithm)
    assert learner.mixes
    with torch.no_grad():
        choices = as_choices(learner.module["agents"], columns)
        loss, _ = learner._team_loss(learner._worth({"agents": choices}))
        expected = plain_loss(learner, columns, 0.9)
    assert loss.item() == pytest.approx(expected, rel=1e-4)


def test_the_mixer_learns_from_independent_agents_and_tells_them_nothing(build_one: Callable) -> None:
    """By autograd: agents' gradients are those that they have without a mixer, the mixer's those of the team's loss."""
    algorithm = build_one(make_config(low_level_steps=0, gamma=0.9))
    algorithm.train()
    learner, columns = algorithm.learner_group._learner, draw(algorithm)
    learner.phase = INDEPENDENT
    agents, mixer = (learner.module[name] for name in ("agents", "mixer"))
    worth = learner._worth({"agents": as_choices(agents, columns)})
    losses = learner._loss_above(worth)[0], learner._own_losses(worth)[0], learner._team_loss(worth)[0]
    parts = list(agents.network.high.parameters()), list(mixer.network.parameters())
    both, own, team = (
        [torch.autograd.grad(loss, part, retain_graph=True, allow_unused=True) for part in parts] for loss in losses
    )
    torch.testing.assert_close(both[0], own[0])
    torch.testing.assert_close(both[1], team[1])
    assert all(gradient is None for gradient in own[1])
    assert any(gradient.abs().max() > 0 for gradient in team[0]), "which the team's loss would have told them"


def test_hindsight_takes_what_the_agent_went_on_to_complete(build_one: Callable) -> None:
    algorithm = build_one(make_config(chooser="oracle", low_level_steps=0))
    for _ in range(6):
        algorithm.train()
    module, columns = algorithm.learner_group._learner.module["agents"], draw(algorithm, 16)
    settings = algorithm.config.factorization_settings()
    steps = draw_steps(module, columns, settings, np.random.default_rng(0))
    replaced = steps["goals"] != steps["subgoals"]
    assert module.tree.admissible(steps["observations"]).gather(1, steps["goals"][:, None])[replaced].all()
    whole = GoalSettings(hindsight=0.0, low_batch_size=32)
    steps = draw_steps(module, columns, whole, np.random.default_rng(0))
    assert torch.equal(steps["goals"], steps["subgoals"])


def test_a_restored_run_goes_on_as_if_nothing_had_been(build_one: Callable, tmp_path: Path) -> None:
    algorithm = build_one(make_config(lr=0.01, updates_per_round=2))
    for _ in range(2):
        algorithm.train()
    algorithm.save_to_path(tmp_path)
    results = [losses_of(algorithm.train()) for _ in range(2)]
    other = build_one(make_config(lr=0.01, updates_per_round=2))
    other.restore_from_path(tmp_path)
    assert [losses_of(other.train()) for _ in range(2)] == results
    after = weights(algorithm)
    assert all(torch.equal(value, after[name]) for name, value in weights(other).items())


def test_what_cannot_be_is_refused_with_a_reason() -> None:
    with pytest.raises(ValueError, match="unknown setting of value factorization 'intervall'; did you mean"):
        GMAHConfig().training(intervall=8)
    with pytest.raises(ValueError, match="is_recurrent must be False"):
        GoalSettings(is_recurrent=True)
    with pytest.raises(ValueError, match="share_parameters must be True"):
        GoalSettings(share_parameters=False)
    with pytest.raises(ValueError, match="unknown trigger 'sometimes'"):
        GoalSettings(trigger="sometimes")
    with pytest.raises(ValueError, match="interval is out of range: got 0"):
        GoalSettings(interval=0)
    with pytest.raises(ValueError, match="unknown world with a task tree"):
        GMAHConfig().environment("grid/foraging_8x8_2p_2f_coop_v0").validate()
    with pytest.raises(TrainingError, match="a task tree is of one group"):
        GMAHConfig().environment("particles/simple_speaker_listener_v0").validate()


@pytest.mark.learn
def test_the_low_level_learns_its_subgoals(build_one: Callable) -> None:
    """Random subgoals: an untrained team completes next to none; a trained one nearly all, without exploring."""
    config = make_config(
        chooser="random",
        trigger="completion",
        low_hidden_sizes=(64, 64),
        low_batch_size=512,
        updates_per_round=16,
        episodes_per_update=16,
        capacity=50_000,
        lr=1e-3,
        low_level_steps=10**9,
        low_epsilon=((0, 1.0), (15_000, 0.1)),
    )
    algorithm = build_one(config.env_runners(num_envs_per_env_runner=16))
    for _ in range(80):
        algorithm.train()
    counts = np.bincount(np.concatenate([episode[CAUSES].ravel() for episode in play(algorithm)]), minlength=7)
    ended = counts[2:5]
    assert ended[0] > 0.8 * ended.sum(), dict(zip(CAUSE_NAMES, counts.tolist(), strict=True))


def test_the_readme_has_the_defaults() -> None:
    readme = Path(__file__).parents[3] / "marl/gmah/README.md"
    rows = re.findall(r"^\| `(\w+)` \| `(.*?)` \|", readme.read_text(), re.MULTILINE)
    own = {name: value for name, value in vars(GoalSettings()).items() if name in GoalSettings.__annotations__}
    assert {name: literal_eval(default) for name, default in rows} == own
