"""A run of PSRO on a Ray cluster, one of whose oracles waits until its node is lost. Run as a script.

Arguments: the address of the cluster, or "none"; the folder of the run; a file that is to say which node has to go.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import ray

from marl.psro.exact import ExactOracle
from marl.psro.psro import Psro
from marl.psro.settings import PsroSettings
from marl.psro.workers import Workers
from marl.rllib import start_ray, stop_ray

WORLD = "cards/kuhn_poker_v0"


class DoomedOracle(ExactOracle):
    """Tells the first node but the head where it is at work, and is then at work for ever."""

    def __init__(self, head: str, mark: Path) -> None:
        super().__init__(WORLD, {})
        self._head, self._mark = head, mark

    def respond(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        host = ray.util.get_node_ip_address()
        if host != self._head:
            try:
                with self._mark.open("x") as file:
                    file.write(host + "\n")
            except FileExistsError:
                pass
            else:
                time.sleep(10_000)
        return super().respond(*args, **kwargs)


def main() -> None:
    address, folder, mark = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    settings = PsroSettings(world=WORLD, oracle="exact", episodes=100, more_episodes=100)
    if address == "none":
        run = Psro(folder, settings)
    else:
        start_ray(address=address)
        oracle = DoomedOracle(address.partition(":")[0], mark)
        run = Psro(folder, settings, oracle=oracle, workers=Workers(2))
    while run.num_complete < 3:
        run.step()
    stop_ray()


if __name__ == "__main__":
    main()
