"""RLlib on Overcooked: its own runner and the batched one, same world, network, batch and epochs."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module.rl_module import RLModuleSpec

import games
from experiments.bench import Measure, Work, cpu_seconds
from games.batch import Batch
from marl.rllib import ActorCriticModule, register, start_ray, stop_ray, use_batched_runner
from marl.rllib.bare_update import run_forwards, update_bare

ID = "overcooked/cramped_room_v0"
HIDDEN_SIZES = [64, 64]
NETWORK = {"fcnet_hiddens": HIDDEN_SIZES, "fcnet_activation": "relu", "vf_share_layers": False}
STOCK_ENVS = 32  # where RLlib's own runner is at its best: it does not gain beyond
BATCHED_ENVS = 256
STOCK_FRAGMENT, BATCHED_FRAGMENT = 1024, 128  # the same 32,768 steps in a batch
EPOCHS, MINIBATCHES = 2, 8


def make_config(num_envs: int, fragment: int) -> PPOConfig:
    """Returns what both runners share."""
    batch = num_envs * fragment
    return (
        PPOConfig()
        .environment(ID)
        .env_runners(num_env_runners=0, num_envs_per_env_runner=num_envs, rollout_fragment_length=fragment)
        .multi_agent(policies={"cook"}, policy_mapping_fn=_choose)
        .rl_module(rl_module_spec=RLModuleSpec(module_class=ActorCriticModule, model_config=NETWORK))
        .training(
            train_batch_size_per_learner=batch,
            num_epochs=EPOCHS,
            minibatch_size=2 * batch // MINIBATCHES,  # rows: two agents a step
            use_kl_loss=False,
        )
        .debugging(log_level="ERROR", seed=0)
    )


def _choose(agent: Any, *args: Any, **kwargs: Any) -> str:
    return "cook"


def _timed(work: Callable[[], object]) -> Work:
    return lambda: cpu_seconds(work)


def run(measure: Measure) -> None:
    """Measures sampling and training, then what is left of an iteration."""
    start_ray(num_cpus=1)
    register()
    stock = make_config(STOCK_ENVS, STOCK_FRAGMENT).build_algo()
    ours = use_batched_runner(make_config(BATCHED_ENVS, BATCHED_FRAGMENT)).build_algo()
    stock_steps, our_steps = STOCK_ENVS * STOCK_FRAGMENT, BATCHED_ENVS * BATCHED_FRAGMENT
    names = (f"RLlib's runner, {STOCK_ENVS} envs", f"batched runner, {BATCHED_ENVS} envs")
    sampling = {
        f"{names[0]}: sample": (stock_steps, _timed(lambda: stock.env_runner.sample(num_timesteps=stock_steps))),
        f"{names[1]}: sample": (our_steps, _timed(ours.env_runner.sample)),
    }
    training = {
        f"{names[0]}: train": (stock_steps, _timed(stock.train)),
        f"{names[1]}: train": (our_steps, _timed(ours.train)),
    }
    for label, works, aim in (("sampling", sampling, 25), ("training", training, 8)):
        theirs, batched = measure.rates("env steps / CPU-s", works)
        measure.compare(f"{label}: batched runner / RLlib's", batched, theirs, aim)
    _explain(measure, ours)
    ours.stop()
    stock.stop()
    stop_ray()


def _explain(measure: Measure, algorithm: Any) -> None:
    """Says what an iteration of the batched path spends its time on, from parts measured alone."""
    sample, train = _timed(algorithm.env_runner.sample)(), _timed(algorithm.train)()
    module, shape = algorithm.env_runner.module["cook"], games.make_batch(ID).observations.shape[2:]
    forward = _timed(lambda: run_forwards(module, 2 * BATCHED_ENVS, shape, BATCHED_FRAGMENT))()
    batch = games.make_batch(ID, BATCHED_ENVS)
    batch.reset()
    env = _timed(lambda: _step_often(batch))()
    rows = 2 * BATCHED_ENVS * BATCHED_FRAGMENT
    update = _timed(lambda: update_bare(rows, math.prod(shape), HIDDEN_SIZES, 6, EPOCHS, MINIBATCHES))()
    parts = {"network": forward, "world": env, "everything else": max(0.0, sample - forward - env)}
    shares = ", ".join(f"{name} {100 * part / sample:.0f} %" for name, part in parts.items())
    measure.note(f"sampling {BATCHED_ENVS * BATCHED_FRAGMENT:,} steps takes {sample:.3f} CPU-s: {shares}")
    measure.note(
        f"training on them takes {train:.3f} CPU-s: sampling {100 * sample / train:.0f} %, updates "
        f"{100 * (train - sample) / train:.0f} %; the same updates in bare PyTorch take {update:.3f} CPU-s"
    )


def _step_often(batch: Batch) -> None:
    for _ in range(BATCHED_FRAGMENT):
        batch.step()
