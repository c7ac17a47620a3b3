"""A quiet local Ray for one process: no dashboard, no telemetry, nothing left in the home directory.

Local Ray switches token authentication on and writes ~/.ray/auth_token; that is left as it is, because without it
anyone on the machine can talk to Ray's ports. `RAY_AUTH_MODE=disabled` switches it off for machines that nobody shares.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import ray
import torch
from ray.tune.trainable import trainable

_results_folder: str | None = None
_ray_results = trainable.DEFAULT_STORAGE_PATH


def start_ray(num_cpus: int = 2, *, object_store_bytes: int = 400 * 2**20, **init: Any) -> None:
    """Starts Ray on this machine, or does nothing where it runs already.

    Torch gets one thread: with more, the small networks of this package wait for each other (measured: 0.2 s became
    10 s on two busy cores).

    Args:
        num_cpus: CPUs that Ray may give to runners, learners and tasks.
        object_store_bytes: Memory for what processes exchange; fragments are the largest part.
        **init: Further arguments of `ray.init`, such as `address` for a cluster.
    """
    global _results_folder
    torch.set_num_threads(1)
    if ray.is_initialized():
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    for name in ("ray", "ray.rllib", "ray.tune"):
        logging.getLogger(name).setLevel(logging.ERROR)
    if "address" not in init:
        # "local", because Ray would otherwise join whatever cluster this machine belongs to.
        init = {"address": "local", "num_cpus": num_cpus, "object_store_memory": object_store_bytes, **init}
    ray.init(include_dashboard=False, logging_level=logging.ERROR, log_to_driver=False, **init)
    # Every Algorithm outside of Tune makes a folder in ~/ray_results, which no setting moves.
    _results_folder = tempfile.mkdtemp(prefix="agora_results_")
    trainable.DEFAULT_STORAGE_PATH = _results_folder


def stop_ray() -> None:
    """Stops what `start_ray` started and removes the algorithms' folders."""
    global _results_folder
    if _results_folder is None:
        return
    ray.shutdown()
    trainable.DEFAULT_STORAGE_PATH = _ray_results
    shutil.rmtree(Path(_results_folder), ignore_errors=True)
    _results_folder = None
