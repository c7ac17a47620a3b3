"""A small run of PSRO on Kuhn poker, and everything that it leaves."""

import json

import numpy as np

from marl.psro.psro import Psro
from marl.psro.settings import PsroSettings

KUHN = PsroSettings(world="cards/kuhn_poker_v0", oracle="exact", nash_conv="exact", episodes=30, more_episodes=60)


def run_epochs(folder, epochs, settings=KUHN, workers=None):
    run = Psro(folder, settings, workers=workers)
    while run.num_complete < epochs:
        run.step()
    return run


def everything(folder):
    """What a run leaves, apart from how long it took."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.suffix == ".npz":
            with np.load(path) as arrays:
                found[name] = {key: arrays[key].tobytes() for key in arrays}
        elif name.startswith("epochs/"):
            found[name] = {k: v for k, v in json.loads(path.read_text()).items() if k != "seconds"}
        elif path.is_file():
            found[name] = path.read_bytes()
    return found
