"""Who is compared with whom: a world, its peer, and the name of the same game there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from experiments.bench.peer import JAXMARL, OVERCOOKED_AI, Program


@dataclass(frozen=True)
class Contest:
    """One world against one peer.

    Attributes:
        id: Our environment.
        program: Who plays the same.
        game: Its name there (the top of the program's script).
        settings: Of ours, where they differ from the id's.
        note: What differs between the two.
        aim: How much faster we should be at 1,024 envs.
    """

    id: str
    program: Program
    game: str
    settings: dict[str, Any] = field(default_factory=dict)
    note: str = ""
    aim: float = 1.0


CONTESTS = [
    Contest("overcooked/cramped_room_v0", OVERCOOKED_AI, "cramped_room:lossless"),
    Contest("overcooked/cramped_room_v0", JAXMARL, "overcooked:cramped_room"),
]
