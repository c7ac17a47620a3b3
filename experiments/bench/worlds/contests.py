"""Who is compared with whom: a world, its peer, and the name of the same game there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from experiments.bench.peer import (
    ENVPOOL,
    HIGHWAY_ENV,
    JAXMARL,
    LBFORAGING,
    MINIGRID,
    MPE2,
    OVERCOOKED_AI,
    PGX,
    PURSUIT,
    PYSPIEL,
    VMAS,
    Program,
)

ONE_VIEW = "ours shows both players, the peer the one who moves"
FROZEN = "the peer's episodes all start in the same scene"
NO_VIEW = "ours shows both players, the peer neither"


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
    Contest("overcooked/cramped_room_v0", JAXMARL, "overcooked:cramped_room", note="no order list, fixed starts"),
    Contest("driving/highway_fast_v0", HIGHWAY_ENV, "highway-fast-v0", aim=1500),
    Contest("driving/merge_v0", HIGHWAY_ENV, "merge-v0"),
    Contest("driving/intersection_v0", HIGHWAY_ENV, "intersection-v0"),
    Contest("driving/roundabout_v0", HIGHWAY_ENV, "roundabout-v0"),
    Contest("driving/two_way_v0", HIGHWAY_ENV, "two-way-v0"),
    Contest("driving/highway_fast_v0", ENVPOOL, "highway-fast-v0", aim=2),
    Contest("driving/merge_v0", ENVPOOL, "merge-v0"),
    Contest("driving/intersection_v0", ENVPOOL, "intersection-v0", note=FROZEN),
    Contest("driving/roundabout_v0", ENVPOOL, "roundabout-v0", note=FROZEN),
    Contest("driving/two_way_v0", ENVPOOL, "two-way-v0", note=FROZEN),
    Contest("grid/pursuit_v0", PURSUIT, "pursuit"),
    Contest("grid/foraging_8x8_2p_2f_v0", LBFORAGING, "Foraging-8x8-2p-2f-v3"),
    Contest("grid/foraging_10x10_3p_3f_v0", LBFORAGING, "Foraging-10x10-3p-3f-v3"),
    Contest("grid/door_key_v0", MINIGRID, "MiniGrid-DoorKey-8x8-v0"),
    Contest("grid/door_key_v0", ENVPOOL, "MiniGrid-DoorKey-8x8-v0"),
    Contest("particles/simple_spread_v0", MPE2, "simple_spread_v3", aim=500),
    Contest("particles/simple_tag_v0", MPE2, "simple_tag_v3"),
    Contest("particles/simple_spread_v0", VMAS, "simple_spread", note="vmas resets all envs at once"),
    Contest("particles/simple_tag_v0", VMAS, "simple_tag", note="vmas resets all envs at once"),
    Contest("particles/simple_spread_v0", JAXMARL, "MPE_simple_spread_v3"),
    Contest("particles/simple_tag_v0", JAXMARL, "MPE_simple_tag_v3"),
    Contest("cards/kuhn_poker_v0", PYSPIEL, "kuhn_poker:shown", note=ONE_VIEW, aim=100),
    Contest("cards/leduc_poker_v0", PYSPIEL, "leduc_poker:shown", note=ONE_VIEW, aim=100),
    Contest("cards/goofspiel_v0", PYSPIEL, "goofspiel:shown", aim=100),
    Contest("cards/kuhn_poker_v0", PYSPIEL, "kuhn_poker:blind", note=NO_VIEW),
    Contest("cards/leduc_poker_v0", PYSPIEL, "leduc_poker:blind", note=NO_VIEW),
    Contest("cards/goofspiel_v0", PYSPIEL, "goofspiel:blind", note=NO_VIEW),
    Contest("cards/kuhn_poker_v0", PGX, "kuhn_poker", note=ONE_VIEW),
    Contest("cards/leduc_poker_v0", PGX, "leduc_holdem", note=ONE_VIEW),
]
