"""The update: RLlib's learner on fragments against bare PyTorch on the same rows."""

from __future__ import annotations

from typing import Any

from ray.rllib.algorithms.algorithm import Algorithm

from experiments.bench import Measure, Seconds, Work, seconds
from experiments.bench.ppo import EPOCHS, HIDDEN_SIZES, make_config, train_columns
from marl.rllib import Fragment, use_batched_runner
from marl.rllib.bare_update import update_bare

ENVS, FRAGMENT = 256, 128
MINIBATCH_SIZES = (256, 1024, 8192)
AIM = 1.2


def run(measure: Measure) -> None:
    """Measures all sizes of minibatches."""
    algorithm: Any = use_batched_runner(make_config(ENVS, FRAGMENT, observation="features")).build_algo()
    fragments: list[Any] = algorithm.env_runner.sample()
    for minibatch_size in MINIBATCH_SIZES:
        _measure_size(measure, algorithm, fragments, minibatch_size)
    algorithm.stop()


def _measure_size(measure: Measure, algorithm: Any, fragments: list[Fragment], minibatch_size: int) -> None:
    columns = train_columns(algorithm, fragments)
    rows = EPOCHS * fragments[0].agent_steps()
    update = _update(algorithm, fragments, minibatch_size)
    size = f"minibatches of {minibatch_size:,}"
    whole, loop, bare = measure.rates(
        "rows / CPU-s",
        {
            f"update, {size}": (rows, update),
            f"update without the value pass, {size}": (rows, _without_values(algorithm, fragments, update)),
            f"bare PyTorch, {size}": (
                rows,
                lambda: seconds(lambda: update_bare(columns, algorithm.config, HIDDEN_SIZES, minibatch_size)),
            ),
        },
    )
    measure.compare(f"bare PyTorch / update, {size} (smaller is better)", bare, whole, AIM)
    measure.compare(f"bare PyTorch / update without the value pass, {size} (smaller is better)", bare, loop)


def _update(algorithm: Algorithm, fragments: list[Fragment], minibatch_size: int) -> Work:
    """Returns the work of one update, from the same weights every time, as bare PyTorch has fresh ones."""
    group: Any = algorithm.learner_group
    weights = group.get_weights()

    def work() -> Seconds:
        group.set_weights(weights)
        return seconds(
            lambda: group.update(
                episodes=fragments,
                timesteps={},
                num_epochs=EPOCHS,
                minibatch_size=minibatch_size,
                shuffle_batch_per_epoch=True,
            )
        )

    return work


def _without_values(algorithm: Algorithm, fragments: list[Fragment], update: Work) -> Work:
    """Returns the work of an update less that of making its rows: values, advantages, columns."""

    def work() -> Seconds:
        whole = update()
        rows = seconds(lambda: train_columns(algorithm, fragments))
        assert isinstance(whole, Seconds)
        return Seconds(whole.cpu - rows.cpu, whole.wall - rows.wall)

    return work
