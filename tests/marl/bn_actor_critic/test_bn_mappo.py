"""Policies over a graph: nothing but MAPPO without edges, the played graphs in the update, edges that go away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
import torch
from ray.rllib.algorithms.algorithm import Algorithm
from ray.rllib.core.columns import Columns
from ray.rllib.evaluation.postprocessing import Postprocessing

import games
from agents.trained import TrainedPlayer
from games.bits import bits_game
from games.bits.tables import bit_rows
from games.names import UnknownNameError
from marl.bayesian_network import complete, empty, team_game
from marl.bayesian_network.exact import evaluate, joint_policy
from marl.bn_actor_critic import BNMAPPO, Annealing, AutoRegressiveMAPPOConfig, BNMAPPOConfig
from marl.bn_actor_critic.exact import joint_table
from marl.bn_actor_critic.module import EDGE_NOISE, GRAPH, ORDER_NOISE
from marl.dag import density, levels
from marl.mappo import MAPPOConfig
from marl.mappo.export import export_team
from marl.mappo.play import play_episodes
from marl.rllib.runner.team import ALIVE

BITS, ALOHA, PROBE, FORAGING = (
    "coordination/bits_v0",
    "coordination/aloha_v0",
    "probe/everything_v0",
    "grid/foraging_8x8_2p_2f_v0",
)
Team = Callable[..., Algorithm]


def learner_of(algorithm: Algorithm) -> Any:
    return algorithm.learner_group._learner


def minibatch_of(algorithm: Algorithm, module_id: str) -> tuple[Any, dict[str, Any]]:
    learner = learner_of(algorithm)
    columns = learner._columns(algorithm.env_runner.sample())[module_id]
    return learner.module[module_id].unwrapped(), learner._to_device(columns)


def logp_of(module: Any, columns: dict[str, Any]) -> torch.Tensor:
    inputs = module.forward_train(columns)[Columns.ACTION_DIST_INPUTS]
    return module.kind.log_prob(inputs.flatten(0, 1), columns[Columns.ACTIONS].flatten(0, 1)).view(inputs.shape[:2])


def team_weights(algorithm: Algorithm) -> dict[str, np.ndarray]:
    (state,) = learner_of(algorithm).module.get_state().values()
    return {name: np.array(value) for name, value in state.items()}


@pytest.mark.parametrize("sharing", ["full", "heads", "none"])
def test_a_team_without_edges_is_mappos_to_the_last_bit(team: Team, sharing: str) -> None:
    settings = {"sharing": sharing, "minibatch_size": 30}
    plain = team(MAPPOConfig, BITS, **settings)
    ours = team(BNMAPPOConfig, BITS, graph="empty", **settings)
    for _ in range(2):
        returns = [each.train()["env_runners"]["num_episodes_lifetime"] for each in (plain, ours)]
        assert returns[0] == returns[1]
    expected, found = team_weights(plain), team_weights(ours)
    assert set(found) == {*expected, "of_parents.weight"}
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)


@pytest.mark.parametrize(
    ("world", "settings"),
    [
        (BITS, {}),
        (BITS, {"sharing": "none", "parent_observations": True}),
        (BITS, {"graph": "complete", "sharing": "heads"}),
        (BITS, {"fixed_order": True}),
        (ALOHA, {"parent_observations": True, "obs_layernorm": True}),
        (FORAGING, {"edge_bias": 3.0}),
        (PROBE, {"parent_observations": True}),
    ],
)
def test_before_the_first_step_every_ratio_is_one(team: Team, world: str, settings: dict[str, Any]) -> None:
    """The update makes the graphs that were played, from their noise, and looks at what parents did."""
    algorithm = team(BNMAPPOConfig, world, head_gain=1.0, **settings)
    for name in games.make_batch(world).groups:
        module, columns = minibatch_of(algorithm, name)
        with torch.no_grad():
            logp = logp_of(module, columns) * columns[ALIVE]
        torch.testing.assert_close(logp, columns[Columns.ACTION_LOGP], rtol=0, atol=1e-5)


def test_with_the_released_resampling_ratios_are_not_one(team: Team) -> None:
    algorithm = team(BNMAPPOConfig, BITS, head_gain=1.0, resample_context=True)
    module, columns = minibatch_of(algorithm, "agents")
    columns |= learner_of(algorithm)._fresh_noise("agents", columns)
    assert (logp_of(module, columns) - columns[Columns.ACTION_LOGP]).abs().max() > 0.01
    assert "policy_loss" in algorithm.train()["learners"]["agents"]


def test_parents_change_what_a_child_does_and_nobody_else(team: Team) -> None:
    algorithm = team(BNMAPPOConfig, BITS, head_gain=1.0)
    module, columns = minibatch_of(algorithm, "agents")
    output = module.forward_train(columns)
    before, graph = output[Columns.ACTION_DIST_INPUTS], output[GRAPH]
    for parent in range(3):
        actions = columns[Columns.ACTIONS].clone()
        actions[:, parent] = 1 - actions[:, parent]
        after = module.forward_train({**columns, Columns.ACTIONS: actions})[Columns.ACTION_DIST_INPUTS]
        has_changed = (after - before).abs().amax(dim=2) > 0
        torch.testing.assert_close(has_changed, graph[:, parent] > 0)


def test_agents_that_are_out_are_nobodys_parent_and_nobodys_child(team: Team) -> None:
    algorithm = team(BNMAPPOConfig, PROBE, runner={"rollout_fragment_length": 30}, edge_bias=9.0)
    (fragment,) = algorithm.env_runner.sample()
    name = next(name for name, group in fragment.groups.items() if not group.alive[:-1].all())
    learner = learner_of(algorithm)
    columns = learner._to_device(learner._columns([fragment])[name])
    module, alive = learner.module[name].unwrapped(), columns[ALIVE]
    graph = module.forward_train(columns)[GRAPH]
    assert (~alive).any()
    assert not graph[~alive].any()
    assert not graph.transpose(1, 2)[~alive].any()
    assert (columns[Columns.ACTIONS][~alive] == 0).all()
    assert (columns[Columns.ACTION_LOGP][~alive] == 0).all()
    assert density(graph, alive).item() > 0.99


def test_levels_are_longest_ways_from_agents_without_parents() -> None:
    generator = torch.Generator().manual_seed(0)
    graphs = (torch.rand(50, 6, 6, generator=generator) < 0.4).float().triu(1)
    places = torch.stack([torch.randperm(6, generator=generator) for _ in range(50)])
    graphs = torch.stack([graph[own][:, own] for graph, own in zip(graphs, places, strict=True)])
    for graph, found in zip(graphs.numpy(), levels(graphs).tolist(), strict=True):
        generations = nx.topological_generations(nx.from_numpy_array(graph, create_using=nx.DiGraph))
        expected = {agent: level for level, agents in enumerate(generations) for agent in agents}
        assert found == [expected[agent] for agent in range(6)]


def test_gradients_reach_both_graph_networks_unless_they_are_told_not_to(team: Team) -> None:
    for gradient in ("straight_through", "none"):
        algorithm = team(BNMAPPOConfig, BITS, head_gain=1.0, graph_gradient=gradient)
        before = team_weights(algorithm)
        algorithm.train()
        after = team_weights(algorithm)
        for net in ("order_net", "edge_net"):
            name = f"dag_net.{net}.2.weight"
            assert (before[name] != after[name]).any() == (gradient != "none"), name


@pytest.mark.parametrize("clips", [True, False])
def test_graph_networks_count_in_the_clipped_norm_unless_the_release_is_asked_for(team: Team, clips: bool) -> None:
    algorithm = team(BNMAPPOConfig, BITS, head_gain=1.0, grad_clip=1e-3, clip_graph_net=clips)
    learner, (module, columns) = learner_of(algorithm), minibatch_of(algorithm, "agents")
    config, outputs = learner.config.get_config_for_module("agents"), module.forward_train(columns)
    columns[Postprocessing.ADVANTAGES] = 1000 * columns[Postprocessing.ADVANTAGES]
    loss = learner.compute_loss_for_module(module_id="agents", config=config, batch=columns, fwd_out=outputs)
    learner.postprocess_gradients(learner.compute_gradients({"agents": loss}))
    of_graph = {id(each) for each in module.dag_net.parameters()}
    norms = [0.0, 0.0]
    for part in (module.policy, module.of_parents, module.dag_net):
        for each in part.parameters():
            norms[id(each) in of_graph] += float(each.grad.square().sum())
    assert sum(norms) ** 0.5 == pytest.approx(1e-3, rel=1e-3) if clips else norms[1] ** 0.5 > 1e-3


def test_one_matrix_of_edges_serves_the_whole_batch_where_the_release_is_asked_for(team: Team) -> None:
    algorithm = team(BNMAPPOConfig, BITS, batch_mean_edges=True, fixed_order=True)
    module, columns = minibatch_of(algorithm, "agents")
    same = {**columns, EDGE_NOISE: columns[EDGE_NOISE][:1].expand_as(columns[EDGE_NOISE])}
    assert ORDER_NOISE not in columns
    graph = module.forward_train(same)[GRAPH]
    assert (graph == graph[:1]).all()


def test_the_table_of_a_complete_graph_is_the_exact_parts_product(team: Team) -> None:
    """Conditionals read off the network, multiplied by `marl/bayesian_network`, which is tested on its own."""
    module = learner_of(team(AutoRegressiveMAPPOConfig, BITS, head_gain=1.0)).module["agents"].unwrapped()
    rows = bit_rows(3)
    observations = np.repeat(rows[:, None], 3, axis=1).astype(np.float32)
    table = joint_table(module, observations)
    np.testing.assert_allclose(table.sum(axis=1), 1, atol=1e-6)
    network, conditionals = complete((2, 2, 2)), []
    for agent in range(3):
        before = np.array([[*each, *[0] * (3 - agent)] for each in bit_rows(agent)] if agent else [[0, 0, 0]])
        own = []
        for state in observations:
            batch = {
                Columns.OBS: torch.from_numpy(state).expand(len(before), 3, 3),
                Columns.ACTIONS: torch.from_numpy(before),
                ALIVE: torch.ones(len(before), 3, dtype=torch.bool),
            }
            inputs = module.forward_train(batch)[Columns.ACTION_DIST_INPUTS][:, agent]
            own.append(torch.softmax(inputs, dim=-1).detach().double().numpy())
        conditionals.append(np.stack(own)[None])
    np.testing.assert_allclose(joint_policy(network, conditionals)[0], table, atol=1e-6)


def test_a_uniform_team_is_worth_what_the_fact_sheet_says(team: Team) -> None:
    """J / J* of uniform play with three agents is 0.464 (computed from the release's rules)."""
    module = learner_of(team(BNMAPPOConfig, BITS)).module["agents"].unwrapped()
    module.policy.head.weight.data.zero_()
    observations = np.repeat(bit_rows(3)[:, None], 3, axis=1)
    game = team_game(bits_game(3), 0.95)
    assert game.num_actions == empty((2, 2, 2)).num_actions
    for graphs in (0, 3):
        values = evaluate(game, joint_table(module, observations, graphs)[None])
        assert float((values @ game.initial / game.optimum)[0]) == pytest.approx(0.464, abs=1e-3)


def test_annealing_follows_the_releases_schedule() -> None:
    """Updates of the release's 6,250, and what its counters say then."""
    schedule = Annealing(6250, 0.1, 1.0)
    wanted = {0: 1, 2500: 1, 2545: 1, 2546: 39 / 40, 2500 + 46 * 20: 0.5, 2500 + 1839: 1 / 40, 2500 + 1840: 0, 6250: 0}
    weights = {0: 0.1, 4389: 0.1, 4390: 0.16, 4375 + 15 * 14: 0.94, 4375 + 15 * 15: 1.0, 6250: 1.0}
    for update, expected in wanted.items():
        assert schedule.wanted_density(update) == pytest.approx(expected), update
    for update, expected in weights.items():
        assert schedule.weight(update) == pytest.approx(expected), update


def test_annealing_empties_a_graph_and_its_policies_play_from_files(team: Team, tmp_path: Path) -> None:
    steps = 60 * 40
    training = {"annealing_steps": steps, "graph_lr": 0.01, "num_epochs": 5, "annealing_weight": 1.0}
    algorithm = team(BNMAPPOConfig, BITS, **training)
    found = []
    for _ in range(40):
        numbers = algorithm.train()["learners"]["agents"]
        found.append(float(numbers["density"]))
    assert np.mean(found[10:16]) > 0.8  # first it pulls towards complete graphs
    assert np.mean(found[-3:]) < 0.02
    assert float(numbers["wanted_density"]) == 0
    assert float(numbers["edge_0_1"]) <= 1
    module = algorithm.get_module("agents")
    with pytest.raises(ValueError, match="policy files hold no graph"):
        export_team(module, tmp_path, BITS, {}, ("a", "b", "c"))
    assert not list(tmp_path.iterdir())
    module.keeps_edges = False
    players = [TrainedPlayer(folder) for folder in export_team(module, tmp_path, BITS, {}, ("a", "b", "c"))]
    batch = games.make_batch(BITS, 5, seed=2)
    batch.reset()
    seen = torch.from_numpy(batch.observations.copy())
    inputs, _ = module.choose(seen, None, torch.ones(5, 3, dtype=torch.bool), None, {})
    for number, player in enumerate(players):
        ours = player.logits(batch.observations[:, number])
        np.testing.assert_allclose(ours, inputs[:, number].detach().numpy(), atol=1e-5)


def test_a_restored_algorithm_goes_on_bit_for_bit(team: Team, tmp_path: Path) -> None:
    algorithm = team(BNMAPPOConfig, BITS, minibatch_size=20, annealing_steps=300, resample_context=True)
    algorithm.train()
    algorithm.save_to_path(tmp_path / "saved")
    algorithm.train()
    restored = BNMAPPO.from_checkpoint(str(tmp_path / "saved"))
    restored.train()
    expected = team_weights(algorithm)
    for name, value in team_weights(restored).items():
        np.testing.assert_array_equal(value, expected[name], err_msg=name)
    restored.stop()


def test_episodes_are_counted_once_and_whole(team: Team) -> None:
    """Foraging ends early and late; the sum over agents of an episode is 1 when all food is taken."""
    module = team(BNMAPPOConfig, FORAGING).get_module("players")
    played = play_episodes(module, FORAGING, {"horizon": 30}, episodes=16, seed=1, is_greedy=False)
    again = play_episodes(module, FORAGING, {"horizon": 30}, episodes=16, seed=1, is_greedy=False)
    assert played.returns.shape == (16,)
    assert ((played.returns >= 0) & (played.returns <= 0.5)).all()
    np.testing.assert_array_equal(played.returns, again.returns)


@pytest.mark.parametrize(
    ("settings", "error", "says"),
    [
        ({"graph": "learnt"}, UnknownNameError, "did you mean 'learned'"),
        ({"graph_gradient": "score"}, UnknownNameError, "unknown graph_gradient"),
        ({"graph": "complete", "annealing_steps": 100}, ValueError, "annealing_steps has no effect without a learned"),
        ({"graph": "complete", "edge_bias": 3.0}, ValueError, "edge_bias has no effect without a learned graph"),
        ({"graph": "complete", "fixed_order": True}, ValueError, "fixed_order has no effect"),
        ({"graph": "empty", "parent_observations": True}, ValueError, "parent_observations has no effect without a g"),
        ({"annealing_steps": 0}, ValueError, "annealing_steps must be a whole number of at least 1"),
        ({"annealing_steps": 9, "graph_gradient": "none"}, ValueError, "annealing_steps has no effect with"),
        ({"annealing_steps": 9, "annealing_weight": float("nan")}, ValueError, "annealing_weight must be a finite"),
        ({"edge_bias": float("nan")}, ValueError, "edge_bias must be a finite number"),
        ({"graph_hidden_size": 0.5}, ValueError, "graph_hidden_size must be a whole number"),
        ({"graph_lr": float("nan")}, ValueError, "graph_lr must be a finite number"),
        ({"fixed_order": "no"}, ValueError, "fixed_order must be True or False"),
    ],
)
def test_mistakes_are_named(settings: dict[str, Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        BNMAPPOConfig().environment(BITS).training(**settings).validate()
