"""Batches in parts of like populations: which slots a part has, and losses that are those of the whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from small_teams import RESOURCES, WORLD

import games
from marl.mra import MRASettings, losses, parts
from marl.mra.algorithm import module_specs
from marl.mra.losses import Steps, critic_loss, game_loss, information_bound, policy_loss, steps_of
from marl.mra.module import MRAModule
from marl.mra.parts import Part, Sight

TREASURES = "particles/treasure_collection_v0"
HUNTERS = {"num_collectors": 3, "num_banks": 2, "populations": ((2, 1), (3, 2)), "horizon": 5}


def module_and_steps(env_id: str, world: dict[str, Any], group: str) -> tuple[MRAModule, Steps]:
    """A module at random and forty steps of it, in the order of their populations."""
    torch.manual_seed(1)
    batch = games.make_batch(env_id, 40, seed=2, **world)
    batch.reset()
    own = batch.groups[group]
    module = module_specs(batch, MRASettings(num_latents=3))[group].build()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    alive = torch.from_numpy(own.alive > 0)
    count = torch.from_numpy(sum((each.alive > 0).sum(axis=1) for each in batch.groups.values()))
    seen = torch.from_numpy(own.observations.copy())
    columns = {
        **{"obs": seen, "new_obs": seen + 0.01 * (seen != 0) * (seen != 1), "rewards": torch.randn(alive.shape)},
        **{"actions": torch.randint(5, alive.shape), "alive": alive, "next_alive": alive, "num_agents": count},
        "latents": torch.eye(3)[torch.randint(3, alive.shape)] * alive[..., None],
        "games": torch.searchsorted(torch.tensor(module.games), count),
    }
    return module, steps_of(module, columns)


def see_at_once(views: Any, there: torch.Tensor, num_agents: torch.Tensor) -> Sight:
    """The whole batch with all its slots."""
    agents, others = views.other_mask.shape[1:]
    return Sight((Part(slice(None), agents, torch.arange(others), views),), agents, others)


@pytest.mark.parametrize(
    ("env_id", "world", "group", "expected"),
    [
        (RESOURCES, WORLD, "agents", [(1, []), (3, [0, 1]), (4, [0, 1, 2])]),
        # Of three collectors and two banks an agent has a row of two of its own kind, then the others.
        (TREASURES, HUNTERS, "collectors", [(2, [0, 2]), (3, [0, 1, 2, 3])]),
        (TREASURES, HUNTERS, "banks", [(1, [0, 1]), (2, [0, 1, 2, 3])]),
    ],
)
def test_a_part_has_the_slots_of_its_population(
    env_id: str, world: dict[str, Any], group: str, expected: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By hand: agents fill slots from the first on."""
    monkeypatch.setattr(parts, "LEAST_ROWS", 1)
    _, steps = module_and_steps(env_id, world, group)
    assert [(part.agents, part.others.tolist()) for part in steps.sight_t.parts] == expected
    assert [part.rows.stop - part.rows.start for part in steps.sight_t.parts] == steps.num_agents.unique(
        return_counts=True
    )[1].tolist()


LOSSES: dict[str, Callable[..., torch.Tensor]] = {
    "critic": lambda module, steps, draws: critic_loss(module, steps, MRASettings(), 0.9, draws)[0],
    "policy": lambda module, steps, draws: policy_loss(module, steps, MRASettings(), draws)[0],
    "game": lambda module, steps, draws: game_loss(module, steps, MRASettings(), draws)[0],
    "information": lambda module, steps, draws: information_bound(module, steps, MRASettings(), draws),
}


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize(
    ("env_id", "world", "group"),
    [(RESOURCES, WORLD, "agents"), (TREASURES, HUNTERS, "collectors"), (TREASURES, HUNTERS, "banks")],
    ids=["agents", "collectors", "banks"],
)
def test_losses_and_gradients_in_parts_are_those_of_the_whole(
    env_id: str, world: dict[str, Any], group: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for see in (parts.see, see_at_once):
        monkeypatch.setattr(parts, "LEAST_ROWS", 1)
        monkeypatch.setattr(losses, "see", see)
        module, steps = module_and_steps(env_id, world, group)
        loss = LOSSES[name](module, steps, torch.Generator().manual_seed(5))
        learned = [parameter for parameter in module.parameters() if parameter.requires_grad]
        gradients = torch.autograd.grad(loss, learned, allow_unused=True)
        found.append((loss.item(), torch.cat([each.flatten() for each in gradients if each is not None])))
    assert found[0][0] == pytest.approx(found[1][0], abs=1e-6, rel=1e-6)
    torch.testing.assert_close(found[0][1], found[1][1], atol=1e-5, rtol=1e-4)
    assert found[0][1].abs().max() > 1e-3


def test_few_rows_and_rows_in_no_order_are_one_part() -> None:
    _, steps = module_and_steps(RESOURCES, WORLD, "agents")
    assert len(steps.sight_t.parts) == 1
    assert len(parts.see(steps.views_t, steps.alive, steps.num_agents.flip(0)).parts) == 1
