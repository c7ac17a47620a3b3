"""Random maps of gather-trade-build are those of ai-economist 1.7.1, tile by tile."""

import json
import subprocess
from pathlib import Path

import numpy as np

from econ.gather_trade_build import RandomMaps
from econ.gather_trade_build.maps import KINDS, draw_map

SETTINGS = [RandomMaps(kind, seed=seed, compat=True) for kind in KINDS for seed in (1, 2, 3)]
SETTINGS += [
    RandomMaps(
        "uniform", seed=4, height=40, width=18, wood_coverage=0.1, stone_coverage=0.05, steepness=2, compat=True
    ),
    RandomMaps("uniform", seed=5, wood_clumpiness=1, stone_clumpiness=0, is_checkered=True, compat=True),
    RandomMaps("quadrant", seed=6, height=20, width=20, steepness=3, compat=True),
    RandomMaps("multi_zone", seed=7, height=33, width=24, wood_coverage=0.05, compat=True),
]


def listed(settings):
    """What the reference process gets."""
    return {
        "scenario": settings.kind,
        "seed": settings.seed,
        "world": {
            "world_size": [settings.height, settings.width],
            "starting_wood_coverage": settings.wood_coverage,
            "starting_stone_coverage": settings.stone_coverage,
            "wood_clumpiness": settings.wood_clumpiness,
            "stone_clumpiness": settings.stone_clumpiness,
            "gradient_steepness": settings.steepness,
            "checker_source_blocks": settings.is_checkered,
        },
    }


def test_maps_are_equal(peer_python, tmp_path):
    paths = [tmp_path / name for name in ("jobs.json", "maps.npz")]
    paths[0].write_text(json.dumps([listed(settings) for settings in SETTINGS]), encoding="utf-8")
    script = Path(__file__).with_name("maps_reference.py")
    command = [str(peer_python("economist")), "-W", "ignore", str(script), *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    with np.load(paths[1]) as theirs:
        for number, settings in enumerate(SETTINGS):
            ours = draw_map(settings, np.random.RandomState(settings.seed))
            assert np.array_equal(ours, theirs[f"arr_{number}"]), settings
