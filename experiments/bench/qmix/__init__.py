"""QMIX: env steps of training a second beside benchmarl's QMIX (torchrl), on the same world, at equal updates.

Both play 16 envs of a world of ours, the peer through PettingZoo, and make an update for every episode, of 32 episodes'
steps, with the same widths and rates. What is counted is a whole round: collection, replay, updates. Ours draws whole
episodes and the peer single steps, as each of them does. One thread and CPU time; set OMP_NUM_THREADS=1.
"""

from __future__ import annotations

import os
import sysconfig

from experiments.bench import Measure, Work, seconds
from experiments.bench.peer import BENCHMARL, Peer
from games.spec import spec
from marl.qmix import QMIXConfig
from marl.rllib import start_ray, stop_ray

WORLD = "particles/simple_spread_v0"
NUM_ENVS = 16
EPISODES_PER_UPDATE = 32
WARM_UP = 4  # rounds, in which the replay fills
UNIT = "env steps / CPU-s"
TRAINING = {"lr": 5e-4, "hidden_sizes": (64, 64), "is_recurrent": False, "mixing_size": 32, "capacity": 100_000}


def run(measure: Measure) -> None:
    """Measures both in turns, and ours alone where the peer is not installed."""
    start_ray(num_cpus=1)
    steps = NUM_ENVS * spec(WORLD).properties.horizon
    ours = f"QMIX, {WORLD}"
    works: dict[str, tuple[float, Work]] = {ours: (steps, _ours())}
    python = BENCHMARL.find_python()
    if python is None:
        measure.note(f"{BENCHMARL.title} is not installed: make .parity/benchmarl/installed")
        measure.rates(UNIT, works)
    else:
        os.environ["AGORA_SITE_PACKAGES"] = sysconfig.get_paths()["purelib"]  # the peer plays our world
        with Peer(python, BENCHMARL) as peer:
            for _ in range(WARM_UP):
                peer.play(WORLD, NUM_ENVS, steps)
            works[f"{BENCHMARL.title}, {WORLD} through PettingZoo"] = (
                steps,
                lambda: peer.play(WORLD, NUM_ENVS, steps),
            )
            own, theirs = measure.rates(UNIT, works)
        measure.compare(f"training QMIX / {BENCHMARL.title}", own, theirs)
    stop_ray()
    measure.note(f"rounds of {steps} env steps and {NUM_ENVS} updates of {EPISODES_PER_UPDATE} episodes' steps each")


def _ours() -> Work:
    config = QMIXConfig().environment(WORLD).training(**TRAINING)
    config.training(episodes_per_update=EPISODES_PER_UPDATE, updates_per_round=NUM_ENVS)
    config.training(target_update_interval=1, tau=0.01, hypernet_size=0)
    config.env_runners(num_envs_per_env_runner=NUM_ENVS).debugging(seed=0, log_level="ERROR")
    algorithm = config.build_algo()
    for _ in range(WARM_UP):
        algorithm.train()
    return lambda: seconds(algorithm.train)
