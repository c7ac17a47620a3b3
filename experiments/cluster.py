"""Addresses of Ray clusters, checked before Ray waits minutes for one that is not there."""

from __future__ import annotations

import socket

from experiments.run_folder import RunError

PATIENCE_S = 5.0


def check_address(address: str | None) -> None:
    """Tries to reach a cluster.

    Args:
        address: HOST:PORT, ray://HOST:PORT, or "auto" (a cluster that this machine belongs to). None: no cluster.

    Raises:
        RunError: Nobody answers there, or it is no address.
    """
    if address is None or address == "auto":
        return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        raise RunError(f"--ray-address must be HOST:PORT, ray://HOST:PORT or auto, got {address!r}")
    try:
        socket.create_connection((host, int(port)), PATIENCE_S).close()
    except (OSError, OverflowError) as error:
        raise RunError(f"no Ray cluster answers at {address}: {error}") from None
