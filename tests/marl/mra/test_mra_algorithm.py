"""MRA under RLlib: what is stored, learned and restored; mixed populations, groups, and mistakes."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small_teams import RESOURCES, WORLD, make_module, small_config

import games
from agents.relational_player import RelationalPlayer
from agents.trained import PolicyError
from games.names import UnknownNameError
from marl.mra import RELEASED, MRAConfig
from marl.mra.adaptation import adapt_latents, adapt_networks, take_over
from marl.mra.algorithm import populations_of
from marl.mra.export import export_policy, export_team, load_team
from marl.mra.play import play_episodes
from marl.qmix.episodes import Episode
from marl.qmix.replay import EpisodeReplay
from marl.rllib import TrainingError

TREASURES = "particles/treasure_collection_v0"
HUNTERS = {"num_collectors": 3, "num_banks": 2, "populations": ((2, 1), (3, 2)), "horizon": 5}


def weights(algorithm: Any) -> list[torch.Tensor]:
    module = algorithm.learner_group._learner.module
    return [each.clone() for _, own in module.items() for each in own.state_dict().values()]


def numbers(algorithm: Any) -> dict[str, float]:
    """What a round says of the learning, without RLlib's own counts of time and weights."""
    told = algorithm.train()["learners"]["agents"]
    names = ("critic_loss", "policy_loss", "information_bound", "game_loss", "q_mean", "entropy", "latent_0_of_3")
    return {name: float(told[name]) for name in names}


LEARNED = ("policy", "relation", "prior")


def changed(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    """Whether any weight differs."""
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return any(not torch.equal(*pair) for pair in pairs)


def modules_of(algorithm: Any) -> dict[str, Any]:
    return dict(algorithm.learner_group._learner.module.items())


def test_an_agent_keeps_its_latent_for_an_episode_and_an_empty_slot_has_none(trained: Any) -> None:
    state, seen = trained.replay.get_state(), set()
    columns = state["groups"]["agents"]
    for first, length, _ in state["episodes"]:
        rows = slice(first, first + length)
        latents, alive = columns["latents"][rows], columns["alive"][rows]
        np.testing.assert_array_equal(latents, np.broadcast_to(latents[:1], latents.shape))
        np.testing.assert_array_equal(latents.sum(axis=-1), alive.astype(np.float32))
        np.testing.assert_array_equal(columns["num_agents"][rows], alive.sum(axis=1))
        seen |= {tuple(row) for row in latents[0][alive[0]]}
    assert len(seen) == 3, "all latents come up"


def test_a_batch_mixes_populations(trained: Any) -> None:
    batch = trained._batch(trained.replay.draw_steps(64)).policy_batches["agents"]
    assert set(batch["num_agents"].tolist()) == {1, 3, 4}
    np.testing.assert_array_equal(np.array([1, 3, 4])[batch["games"]], batch["num_agents"])
    np.testing.assert_array_equal(batch["alive"].sum(axis=1), batch["num_agents"])
    assert abs(batch["rewards"][batch["alive"]].mean()) < 0.5, "standardized"


def test_steps_are_drawn_evenly_and_know_what_followed() -> None:
    """Episodes of 1, 2 and 4 steps whose observations count upwards: each step is as likely, its successor follows."""
    replay, first = EpisodeReplay(capacity=12, seed=3), 0
    for length in (4, 1, 2, 4):  # the first makes room for the last
        seen = np.arange(first, first + length + 1)
        replay.add(Episode({"agents": {"observations": seen, "actions": seen[:-1]}}, is_terminal=False))
        first += length + 1
    drawn = replay.draw_steps(7000)
    np.testing.assert_array_equal(drawn.following["agents"]["observations"], drawn.groups["agents"]["actions"] + 1)
    steps, counts = np.unique(drawn.groups["agents"]["observations"], return_counts=True)
    assert steps.tolist() == [5, 7, 8, 10, 11, 12, 13]
    assert np.abs(counts - 1000).max() < 130  # four deviations of a count


def test_the_results_have_the_diagnostics(trained: Any) -> None:
    told = trained.train()["learners"]["agents"]
    for n in (1, 3, 4):
        assert sum(told[f"latent_{z}_of_{n}"] for z in range(3)) == pytest.approx(1)
    assert 0 <= told["game_accuracy"] <= 1
    assert 0 <= told["attention_entropy"] <= 1 + 1e-6
    assert told["information"] >= -1e-6
    assert told["information_bound"] <= np.log(5)
    assert -1e-6 <= told["information_ceiling"] <= np.log(3) + 1e-6, "of at most three others"
    assert -1e-6 <= told["game_information"] <= np.log(3) + 1e-6, "of three populations"
    assert told["latent_entropy"] <= np.log(3) + 1e-6


def test_a_restored_run_goes_on_as_if_nothing_had_been(build_one: Callable, tmp_path: Path) -> None:
    algorithm = build_one(small_config())
    for _ in range(2):
        algorithm.train()
    algorithm.save_to_path(tmp_path)
    results = [numbers(algorithm) for _ in range(2)]
    other = build_one(small_config())
    other.restore_from_path(tmp_path)
    assert [numbers(other) for _ in range(2)] == results
    assert all(torch.equal(*pair) for pair in zip(weights(algorithm), weights(other), strict=True))


@pytest.mark.parametrize(
    "training",
    [
        RELEASED,
        {"num_latents": 1},
        {"prior": "uniform", "information_coeff": 0.0},
    ],
    ids=["released", "no latent", "uniform prior, no information"],
)
def test_variants_of_the_study_train(build_one: Callable, training: dict[str, Any]) -> None:
    algorithm = build_one(small_config(**training))
    before = copy.deepcopy(modules_of(algorithm)["agents"])
    for _ in range(2):
        told = algorithm.train()["learners"]["agents"]
    after = modules_of(algorithm)["agents"]
    learns = {name: changed(getattr(before.actor, name), getattr(after.actor, name)) for name in LEARNED}
    has_prior = training.get("num_latents") != 1 and training.get("prior") != "uniform"
    # With one other agent alone a relation is 1 whatever the key; here there are up to three.
    assert learns == {"policy": True, "relation": True, "prior": has_prior}
    assert changed(before.critic, after.critic)
    assert not changed(after.critic, after.target_critic), "targets are copies after every round"
    assert told["prior_entropy"] <= np.log(3) + 1e-6
    if training.get("num_latents") == 1:
        assert "information" not in told
        assert told["latent_entropy"] == pytest.approx(0, abs=1e-6)
    if training.get("prior") == "uniform":
        assert told["prior_entropy"] == pytest.approx(np.log(3))


@pytest.mark.parametrize("training", [{}, RELEASED], ids=["together", "apart"])
def test_relations_have_an_optimizer_of_their_own_only_where_they_learn_apart(
    build_one: Callable, training: dict[str, Any]
) -> None:
    algorithm = build_one(small_config(**training))
    learner, relation = algorithm.learner_group._learner, modules_of(algorithm)["agents"].actor.relation
    holding = [
        name
        for name, optimizer in learner._named_optimizers.items()
        if any(parameter is next(relation.parameters()) for parameter in optimizer.param_groups[0]["params"])
    ]
    assert [name.removeprefix("agents_") for name in holding] == ["relation" if training else "policy"]


def test_groups_have_modules_of_their_own_and_know_their_place(build_one: Callable) -> None:
    algorithm = build_one(small_config(TREASURES, HUNTERS))
    told = algorithm.train()["learners"]
    modules = modules_of(algorithm)
    assert {name: module.first for name, module in modules.items()} == {"collectors": 0, "banks": 3}
    assert all(module.games == (3, 5) for module in modules.values())
    assert all(np.isfinite(told[name]["critic_loss"]) for name in modules)
    larger = {"num_collectors": 5, "num_banks": 2, "num_treasures": 7, "horizon": 5}
    played = play_episodes(modules, TREASURES, larger, episodes=3, seed=0)
    assert played.populations.tolist() == [7, 7, 7]
    chosen = play_episodes(modules, TREASURES, larger, episodes=3, seed=0, latents={"collectors": 1, "banks": 2})
    assert {name: set(own.ravel().tolist()) for name, own in chosen.latents.items()} == {
        "collectors": {1},
        "banks": {2},
    }
    adapted = adapt_latents(modules, TREASURES, larger, after=[0, 1], episodes=8, seed=0)
    for name, module in modules.items():  # each from its own prior, of seven agents
        own = adapted[0][name]
        np.testing.assert_allclose(own, module.actor.prior(torch.tensor(7)).detach().numpy(), rtol=1e-6)
        assert not np.array_equal(own, adapted[1][name])


def test_evaluation_takes_the_likeliest_and_is_the_same_again(build_one: Callable) -> None:
    config = small_config().evaluation(evaluation_interval=1, evaluation_duration=4)
    algorithm = build_one(config)
    assert algorithm.train()["evaluation"]["env_runners"]["num_episodes"] == 4


def test_play_counts_the_return_of_who_is_there(trained: Any) -> None:
    """Shared rewards: the mean over agents that are there is the team's, whatever the empty slots."""
    modules = modules_of(trained)
    played = play_episodes(modules, RESOURCES, WORLD, episodes=40, seed=2)
    assert set(played.populations.tolist()) == {1, 3, 4}
    np.testing.assert_array_equal((played.latents["agents"] >= 0).sum(axis=1), played.populations)
    assert (played.returns["agents"] <= 5 * 10.5).all()
    same = play_episodes(modules, RESOURCES, WORLD, episodes=40, seed=2)
    np.testing.assert_array_equal(same.returns["agents"], played.returns["agents"])
    fixed = play_episodes(modules, RESOURCES, {"num_agents": 7}, episodes=2, seed=2, latents=2)
    assert (fixed.latents["agents"] == 2).all()


def test_an_exported_policy_plays_in_any_number(trained: Any, tmp_path: Path) -> None:
    module = modules_of(trained)["agents"]
    export_policy(module, tmp_path, RESOURCES, WORLD)
    player = RelationalPlayer(tmp_path, seed=1)
    batch = games.make_batch(RESOURCES, 200, seed=4, num_agents=9, horizon=3)
    batch.reset()
    fixed = RelationalPlayer(tmp_path, seed=1, is_greedy=True, latent=1)
    views = batch.config.layout.split(torch.from_numpy(batch.observations))
    expected = module.actor(views, torch.eye(3)[1].expand(200, 9, -1)).argmax(dim=-1).numpy()
    for i, agent in enumerate(batch.agents):
        np.testing.assert_array_equal(fixed.act(batch, agent), expected[:, i])
    first = [player.act(batch, agent) for agent in batch.agents]
    kept = player.get_state()
    assert set(kept["latents"]["agent_0"].tolist()) == {0, 1, 2}
    batch.step(np.stack(first, axis=1))
    second = [player.act(batch, agent) for agent in batch.agents]
    assert (player.get_state()["latents"]["agent_0"] == kept["latents"]["agent_0"]).all(), "for a whole episode"
    again = RelationalPlayer(tmp_path, seed=9)
    again.set_state(kept)
    for agent, actions in zip(batch.agents, second, strict=True):
        np.testing.assert_array_equal(again.act(batch, agent), actions)
    for _ in range(2):
        batch.step()
    player.act(batch, "agent_0")
    assert (player.get_state()["latents"]["agent_0"] != kept["latents"]["agent_0"]).any(), "a new one for the next"


def test_kept_weights_are_refused_where_they_are_missing_or_of_other_networks(trained: Any, tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="missing or damaged"):
        load_team(tmp_path, small_config())
    export_team(modules_of(trained), tmp_path, small_config())
    kept, own = load_team(tmp_path, small_config())["agents"], modules_of(trained)["agents"]
    for (name, array), (_, expected) in zip(kept.state_dict().items(), own.state_dict().items(), strict=True):
        assert name.startswith("predictor.") or torch.equal(array, expected), name
    with pytest.raises(PolicyError, match=r"other networks: .*prior"):
        load_team(tmp_path, small_config(prior="uniform"))
    with pytest.raises(PolicyError, match="other networks: num_latents 3, not 2"):
        load_team(tmp_path, small_config(num_latents=2))


def test_an_algorithm_takes_over_no_weights_of_other_networks(trained: Any) -> None:
    before = weights(trained)
    for changes, named in (({"num_latents": 6}, "num_latents 6, not 3"), ({"prior": "uniform"}, "has_uniform_prior")):
        with pytest.raises(ValueError, match=f"other networks: {named}"):
            take_over(trained, {"agents": make_module(**changes)})
    assert all(torch.equal(*pair) for pair in zip(before, weights(trained), strict=True))


def test_a_policy_refuses_other_worlds_and_damaged_files(trained: Any, tmp_path: Path) -> None:
    export_policy(modules_of(trained)["agents"], tmp_path, RESOURCES, WORLD)
    batch = games.make_batch("particles/food_collection_v0", 1)
    with pytest.raises(PolicyError, match="whose entities have 4, 3 and 22"):
        RelationalPlayer(tmp_path).act(batch, batch.agents[0])
    with pytest.raises(ValueError, match="latent must be"):
        RelationalPlayer(tmp_path, latent=3)
    (tmp_path / "policy.safetensors").write_bytes(b"no weights")
    with pytest.raises(PolicyError, match="damaged"):
        RelationalPlayer(tmp_path)


def test_networks_adapt_in_another_population_and_the_given_ones_stay(trained: Any) -> None:
    modules, world = modules_of(trained), {"num_agents": 6, "horizon": 5}
    before = [each.clone() for each in modules["agents"].state_dict().values()]
    course = adapt_networks(small_config(), modules, world, after=[2, 1])
    adapted, later = course[1]["agents"], course[2]["agents"]
    assert all(torch.equal(*pair) for pair in zip(before, modules["agents"].state_dict().values(), strict=True))
    own, new = dict(modules["agents"].actor.named_parameters()), dict(adapted.actor.named_parameters())
    moved = {name: (new[name] - own[name]).abs().max().item() for name in own}
    prior = [moved.pop(name) for name in own if name.startswith("prior.")]
    assert max(prior) < 1e-6, "one population has nothing to teach it; weights decay by 1e-7 of themselves"
    assert 1e-5 < max(moved.values()) < 0.01, "a step or two from where they were"
    assert adapted.games == (6,)
    new = later.actor.state_dict()
    assert any(not torch.equal(array, new[name]) for name, array in adapted.actor.state_dict().items())


def test_populations_are_numbers_of_all_agents() -> None:
    """Pairs count together; groups that `populations` does not name count whole."""
    batch = games.make_batch(TREASURES, **HUNTERS)
    assert populations_of(batch) == (3, 5)
    assert populations_of(games.make_batch(RESOURCES, num_agents=7)) == (7,)


@pytest.mark.parametrize(
    ("id", "world", "training", "message"),
    [
        ("particles/simple_spread_v0", {}, {}, "which entities its observations are"),
        (RESOURCES, {"num_agent_neighbors": 2}, {}, "num_agent_neighbors must be None"),
        (RESOURCES, {"num_agents": 3}, {"num_latents": 0}, "num_latents must be a whole number"),
        (RESOURCES, {"num_agents": 3}, {"own_action_in_critic": True}, "set it to 'sampled'"),
        (RESOURCES, {"num_agents": 3}, {"lr": 0.0}, "lr must be above 0"),
        (RESOURCES, {"num_agents": 3}, {"gamma": 1.5}, "gamma must be at least 0 and at most 1"),
        (RESOURCES, {"num_agents": 3}, {"grad_clip": float("nan")}, "grad_clip must be a finite number"),
        (RESOURCES, {"num_agents": 3}, {"weight_decay": float("inf")}, "weight_decay must be a finite number"),
    ],
)
def test_mistakes_are_named(id: str, world: dict, training: dict, message: str) -> None:
    config = MRAConfig().environment(id, env_config=world).training(**training)
    with pytest.raises(ValueError, match=re.escape(message)):
        config.validate()


def test_settings_of_others_are_named() -> None:
    with pytest.raises(UnknownNameError, match="num_latents"):
        MRAConfig().training(num_latent=3)
    with pytest.raises(ValueError, match="batch_steps"):
        MRAConfig().training(train_batch_size=3)
    with pytest.raises(TrainingError, match="num_learners must be 0"):
        MRAConfig().environment(RESOURCES).learners(num_learners=1).validate()


@pytest.mark.learn
def test_resources_are_shared_out_better_than_at_random(build_one: Callable) -> None:
    """Random play of 3 to 6 agents is paid 38 on average over these sizes (games/particles/README.md: 26 to 50)."""
    world = {"num_agents": 6, "populations": (3, 4, 5, 6)}
    config = MRAConfig().environment(RESOURCES, env_config=world).debugging(seed=1)
    config.env_runners(num_envs_per_env_runner=24).training(lr=1e-3, inverse_temperature=10.0, landmarks="row")
    algorithm = build_one(config)
    for _ in range(150):
        algorithm.train()
    for n, by_chance in ((3, 25.8), (6, 49.8)):
        played = play_episodes(modules_of(algorithm), RESOURCES, {"num_agents": n}, episodes=200, seed=7)
        assert played.returns["agents"].mean() > 1.2 * by_chance
