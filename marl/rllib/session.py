"""A quiet local Ray for one process: no dashboard unless asked for, no telemetry, nothing left in the home directory.

Local Ray switches token authentication on and writes ~/.ray/auth_token; that is left as it is, because without it
anyone on the machine can talk to Ray's ports. `RAY_AUTH_MODE=disabled` switches it off for machines that nobody shares.
"""

from __future__ import annotations

import atexit
import gc
import logging
import os
import shutil
import signal
import tempfile
import threading
from pathlib import Path
from typing import Any

import ray
import torch
from ray.rllib.core.learner.learner_group import LearnerGroup
from ray.tune.trainable import trainable

from marl.rllib.noise import quiet_backend, silence_noise

_results_folder: str | None = None
_ray_results = trainable.DEFAULT_STORAGE_PATH


def start_ray(
    num_cpus: int = 2,
    *,
    object_store_bytes: int = 400 * 2**20,
    dashboard: bool = False,
    attempts: int = 1,
    **init: Any,
) -> None:
    """Starts Ray on this machine, or does nothing where it runs already. It ends with this process.

    Ray's and RLlib's own chatter (`marl.rllib.noise`) is kept from the screen; their warnings and yours are not.

    Torch gets one thread: with more, the small networks of this package wait for each other (measured: 0.2 s became
    10 s on two busy cores).

    Args:
        num_cpus: CPUs that Ray may give to runners, learners and tasks.
        object_store_bytes: Memory for what processes exchange; fragments are the largest part.
        dashboard: Whether Ray serves its dashboard (`pip install 'ray[default]'`), on this machine's port 8265.
        attempts: Starts that are made before its error is raised: a busy machine may be too slow for Ray's patience.
        **init: Further arguments of `ray.init`, such as `address` for a cluster.
    """
    global _results_folder
    torch.set_num_threads(1)
    if ray.is_initialized():
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    silence_noise()
    if "address" not in init:
        # "local", because Ray would otherwise join whatever cluster this machine belongs to.
        init = {"address": "local", "num_cpus": num_cpus, "object_store_memory": object_store_bytes, **init}
    with quiet_backend():
        _init(attempts, include_dashboard=dashboard, logging_level=logging.WARNING, log_to_driver=False, **init)
    _end_quietly_on_sigterm()
    atexit.register(stop_ray)
    # Every Algorithm outside of Tune makes a folder in ~/ray_results, which no setting moves.
    _results_folder = tempfile.mkdtemp(prefix="agora_results_")
    trainable.DEFAULT_STORAGE_PATH = _results_folder


def _init(attempts: int, **init: Any) -> None:
    for left in reversed(range(attempts)):
        try:
            ray.init(**init)
            return
        except (TypeError, ValueError):  # of the arguments, which are the same the next time
            raise
        except Exception:  # Ray has no class of its own for "timed out during startup"
            ray.shutdown()
            if left == 0:
                raise


def stop_ray() -> None:
    """Stops what `start_ray` started, algorithms that nobody stopped too, and removes the algorithms' folders."""
    global _results_folder
    if _results_folder is None:
        return
    atexit.unregister(stop_ray)
    _stop_learners()
    ray.shutdown()
    trainable.DEFAULT_STORAGE_PATH = _ray_results
    shutil.rmtree(Path(_results_folder), ignore_errors=True)
    _results_folder = None


def _stop_learners() -> None:
    # A group that nobody stopped would do so itself when Python ends, by starting Ray once more, with a traceback.
    for each in gc.get_objects():
        if type(each) is LearnerGroup and not each._is_shut_down:
            each.shutdown()


def _end_quietly_on_sigterm() -> None:
    # Ray sets a handler that ends this process, and then one in C before it that prints its stack first.
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM))
