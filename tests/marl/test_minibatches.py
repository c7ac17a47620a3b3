from __future__ import annotations

import torch

from marl.rllib.learner.minibatches import minibatches


def columns(**sizes: int) -> dict[str, dict[str, torch.Tensor]]:
    return {
        module_id: {"obs": torch.arange(size), "twice": 2 * torch.arange(size)} for module_id, size in sizes.items()
    }


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_every_epoch_shows_every_row_of_every_module_once() -> None:
    parts = list(
        minibatches(
            columns(big=103, small=5),
            module_ids=["big", "small"],
            num_epochs=3,
            minibatch_size=10,
            generator=seeded(),
        )
    )
    assert len(parts) == 3 * 10
    for epoch in (parts[:10], parts[10:20], parts[20:]):
        for module_id, size in (("big", 103), ("small", 5)):
            seen = torch.cat([part[module_id]["obs"] for part in epoch if module_id in part])
            assert sorted(seen.tolist()) == list(range(size))
    assert all(torch.equal(m["twice"], 2 * m["obs"]) for part in parts for m in part.values())


def test_every_epoch_has_an_order_of_its_own_and_the_first_is_not_that_of_time() -> None:
    parts = list(minibatches(columns(a=64), module_ids=["a"], num_epochs=2, minibatch_size=64, generator=seeded()))
    orders = [part["a"]["obs"].tolist() for part in parts]
    assert orders[0] != orders[1] != list(range(64)) != orders[0]


def test_without_a_generator_the_order_is_kept() -> None:
    (part,) = minibatches(columns(a=7), module_ids=["a"], num_epochs=1, minibatch_size=None, generator=None)
    assert part["a"]["obs"].tolist() == list(range(7))


def test_no_rows_make_no_minibatches() -> None:
    assert list(minibatches(columns(a=0), module_ids=["a"], num_epochs=2, minibatch_size=4, generator=None)) == []
    assert list(minibatches({}, module_ids=[], num_epochs=2, minibatch_size=4, generator=None)) == []


def test_the_last_minibatch_has_all_modules() -> None:
    # RLlib keeps what the last one says, and adapts KL coefficients by it.
    parts = list(
        minibatches(
            columns(big=40, small=3), module_ids=["big", "small"], num_epochs=2, minibatch_size=4, generator=None
        )
    )
    assert [len(part) for part in parts] == 2 * (7 * [1] + 3 * [2])
