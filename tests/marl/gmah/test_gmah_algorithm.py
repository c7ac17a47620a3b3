"""GMAH under RLlib: subgoals as they are played, what each phase learns, the loss, checkpoints, mistakes."""

from __future__ import annotations

import re
from ast import literal_eval
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch

import games
from agents.trash_collectors import TrashCollector
from marl.gmah import GMAHConfig
from marl.gmah.goals import CAUSES as CAUSE_NAMES
from marl.gmah.goals import NOVEL, next_achievements
from marl.gmah.learner import INDEPENDENT, JOINT, LOW_LEVEL, UPCOMING, as_choices, draw_steps
from marl.gmah.module import CAUSES, SUBGOALS, GoalModule, _scramble
from marl.gmah.networks import GoalNetworks
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


def test_limits_are_running_quantiles_by_hand() -> None:
    """Errors 0 to 100, a rate of 2 %: 98. Then 100 more each: a tenth of the way to 198. Without a rate: none."""
    networks = GoalNetworks(4, 3, 2, 5, 6, (4,), (4,), 2)
    assert networks.novelty_limit == networks.surprise_limit == torch.inf
    errors = torch.arange(101.0)
    networks.note_errors(errors, errors, (0.02, 0.0))
    assert networks.novelty_limit.item() == pytest.approx(98)
    networks.note_errors(errors + 100, errors, (0.02, 0.0))
    assert networks.novelty_limit.item() == pytest.approx(0.9 * 98 + 0.1 * 198)
    assert networks.surprise_limit == torch.inf


def test_subgoals_end_where_errors_exceed_the_limits(build_one: Callable) -> None:
    """Of what is replayed the declared share is novel; the runner's subgoals end exactly at what exceeds its limit."""
    algorithm = build_one(make_config(updates_per_round=20, low_batch_size=512, surprise=0.0, trigger="adaptive"))
    for _ in range(6):
        algorithm.train()
    network, scale = algorithm.learner_group._learner.module["agents"].network, algorithm.config.observation_scale
    with torch.no_grad():
        errors = network.novelty(draw(algorithm, len(algorithm.replay))["obs"] * scale)
        assert 0.005 < (errors > network.novelty_limit).float().mean() < 0.05
        own = algorithm.env_runner.module["agents"].network
        own.novelty_limit.copy_(errors.quantile(0.8))  # so that a few episodes hold many
        stronger = [CAUSE_NAMES.index(name) for name in ("first", "completed", "void", "expired")]
        num_novel = 0
        for episode in play(algorithm):
            is_novel = own.novelty(torch.from_numpy(episode["observations"][:-1]) * scale) > own.novelty_limit
            found = episode[CAUSES]
            free = ~np.isin(found, stronger)
            np.testing.assert_array_equal((found == NOVEL)[free], is_novel.numpy()[free])
            num_novel += int((found == NOVEL).sum())
        assert num_novel > 10


def test_what_successor_features_miss_ends_subgoals(build_one: Callable) -> None:
    """With a limit of 0 everything is surprising, with an infinite one nothing; no autoencoder, nothing novel."""
    algorithm = build_one(make_config(autoencoder=False, novelty=0.5))
    algorithm.train()
    network = algorithm.env_runner.module["agents"].network
    assert network.novelty_limit == torch.inf
    for limit, expected, other in ((0.0, "surprising", "goes on"), (torch.inf, "goes on", "surprising")):
        network.surprise_limit.fill_(limit)
        names = [CAUSE_NAMES[cause] for episode in play(algorithm) for cause in episode[CAUSES][1:].ravel()]
        assert expected in names
        assert not {other, "novel"} & set(names)


def test_each_phase_learns_its_part(build_one: Callable) -> None:
    algorithm = build_one(make_config())
    below = {"agents.network.encoder", "agents.network.decoder", "agents.network.successor"}
    below |= {"agents.network.novelty_limit", "agents.network.surprise_limit"}
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
                if CAUSE_NAMES[columns[CAUSES][b, t + 1, agent]] == "goes on":
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


def test_single_steps_have_the_choices_of_their_episodes(build_one: Callable) -> None:
    """Each is found in whole episodes by what was seen and chosen; masks and end are those that it has there."""
    algorithm = build_one(make_config(low_level_steps=0, chooser="random"))
    algorithm.train()
    module = algorithm.learner_group._learner.module["agents"]
    whole = as_choices(module, draw(algorithm, len(algorithm.replay)))
    rows = to_batch(algorithm.replay.draw_short(200), algorithm._seats).policy_batches["agents"]
    short = as_choices(module, {name: torch.from_numpy(array) for name, array in dict(rows).items()})
    for i in range(200):
        found = (whole["obs"][:, :-1] == short["obs"][i, 0]).flatten(2).all(dim=-1) & whole["mask"]
        found &= (whole["obs"][:, 1:] == short["obs"][i, 1]).flatten(2).all(dim=-1)
        places = [
            (b, t) for b, t in found.nonzero().tolist() if (whole["actions"][b, t] == short["actions"][i, 0]).all()
        ]
        assert any(
            torch.equal(whole["action_mask"][b, t : t + 2], short["action_mask"][i])
            and whole["is_terminal"][b, t] == short["is_terminal"][i, 0]
            for b, t in places
        )


def scripted_columns(tree: TrashTree) -> dict[str, torch.Tensor]:
    """60 steps of 4 envs by collectors who often err, under subgoals at random; "actions" number agents' steps."""
    batch = games.make_batch(WORLD, 4, seed=4, autoreset="disabled")
    batch.reset()
    players, rng = [TrashCollector(agent) for agent in range(3)], np.random.default_rng(0)
    seen = [batch.observations.copy()]
    for _ in range(60):
        meant = np.stack([p.act(batch, a) for p, a in zip(players, batch.agents, strict=True)], axis=1)
        batch.actions[:] = np.where(rng.random((4, 3)) < 0.4, meant, rng.integers(6, size=(4, 3)))
        batch.step()
        seen.append(batch.observations.copy())
    obs = torch.from_numpy(np.stack(seen, axis=1))
    done = tree.achievements(obs[:, :-1], obs[:, 1:])
    return {
        "obs": obs,
        "actions": torch.arange(4 * 60 * 3).view(4, 60, 3),
        "mask": torch.ones(4, 60, dtype=torch.bool),
        "alive": torch.ones(4, 60, 3, dtype=torch.bool),
        SUBGOALS: torch.from_numpy(rng.integers(len(tree), size=(4, 61, 3))),
        UPCOMING: torch.stack([next_achievements(each) for each in done]),
    }


def test_hindsight_takes_what_the_agent_went_on_to_complete() -> None:
    """Of every drawn step the first thing that its agent completes from then on, found by walking on from there."""
    tree = TrashTree(games.spec(WORLD).config())  # type: ignore[arg-type]
    columns, module = scripted_columns(tree), cast(GoalModule, SimpleNamespace(tree=tree))
    always, never = (GoalSettings(hindsight=share, low_batch_size=300) for share in (1.0, 0.0))
    steps = draw_steps(module, columns, always, np.random.default_rng(0))
    num_replaced = 0
    for number, seen, goal in zip(steps["actions"].tolist(), steps["observations"], steps["goals"], strict=True):
        (b,), (t,), (agent,) = (columns["actions"] == number).nonzero(as_tuple=True)
        expected = int(columns[SUBGOALS][b, t, agent])
        for later in range(int(t), 60):
            done = tree.achievements(*(columns["obs"][b, s, agent] for s in (later, later + 1)))
            if done.any():
                first = int(done.nonzero()[0])
                expected = first if tree.admissible(seen)[first] else expected
                break
        assert goal == expected
        num_replaced += int(expected != columns[SUBGOALS][b, t, agent])
    assert num_replaced > 50
    steps = draw_steps(module, columns, never, np.random.default_rng(0))
    assert torch.equal(steps["goals"], steps["subgoals"])


def test_random_subgoals_are_random_without_exploring_too(build_one: Callable) -> None:
    """All ranks among the choices are as likely, in each quarter; in runners that draw nothing subgoals differ too."""
    algorithm = build_one(make_config(chooser="random"))
    seen = scripted_columns(TrashTree(games.spec(WORLD).config()))["obs"]  # type: ignore[arg-type]
    steps = torch.arange(seen.shape[1]).view(1, -1, 1).expand(seen.shape[:-1])
    noise = _scramble(seen.flatten(0, 2), steps.flatten())
    assert ((noise >= 0) & (noise < 1)).all()
    for column in noise.T:
        np.testing.assert_allclose(torch.histc(column, 4, 0, 1) / len(column), 0.25, atol=0.06)
    tree = algorithm.env_runner.module["agents"].tree
    ranks = []
    for episode in play(algorithm, explore=False):
        admissible = tree.admissible(torch.from_numpy(episode["observations"][0])).numpy()
        for can, goal in zip(admissible, episode[SUBGOALS][0], strict=True):
            assert can[goal]
            ranks.append(int(can[:goal].sum()))
    assert len(set(ranks)) > 2, "the first choices of eight episodes, of five each"


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
    for settings, message in (
        ({"interval": 0}, "interval must be a whole number of at least 1, got 0"),
        ({"interval": True}, "interval must be a whole number"),
        ({"novelty": float("nan")}, "novelty must be a finite number, got nan"),
        ({"novelty": 4.0}, "novelty must be at least 0 and at most 1, got 4.0"),
        ({"low_hidden_sizes": (0,)}, "low_hidden_sizes must be a whole number of at least 1, got 0"),
        ({"low_epsilon": [(5, 1.0)]}, "low_epsilon must be .* from step 0 on"),
        ({"autoencoder": "no"}, "autoencoder must be True or False"),
    ):
        with pytest.raises(ValueError, match=message):
            GoalSettings(**settings)
    with pytest.raises(TrainingError, match="capacity=20 cannot hold 1 episodes of 24 steps; it needs 25"):
        make_config(capacity=20).validate()
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
