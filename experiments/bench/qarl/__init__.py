"""QARL: ten seeds in one stack of networks beside single runs under RLlib, in updates of a seed's agent per second.

Everything that a run does is counted: env steps, replay, updates. Ten single runs take ten times what one takes, and do
ten times as much, so that one stands for all of them. RLlib's own SAC is there for context: it updates both agents at
once, as often for an env step each. One thread and CPU time; set OMP_NUM_THREADS=1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from ray.rllib.algorithms.algorithm import Algorithm
from ray.rllib.algorithms.sac import SACConfig

from experiments.bench import Measure, Seconds, Work, seconds
from marl.qarl.arena import ADVERSARY, PROTAGONIST
from marl.qarl.process import settle_process
from marl.qarl.rllib import QARLConfig
from marl.qarl.soft_actor_critic import SacSettings
from marl.qarl.trainer import ManySeedsTrainer, TrainerSettings
from marl.rllib import register, start_ray, stop_ray, use_batched_runner

WORLD = "control/pendulum_swingup_v0"
SEEDS = 10
AIM = 4.0
UNIT = "updates / CPU-s"
STEPS_PER_UPDATE = 3
LEAST_STORED = 256  # env steps before RLlib's SAC learns
STOCK_STEPS = 60  # env steps of one of its rounds: it is slow
IDLE = TrainerSettings().capacity  # transitions before updates begin: none does


@dataclass(frozen=True)
class Size:
    """What is measured.

    Attributes:
        hidden: Sizes of the layers.
        horizon: Steps of an episode, so many that a repeat takes seconds.
    """

    hidden: tuple[int, ...]
    horizon: int

    @property
    def label(self) -> str:
        """As rows have it."""
        return " x ".join(map(str, self.hidden))

    @property
    def env_steps(self) -> int:
        """Of an iteration of one seed: two phases."""
        return 2 * TrainerSettings().episodes * self.horizon

    @property
    def updates(self) -> float:
        """Of an iteration of one seed."""
        return self.env_steps / STEPS_PER_UPDATE


SIZES = (Size((64, 64), 60), Size((256, 256, 256), 12))


def run(measure: Measure) -> None:
    """Measures both sizes, and what a step without updates costs."""
    settle_process()
    start_ray(num_cpus=2)
    register()
    for size in SIZES:
        works: dict[str, tuple[float, Work]] = {
            f"{SEEDS} seeds at once, {size.label}": (SEEDS * size.updates, _many(size, SEEDS)),
            f"one run under RLlib, {size.label}": (size.updates, _single(size)),
            f"one seed without RLlib, {size.label}": (size.updates, _many(size, 1)),
            f"RLlib's SAC on the batched runner, {size.label}": _stock(size, use_batched_runner),
            f"RLlib's SAC on its own runner, {size.label}": _stock(size, lambda config: config),
        }
        many, single, alone, *_ = measure.rates(UNIT, works)
        measure.compare(f"{size.label}: {SEEDS} seeds at once / {SEEDS} single runs", many, single, AIM)
        measure.compare(f"{size.label}: a run under RLlib / one seed without", single, alone)
    _measure_steps(measure)
    stop_ray()
    measure.note(
        f"batches of 256, an update for {STEPS_PER_UPDATE} env steps; RLlib's SAC makes one of each of both agents for "
        "as many, and uses no curriculum"
    )


def _settings(size: Size, critic_after: int = 1) -> TrainerSettings:
    sac = SacSettings(hidden_sizes=size.hidden)
    return TrainerSettings(sac=sac, critic_after=critic_after, steps_per_update=STEPS_PER_UPDATE)


def _timed(work: Callable[[], object]) -> Work:
    return partial(seconds, work)


def _many(size: Size, count: int) -> Work:
    return _timed(ManySeedsTrainer(WORLD, {"horizon": size.horizon}, _settings(size), range(count)).iterate)


def _single(size: Size) -> Work:
    return _timed(_build_single(size).train)


def _build_single(size: Size) -> Algorithm:
    config = QARLConfig().environment(WORLD, env_config={"horizon": size.horizon})
    config.training(hidden_sizes=size.hidden, critic_after=1, steps_per_update=STEPS_PER_UPDATE)
    return config.debugging(seed=0, log_level="ERROR").build_algo()


def _seat(agent: Any, *args: Any, **kwargs: Any) -> str:
    return str(agent).rpartition("_")[0]


def _stock(size: Size, put: Callable[[Any], Any]) -> tuple[float, Work]:
    """Returns how many updates of an agent a round has, and the round."""
    config = SACConfig().environment(WORLD, env_config={"horizon": size.horizon})
    config.env_runners(num_env_runners=0, num_envs_per_env_runner=STEPS_PER_UPDATE, rollout_fragment_length=1)
    config.learners(num_learners=0)
    config.multi_agent(policies={PROTAGONIST, ADVERSARY}, policy_mapping_fn=_seat)
    config.rl_module(model_config={"fcnet_hiddens": list(size.hidden), "head_fcnet_hiddens": []})
    config.training(
        train_batch_size_per_learner=256,
        num_steps_sampled_before_learning_starts=LEAST_STORED,
        replay_buffer_config={"type": "MultiAgentEpisodeReplayBuffer", "capacity": TrainerSettings().capacity},
    )
    config.reporting(min_time_s_per_iteration=0, min_sample_timesteps_per_iteration=STOCK_STEPS)
    algorithm = put(config.debugging(seed=0, log_level="ERROR")).build_algo()
    algorithm.train()
    while algorithm.metrics.peek(("env_runners", "num_env_steps_sampled_lifetime")) < LEAST_STORED:
        algorithm.train()
    return 2 * STOCK_STEPS / STEPS_PER_UPDATE, _timed(algorithm.train)


def _measure_steps(measure: Measure) -> None:
    """Adds what a step of all envs costs, played by the trainer and by the batched runner a step at a time."""
    size = SIZES[0]
    idle = ManySeedsTrainer(WORLD, {"horizon": size.horizon}, _settings(size, IDLE), [0])
    runner = _build_single(size).env_runner
    episodes, steps = TrainerSettings().episodes, 2 * size.horizon

    def sample() -> Seconds:
        return seconds(lambda: [runner.sample(num_timesteps=episodes) for _ in range(steps)])

    works: dict[str, tuple[float, Work]] = {
        f"a step of {episodes} envs, the trainer": (steps, _timed(idle.iterate)),
        f"a step of {episodes} envs, the batched runner": (steps, sample),
    }
    ours, asked = measure.rates("steps / CPU-s", works)
    measure.compare("steps without updates: the trainer / the batched runner, a step at a time", ours, asked)
