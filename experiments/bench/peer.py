"""Peers: other implementations, each measured in a process of its own, in turns with us."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from experiments.run_folder import RunError

# Where `make parity` puts the peers' environments: beside this package, in a checkout.
PEERS = Path(__file__).parents[2] / ".parity"
SCRIPTS = Path(__file__).parent / "peers"


@dataclass(frozen=True)
class Program:
    """A script in peers/ that plays a peer's games.

    Attributes:
        title: The peer, for people.
        script: Its file; what its lines mean stands at its top.
        module: What the peer's Python can import.
        environment: Under .parity; None: the peer is among Agora's own dependencies.
        is_vectorised: Whether it steps many envs at once.
    """

    title: str
    script: str
    module: str
    environment: str | None = None
    is_vectorised: bool = False

    def find_python(self) -> str | None:
        """Returns an interpreter that can import the peer: that of `make parity`, else this one, else None."""
        own = PEERS / (self.environment or "") / "bin" / "python"
        for python in (str(own), sys.executable) if own.exists() else (sys.executable,):
            found = subprocess.run([python, "-c", f"import {self.module}"], capture_output=True, check=False)
            if found.returncode == 0:
                return python
        return None


AI_ECONOMIST = Program("ai-economist 1.7.1", "play_ai_economist.py", "ai_economist", "economist")
OVERCOOKED_AI = Program("overcooked-ai 1.1.0", "play_overcooked_ai.py", "overcooked_ai_py", "overcooked")
BENCHMARL = Program("benchmarl 1.5.2", "train_benchmarl_qmix.py", "benchmarl", "benchmarl")
HIGHWAY_ENV = Program("highway-env 1.12.1", "play_highway_env.py", "highway_env", "highway")
LBFORAGING = Program("lbforaging 2.0.0", "play_lbforaging.py", "lbforaging", "foraging")
MINIGRID = Program("minigrid 3.2.0", "play_minigrid.py", "minigrid", "minigrid")
MPE2 = Program("mpe2 1.1.1", "play_mpe2.py", "mpe2")
PYSPIEL = Program("pyspiel 2.0.2", "play_pyspiel.py", "pyspiel")
PURSUIT = Program("PettingZoo 1.27", "play_pursuit.py", "pettingzoo.sisl")
JAXMARL = Program("JaxMARL 0.2.0", "play_jaxmarl.py", "jaxmarl", "jaxmarl", is_vectorised=True)
VMAS = Program("vmas 1.5.2", "play_vmas.py", "vmas", "vmas", is_vectorised=True)
ENVPOOL = Program("EnvPool 1.2.5", "play_envpool.py", "envpool", "envpool", is_vectorised=True)
PGX = Program("pgx 2.6.0", "play_pgx.py", "pgx", "pgx", is_vectorised=True)


class Peer:
    """A running script: plays a round for each line that it gets, and answers with the CPU seconds.

    Args:
        python: Its interpreter.
        program: What it runs.
    """

    def __init__(self, python: str, program: Program) -> None:
        self._process = subprocess.Popen(
            [python, "-W", "ignore", str(SCRIPTS / program.script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def play(self, game: str, num_envs: int, steps: int) -> float:
        """Plays a round and returns its CPU seconds.

        Args:
            game: As the script's top says.
            num_envs: Envs that step together; 1 for peers that are not vectorised.
            steps: Of all envs together.

        Raises:
            RunError: The peer failed.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(f"{game} {num_envs} {steps}\n")
            self._process.stdin.flush()
            while True:
                line = self._process.stdout.readline()
                if not line:
                    break
                if line.startswith("seconds "):  # a peer may print other things
                    return float(line.split()[1])
        except BrokenPipeError:
            pass
        errors = self._process.stderr.read() if self._process.stderr else ""
        raise RunError(f"the peer failed: {errors.strip().splitlines()[-1] if errors.strip() else 'no message'}")
