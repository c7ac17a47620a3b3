"""A Ray cluster of several nodes on one machine, each at a loopback address of its own."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
RAY = [sys.executable, "-c", "from ray.scripts.scripts import main; main()"]
PATIENCE_S = 120.0
GONE = (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess)


def wait_until(is_so: Callable[[], object], what: str, patience_s: float = PATIENCE_S) -> None:
    """Looks again and again, because nobody tells; a busy machine only makes it take longer."""
    end = time.monotonic() + patience_s
    while not is_so():
        assert time.monotonic() < end, f"after {patience_s:.0f} s still not so: {what}"
        time.sleep(0.05)


def _free_port(host: str) -> int:
    with socket.create_server((host, 0)) as server:
        return server.getsockname()[1]


class LoopbackCluster:
    """A head and worker nodes, each a process group of its own, so that killing the group is what a power cut is.

    Node k has the address 127.0.0.(k + 2), since Ray replaces 127.0.0.1 by the machine's address. All files are in one
    folder, all access is by a token made for this cluster, and everybody who has `environment` can use it.

    The head's dashboard listens at `jobs_address`, because it is the server that takes jobs.
    """

    def __init__(self) -> None:
        # Not pytest's folder: the path of a Unix socket may have 107 letters, and Ray uses up most of them.
        self.folder = Path(tempfile.mkdtemp(prefix="agora_"))
        self._token_path = self.folder / "token"
        self._token_path.write_text(secrets.token_hex(32), encoding="utf-8")
        (self.folder / "home").mkdir()
        self.nodes: dict[str, subprocess.Popen[bytes]] = {}
        self._num_started = 0
        self.address = f"127.0.0.2:{_free_port('127.0.0.2')}"
        port = _free_port("127.0.0.1")
        self.jobs_address = f"http://127.0.0.1:{port}"
        dashboard = ["--include-dashboard=true", "--dashboard-host=127.0.0.1", f"--dashboard-port={port}"]
        dashboard += [f"--ray-client-server-port={_free_port('127.0.0.2')}"]
        folder = f"--temp-dir={self.folder / 'ray'}"
        self._start("--head", f"--port={self.address.rpartition(':')[2]}", folder, *dashboard)

    @property
    def environment(self) -> dict[str, str]:
        """For processes that use the cluster; nothing of theirs lands in the home directory."""
        removed = {name for name in os.environ if name.startswith("RAY_")}
        return {name: value for name, value in os.environ.items() if name not in removed} | {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(self._token_path),
            "RAY_USAGE_STATS_ENABLED": "0",
            "HOME": str(self.folder / "home"),
            "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache")),  # fonts, of matplotlib
            # As in an activated environment: a submitted job is a line for the shell.
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "OMP_NUM_THREADS": "1",
        }

    def add_worker(self) -> str:
        """Starts a node with one CPU and one `worker_place`, which the head has none of; returns its address."""
        places = json.dumps({"worker_place": 1})
        return self._start(f"--address={self.address}", f"--resources={places}")

    def _start(self, *words: str) -> str:
        host = f"127.0.0.{2 + self._num_started}"
        self._num_started += 1
        log_path = self.folder / f"{host}.log"
        common = [f"--node-ip-address={host}", "--num-cpus=1", f"--object-store-memory={100 * 2**20}"]
        # Ray's fixed ports belong to whoever came first; 0 asks for free ones.
        common += ["--min-worker-port=0", "--max-worker-port=0", f"--dashboard-agent-listen-port={_free_port(host)}"]
        with log_path.open("w") as log:
            node = subprocess.Popen(
                [*RAY, "start", "--block", *common, *words],
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.environment,
                start_new_session=True,
            )
        self.nodes[host] = node
        wait_until(lambda: "Ray runtime started" in log_path.read_text() or node.poll() is not None, f"{host} is up")
        assert node.poll() is None, log_path.read_text()
        return host

    def kill_node(self, host: str) -> None:
        """What a power cut does to a node: all its processes end, and none says goodbye."""
        node = self.nodes.pop(host)
        family = psutil.Process(node.pid).children(recursive=True)  # workers have process groups of their own
        os.killpg(node.pid, signal.SIGKILL)
        for process in family:
            with suppress(*GONE):
                process.kill()
        node.wait(PATIENCE_S)
        psutil.wait_procs(family, timeout=PATIENCE_S)

    def processes(self) -> list[psutil.Process]:
        """Everything that runs in this cluster or uses it, known by the path of its token."""
        found = []
        for process in psutil.process_iter():
            with suppress(*GONE):
                if process.environ().get("RAY_AUTH_TOKEN_PATH") == str(self._token_path):
                    found.append(process)
        return found

    def stop(self) -> list[psutil.Process]:
        """Ends all nodes as `ray stop` does, the head last; returns the processes that outlived it."""
        for node in reversed(list(self.nodes.values())):
            node.terminate()
            node.wait(PATIENCE_S)
        left = self.processes()
        _, stubborn = psutil.wait_procs(left, timeout=30)
        for process in stubborn:
            with suppress(*GONE):
                process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
        return stubborn
