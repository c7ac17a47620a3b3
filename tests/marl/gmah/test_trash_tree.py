"""The task tree of grid/trash against the world itself: its state, its infos, and ways found by search."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex

import games
from agents.trash_collectors import TrashCollector
from agents.ways import ways_to
from games.trash import BIG, BINS, SIDE, SMALL, STEPS
from marl.gmah import TaskTree, draw_tree, find_tree, kind_colours
from marl.gmah.trash_tree import AROUND, TrashTree

DELIVER = 15


@pytest.fixture(scope="module")
def tree() -> TaskTree:
    return find_tree(games.spec("grid/trash_v0").config())


@pytest.fixture(scope="module")
def played() -> dict[str, Any]:
    """60 steps of three envs by collectors who err most of the time: observations [61, 3, 3, D], states, infos."""
    batch = games.make_batch("grid/trash_v0", 3, seed=4, autoreset="disabled")
    batch.reset()
    players, rng = [TrashCollector(agent) for agent in range(3)], np.random.default_rng(0)
    seen, states, infos = [batch.observations.copy()], [[batch.fields(e) for e in range(3)]], []
    for _ in range(60):
        meant = np.stack([p.act(batch, a) for p, a in zip(players, batch.agents, strict=True)], axis=1)
        batch.actions[:] = np.where(rng.random((3, 3)) < 0.3, meant, rng.integers(6, size=(3, 3)))
        batch.step()
        seen.append(batch.observations.copy())
        states.append([batch.fields(e) for e in range(3)])
        infos.append({name: array.copy() for name, array in batch.infos.items()})
    assert sum(info["delivered"].sum() for info in infos) >= 3
    return {"seen": torch.from_numpy(np.stack(seen)), "states": states, "infos": infos}


def test_preconditions_are_what_the_state_says(tree: TaskTree, played: dict[str, Any]) -> None:
    admissible = tree.admissible(played["seen"])
    for t, states in enumerate(played["states"]):
        for env, state in enumerate(states):
            kinds = state["pieces"][:, 2]
            for agent, load in enumerate(state["loads"]):
                expected = [*((kinds == SMALL) & (load < 3)), *(kinds[5:] == BIG), load > 0]
                assert admissible[t, env, agent].tolist() == expected


def test_who_can_do_nothing_has_one_choice(tree: TaskTree, played: dict[str, Any]) -> None:
    """Played states have a choice; without pieces only who carries something has: to deliver, like who cannot."""
    assert torch.equal(tree.choices(played["seen"]), tree.admissible(played["seen"]))
    batch = games.make_batch("grid/trash_v0", 1)
    batch.reset(seed=0)
    fields = batch.fields(0)
    fields["pieces"][:] = 0
    fields["loads"][:] = [0, 2, 0]
    batch.load_fields(0, fields)
    seen = torch.from_numpy(batch.observations.copy())
    assert tree.admissible(seen)[0].sum(dim=-1).tolist() == [0, 1, 0]
    assert tree.choices(seen)[0].nonzero().tolist() == [[0, DELIVER], [1, DELIVER], [2, DELIVER]]


def test_what_was_completed_is_what_the_world_reports(tree: TaskTree, played: dict[str, Any]) -> None:
    """Of splits, at least those: who faces what another splits counts as well."""
    done = tree.achievements(played["seen"][:-1], played["seen"][1:]).numpy()
    for t, infos in enumerate(played["infos"]):
        np.testing.assert_array_equal(done[t, ..., :10].sum(axis=-1), infos["picked_up"])
        np.testing.assert_array_equal(done[t, ..., DELIVER], infos["delivered"] > 0)
        assert (done[t, ..., 10:DELIVER].sum(axis=-1) >= infos["split"]).all()
        for env, agent, piece in np.argwhere(done[t, ..., :10]):
            before, after = (played["states"][s][env] for s in (t, t + 1))
            assert before["pieces"][piece, 2] == SMALL
            assert after["pieces"][piece, 2] == 0
            assert after["loads"][agent] == before["loads"][agent] + 1


def test_distances_are_the_fewest_actions_on_an_empty_map(tree: TaskTree, played: dict[str, Any]) -> None:
    for t in range(0, 60, 12):
        state = played["states"][t][0]
        for agent in range(3):
            start = (*map(int, state["agents"][agent]), int(state["directions"][agent]))
            for piece, (row, column, kind) in enumerate(state["pieces"].tolist()):
                if kind:
                    target = (row, column)
                    # Off the map is open: a way round the edge is no shorter than one inside, and has as many turns.
                    ways = ways_to(start, [target], lambda cell, at=target: cell == at, STEPS, (1, 2, 0))
                    found = tree.distance(played["seen"][t, 0, agent], torch.tensor(piece))
                    assert found == len(ways[target][0])


def test_cells_around_are_taken_where_something_stands(tree: TaskTree, played: dict[str, Any]) -> None:
    for t in range(60):
        state = played["states"][t][1]
        closed = {tuple(p[:2]) for p in state["pieces"].tolist() if p[2]} | set(BINS)
        for agent in range(3):
            row, column = state["agents"][agent].tolist()
            others = {tuple(place) for i, place in enumerate(state["agents"].tolist()) if i != agent}
            direction = int(state["directions"][agent])
            ahead, right = STEPS[direction], STEPS[(direction + 1) % 4]
            expected = []
            for f, r in AROUND:
                cell = (row + f * ahead[0] + r * right[0], column + f * ahead[1] + r * right[1])
                is_inside = 0 <= cell[0] < SIDE and 0 <= cell[1] < SIDE
                expected.append(float(not is_inside or cell in closed | others))
            features = tree.features(played["seen"][t, 1, agent], torch.tensor(0))
            assert features[-8:].tolist() == expected


def test_targets_lie_where_the_agent_looks() -> None:
    """Agent 0 at (0, 0) looks down: a piece at (3, 0) is 3 ahead, one at (3, 2) 3 ahead and 2 to its left."""
    batch = games.make_batch("grid/trash_v0", 1, num_agents=1, num_small=1, num_big=1)
    batch.reset(seed=0)
    fields = batch.fields(0)
    fields["pieces"] = np.array([[3, 0, SMALL], [3, 2, BIG]], np.uint8)
    batch.load_fields(0, fields)
    own = TrashTree(batch.config)  # type: ignore[arg-type]
    seen = torch.from_numpy(batch.observations[0, 0].copy())
    take, split, deliver = (own.features(seen, torch.tensor(g))[:6] for g in (0, 2, 3))
    assert take.tolist() == pytest.approx([0.3, 0, 2 / 20, 1, 0, 0])
    assert split.tolist() == pytest.approx([0.3, -0.2, 5 / 20, 0, 1, 0])  # 4 steps, a turn
    assert deliver.tolist() == pytest.approx([0.8, -0.6, 14 / 20, 0, 0, 1])  # the nearest cell is (8, 6)
    assert own.names == ("take 0", "take 1", "split 1", "deliver")


def test_the_oracle_deals_pieces_to_who_is_nearest(tree: TaskTree) -> None:
    """Agents start at (0, 0), (0, 2) and (0, 4). The third is full; the first is nearest to both."""
    batch = games.make_batch("grid/trash_v0", 1)
    batch.reset(seed=0)
    fields = batch.fields(0)
    fields["pieces"][:] = 0
    fields["pieces"][1] = (3, 0, SMALL)
    fields["pieces"][7] = (4, 0, BIG)
    fields["loads"][2] = 3
    batch.load_fields(0, fields)
    seen = torch.from_numpy(batch.observations.copy())
    assert [tree.names[g] for g in tree.oracle(seen)[0].tolist()] == ["take 1", "split 7", "deliver"]
    fields["pieces"][7] = 0
    batch.load_fields(0, fields)
    seen = torch.from_numpy(batch.observations.copy())
    assert tree.oracle(seen)[0].tolist() == [1, DELIVER, DELIVER], "who gets no piece delivers"


def test_the_tree_has_what_comes_before(tree: TaskTree) -> None:
    assert len(tree) == 16
    assert nx.is_directed_acyclic_graph(tree.graph)
    assert nx.ancestors(tree.graph, "take 7") == {"split 7"}
    assert not nx.ancestors(tree.graph, "take 2"), "small pieces need no splitting"
    assert set(tree.graph.predecessors("deliver")) == {f"take {piece}" for piece in range(10)}


def test_the_picture_has_each_kind_in_its_colour_and_what_belongs_together_side_by_side(tree: TaskTree) -> None:
    texts = {text.get_text(): text for text in draw_tree(tree).axes[0].texts}
    assert set(texts) == set(tree.names)
    colours = kind_colours(tree)
    assert len(set(colours.values())) == 3
    for name, text in texts.items():
        box = text.get_bbox_patch()
        assert box is not None
        assert to_hex(box.get_facecolor()) == colours[name.split()[0]]
    places = {name: text.get_position() for name, text in texts.items()}
    for piece in range(5, 10):
        assert places[f"split {piece}"] == (0, places[f"take {piece}"][1])
    assert [places[f"take {piece}"] for piece in range(10)] == [(1, piece) for piece in range(10)]
    assert places["deliver"] == (2, 4.5)


def test_worlds_without_a_tree_are_named() -> None:
    with pytest.raises(ValueError, match="unknown world with a task tree 'foraging'"):
        find_tree(games.spec("grid/foraging_8x8_2p_2f_coop_v0").config())
