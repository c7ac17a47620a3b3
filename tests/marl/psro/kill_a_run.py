"""Kills a small run of PSRO again and again at random moments, and says whether it ends as one that nobody disturbed.

Run as a script with a folder, a number of kills and a seed. Every life of the run is a child that has imported all that
it needs already, so that kills find it at work and not at its imports.
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

from small_runs import KUHN, everything, run_epochs

EPOCHS = 4
SETTINGS = KUHN.model_copy(update={"episodes": 400, "more_episodes": 1000, "nash_conv": "responses"})


def start(folder: Path) -> int:
    """Lets a child go on with a run; returns its process id."""
    child = os.fork()
    if child:
        return child
    try:
        run_epochs(folder, EPOCHS, SETTINGS)
    finally:
        os._exit(0 if sys.exc_info()[0] is None else 1)


def live(folder: Path, seconds: float) -> bool:
    """Lets a child go on with a run for a while; returns whether the kill came before its end."""
    child = start(folder)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status):
        assert os.WEXITSTATUS(status) == 0, "a life of the run failed"
    return os.WIFSIGNALED(status)


def main() -> None:
    folder, kills, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    run_epochs(folder / "warm", EPOCHS, SETTINGS)  # the world is walked through once, in the parent of all lives
    begun = time.monotonic()
    os.waitpid(start(folder / "whole"), 0)
    whole = time.monotonic() - begun
    expected, chance, done, runs = everything(folder / "whole"), random.Random(seed), 0, 0
    while done < kills:
        runs += 1
        while done < kills and live(folder / f"killed_{runs}", chance.uniform(0, whole / 5)):
            done += 1
        run_epochs(folder / f"killed_{runs}", EPOCHS, SETTINGS)
        assert everything(folder / f"killed_{runs}") == expected
    print(f"{done} kills, {runs} runs, each as if nothing had happened")


if __name__ == "__main__":
    main()
