"""What stands in one env's record, how a snapshot of it is sealed, and what is believed about either."""

from __future__ import annotations

import hashlib
import struct
from typing import Any

import mujoco
import numpy as np

from games.config import is_of_kind
from games.mujoco import LARGEST, MAX_CONTEXT, PARAMETERS, MujocoConfig
from games.mujoco.body import Body

# The header of games/core/batch.c: magic, size of the whole, fingerprint of the world, FNV-1a of what follows.
HEADER = struct.Struct("<8sQQQ")
MAGIC = b"AGORA-1"

EPISODE: list[Any] = [
    *((name, "<u8") for name in ("seed", "env", "episode", "next_episode")),
    *(("length", "<i4"), ("has_started", "u1"), ("is_over", "u1"), ("returns", "<f8", 2)),
]


def state_fields(config: MujocoConfig) -> list[Any]:
    """Returns the fields of a state beside qpos and qvel, as a NumPy dtype describes them."""
    return [
        ("mass_scales", "<f8", len(config.robot.bodies)),
        *((name, "<f8") for name in ("friction_scale", "force", "context")),
        ("forces", "<f8", (len(config.pushed_bodies), len(config.push_axes))),
        *(("total_force", "<f8"), ("variant", "<i4"), ("timestep", "<i4"), ("has_diverged", "<i4")),
    ]


def record_dtype(config: MujocoConfig) -> np.dtype:
    """Returns the layout of a record: of the episode, and of the state."""
    return np.dtype(EPISODE + state_fields(config))


def snapshot_dtype(config: MujocoConfig, body: Body, num_infos: int) -> np.dtype:
    """Returns the layout of a snapshot: a record, what the last step brought, and the physics."""
    outcome = [("rewards", "<f4", 2), ("terminations", "u1", 2), ("truncations", "u1", 2), ("infos", "<f4", num_infos)]
    physics = [("physics", "<f8", body.num_state), ("derived", "<f8", body.num_derived)]
    return np.dtype([("record", record_dtype(config)), *outcome, *physics])


def fingerprint(config: MujocoConfig, id: str) -> int:
    """Returns 64 bits that stand for MuJoCo's version and all that cannot change while a batch lives."""
    fixed = {name: value for name, value in config.settings().items() if name != "contexts"}
    text = repr((id, mujoco.__version__, fixed, config.variant_values()))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def _checksum(start: int, body: bytes) -> int:
    for byte in body:
        start = ((start ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return start


def seal(world: int, body: bytes) -> bytes:
    """Puts the header before a snapshot's body."""
    return HEADER.pack(MAGIC, HEADER.size + len(body), world, _checksum(world, body)) + body


def unseal(world: int, size: int, data: bytes) -> bytes:
    """Returns the body of a snapshot.

    Raises:
        TypeError: The snapshot is no bytes.
        ValueError: It has another size, is damaged, or from another world.
    """
    if not isinstance(data, bytes):
        raise TypeError(f"a snapshot must be bytes, got {type(data).__name__}")
    if len(data) != HEADER.size + size:
        raise ValueError(f"a snapshot of this batch has {HEADER.size + size} bytes, got {len(data)}")
    magic, whole, found, checksum = HEADER.unpack_from(data)
    body = data[HEADER.size :]
    if magic.rstrip(b"\0") != MAGIC or whole != len(data):
        raise ValueError("these bytes are not a snapshot: their header is damaged")
    if found != world:
        raise ValueError("the snapshot was taken in another world or with another config")
    if checksum != _checksum(world, body):
        raise ValueError("the snapshot is damaged: its checksum does not match")
    return body


# ---- what is believed ----


def _limits(config: MujocoConfig) -> dict[str, tuple[float, float]]:
    """Returns the ranges of a state's fields."""
    most = PARAMETERS["force"][1] * (MAX_CONTEXT if config.context_scales_force else 1)
    return {
        "qpos": (-LARGEST, LARGEST),
        "qvel": (-LARGEST, LARGEST),
        "mass_scales": PARAMETERS["mass_scale"],
        "friction_scale": PARAMETERS["friction_scale"],
        "force": PARAMETERS["force"],
        "context": (-MAX_CONTEXT, MAX_CONTEXT),
        "forces": (-most, most),
        "total_force": (0, np.finfo(float).max),
        "variant": (0, max(len(config.variants), 1) - 1),
        "timestep": (0, config.horizon),
        "has_diverged": (0, 1),
    }


def check_state(config: MujocoConfig, state: dict[str, Any]) -> None:
    """Refuses values that are no state.

    Raises:
        ValueError: A value out of its range.
    """
    limits = _limits(config)
    for name, value in state.items():
        low, high = limits[name]
        array = np.asarray(value)
        if not ((array >= low) & (array <= high)).all():
            raise ValueError(f"{name} must be in [{low:g}, {high:g}], got {value}")


def check_kind(name: str, value: Any, like: Any) -> None:
    """Refuses a value of another type, dtype or shape than the field has.

    Raises:
        TypeError: Another type or dtype.
        ValueError: Another shape.
    """
    if not isinstance(like, np.ndarray):
        if not is_of_kind(value, type(like)):
            raise TypeError(f"{name} must be a {'whole ' if isinstance(like, int) else ''}number, got {value!r}")
        return
    if not isinstance(value, np.ndarray) or value.dtype != like.dtype or not value.flags.c_contiguous:
        found = value.dtype if isinstance(value, np.ndarray) else type(value)
        raise TypeError(f"{name} must be a C-contiguous NumPy array of dtype {like.dtype}, got {found}")
    if value.shape != like.shape:
        raise ValueError(f"{name} must have the shape {like.shape}, got {value.shape}")


def check_snapshot(config: MujocoConfig, snapshot: np.void, autoreset: str) -> None:
    """Refuses a snapshot whose checksum may be forged.

    Raises:
        ValueError: Something in it cannot be.
    """
    record = snapshot["record"]
    if record["has_started"] > 1 or record["is_over"] > 1 or record["length"] < 0:
        raise ValueError("the snapshot's episode record is damaged")
    if record["is_over"] and autoreset == "same_step":
        raise ValueError('the snapshot\'s episode is over, which does not occur with autoreset="same_step"')
    if (snapshot["terminations"] > 1).any() or (snapshot["truncations"] > 1).any():
        raise ValueError("the snapshot's terminations or truncations are damaged")
    for name in ("physics", "derived"):
        if not (np.abs(snapshot[name]) <= LARGEST).all():
            raise ValueError(f"the snapshot's {name} is damaged")
    if record["has_started"]:
        try:
            check_state(config, {field[0]: record[field[0]] for field in state_fields(config)})
        except ValueError as error:
            raise ValueError(f"the snapshot is damaged: {error}") from None
