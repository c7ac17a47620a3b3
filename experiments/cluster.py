"""Ray for a study: started on this machine, or joined where a cluster runs; one line says what is wrong with one."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

from experiments.run_folder import RunError

PATIENCE_S = 5.0
GREETING_S = 30.0  # a head on a busy machine needs seconds; for one that is none Ray itself waits a quarter of an hour
LOCAL = "local"  # Ray's own word; says "this machine" even where RAY_ADDRESS names a cluster


def check_address(address: str | None) -> None:
    """Tries to reach a cluster.

    Args:
        address: HOST:PORT, or "auto" (the cluster that this machine belongs to). None or "local": no cluster.

    Raises:
        RunError: Nobody answers there, or it is no address.
    """
    if address is None or address in ("auto", LOCAL):
        return
    host, _, port = address.rpartition(":")
    if not host or "/" in host or not port.isdigit():
        raise RunError(f"--ray-address must be HOST:PORT, auto or local, got {address!r}")
    try:
        socket.create_connection((host, int(port)), PATIENCE_S).close()
    except (OSError, OverflowError) as error:
        raise RunError(f"no Ray cluster answers at {address}: {error}") from None


@contextlib.contextmanager
def ray_session(address: str | None, num_env_runners: int) -> Iterator[None]:
    """Has Ray ready within `with`, for an algorithm with so many remote env runners of one CPU each.

    Args:
        address: As in `check_address`.
        num_env_runners: 0: the main process steps the envs.

    Raises:
        RunError: The cluster cannot be joined, or has fewer CPUs than there are runners; or whatever training met with
            that has an explanation (`marl.rllib.explain`), in this process or another.
    """
    from marl.rllib import explain, start_ray, stop_ray

    try:
        if address is None or address == LOCAL:
            start_ray(num_cpus=max(1, num_env_runners))
        else:
            _join(address)
            _check_size(num_env_runners)
        yield
    except Exception as error:
        line = explain(error)
        if line is None:
            raise
        raise RunError(line) from None
    finally:
        stop_ray()


def _join(address: str) -> None:
    from ray.exceptions import RayError

    from marl.rllib import start_ray

    try:
        _greet(address)
        start_ray(address=address)
    # Of another version, without our token, or this machine is none of its nodes.
    except (ConnectionError, RuntimeError, RayError) as error:
        reason = " ".join(str(error.__cause__ or error).split())
        raise RunError(f"cannot join the Ray cluster at {address}: {reason}") from None


def _greet(address: str) -> None:
    """Raises what a client of the cluster's head would, or ConnectionError where no head answers in time.

    A thread asks, because the question cannot be called off; it ends with the process.
    """
    from ray._private import services
    from ray._raylet import GcsClient  # type: ignore[attr-defined] # compiled

    head = services.canonicalize_bootstrap_address_or_die(address)
    answers: list[Exception | None] = []

    def ask() -> None:
        try:
            GcsClient(address=head)
            answers.append(None)
        except Exception as error:
            answers.append(error)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(GREETING_S)
    if not answers:
        raise ConnectionError(f"something listens there, but no head of a cluster answered in {GREETING_S:.0f} s")
    if answers[0] is not None:
        raise answers[0]


def _check_size(num_env_runners: int) -> None:
    """RLlib would wait without a word, and for ever, for a place for its last runner."""
    import ray

    num_cpus = int(ray.cluster_resources().get("CPU", 0))
    if num_cpus < num_env_runners:
        raise RunError(
            f"num_env_runners={num_env_runners} needs as many CPUs, and the nodes of the cluster have {num_cpus} "
            "together; start more nodes and resume the run, or begin one with fewer runners"
        )
    num_free = int(ray.available_resources().get("CPU", 0))
    if num_free < num_env_runners:
        print(f"waiting for CPUs of the cluster: {num_env_runners} are needed, {num_free} are free", flush=True)
