"""Ray clusters of several nodes: training outlives nodes, runners and drivers, and `agora` runs there unchanged."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from loopback_cluster import PATIENCE_S, RAY, ROOT, LoopbackCluster, wait_until
from tiny_run import TINY, run_words
from training_on_a_cluster import FRAGMENT_STEPS, NUM_RUNNERS

from experiments.run_folder import RunFolder

AGORA = [sys.executable, "-m", "experiments"]


@pytest.fixture(scope="module")
def cluster():
    cluster = LoopbackCluster()
    try:
        cluster.add_worker()
        cluster.add_worker()
        yield cluster
        left_at_home = [str(path) for path in (cluster.folder / "home").rglob("*") if path.is_file()]
    finally:
        outlived = cluster.stop()
    assert outlived == []
    assert left_at_home == []


def start(cluster, *words, **options):
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "cwd": ROOT, **options}
    return subprocess.Popen(words, env=cluster.environment, **options)


def run_to_the_end(cluster, *words):
    process = start(cluster, *words)
    output, errors = process.communicate(timeout=2 * PATIENCE_S)
    return process.returncode, output, errors


class TrainingJob:
    """The job of `training_on_a_cluster.py`, and what it says."""

    def __init__(self, cluster):
        script = str(Path(__file__).with_name("training_on_a_cluster.py"))
        self.log_path = cluster.folder / "training.log"
        with self.log_path.open("w") as log:
            pipes = {"stdin": subprocess.PIPE, "stderr": log}
            self.process = start(cluster, sys.executable, script, cluster.address, **pipes)
        self.iterations = []

    def read(self):
        for line in self.process.stdout:
            if line.startswith("{"):  # Ray writes there too
                return json.loads(line)
        pytest.fail(f"the training job ended: {self.log_path.read_text()[-3000:]}")

    def train_until(self, is_so, what):
        """Reads the lines of iterations until one is as wanted."""

        def look():
            self.iterations.append(self.read())
            return is_so(self.iterations[-1])

        wait_until(look, what)
        return self.iterations[-1]

    def end(self):
        """Returns what the job says last."""
        self.process.stdin.close()
        while "weights" not in (said := self.read()):
            self.iterations.append(said)
        assert self.process.wait(PATIENCE_S) == 0
        return said


def pids(iteration):
    return {pid for _, pid in iteration["runners"]}


@pytest.mark.learn
def test_training_outlives_a_node_and_a_runner(cluster):
    job = TrainingJob(cluster)
    with job.process:
        first = job.train_until(lambda said: len(job.iterations) == 3, "three iterations")
        assert len(first["runners"]) == NUM_RUNNERS
        lost_host, _ = first["runners"][0]
        assert lost_host in cluster.nodes

        cluster.kill_node(lost_host)
        job.train_until(lambda said: len(said["runners"]) == 1, "one runner is gone")
        job.train_until(lambda said: True, "the other one carries on alone")
        new_host = cluster.add_worker()
        whole = job.train_until(lambda said: len(said["runners"]) == NUM_RUNNERS, "the runner is back")
        assert new_host in {host for host, _ in whole["runners"]}

        _, lost_pid = whole["runners"][0]
        os.kill(lost_pid, signal.SIGKILL)
        job.train_until(lambda said: lost_pid not in pids(said), "the runner is gone")
        job.train_until(lambda said: len(said["runners"]) == NUM_RUNNERS, "the runner is back again")
        end = job.end()

    # What was sampled was trained on, and counted once: RLlib adds up what arrives, not what runners believe.
    assert all(said["sampled"] == said["trained"] >= NUM_RUNNERS * FRAGMENT_STEPS for said in job.iterations)
    total = sum(said["sampled"] for said in job.iterations)
    assert job.iterations[-1]["lifetime"] == total
    # A runner has one request at a time and answers it with one fragment, so a kill costs one fragment or none.
    num_lost = end["fragments_begun"] - total // FRAGMENT_STEPS
    assert 0 <= num_lost <= 2
    # Those of the learner, of the local runner and of both remote ones.
    assert len(end["weights"]) == 2 + NUM_RUNNERS
    assert len(set(end["weights"])) == 1
    assert end["restarts"] == 2


def left_by(folder):
    """The files of a run of PSRO, apart from how long it took and from the packing of the table."""
    files = {}
    for path in sorted(folder.rglob("*.*")):
        if path.parent.name == "epochs":
            files[path.name] = {key: value for key, value in json.loads(path.read_text()).items() if key != "seconds"}
        elif path.suffix == ".npz":
            with np.load(path) as arrays:
                files[path.name] = {name: arrays[name].tobytes() for name in arrays}
        else:
            files[str(path.relative_to(folder))] = path.read_bytes()
    return files


@pytest.mark.learn
def test_psro_outlives_a_node_that_is_lost_in_the_midst_of_an_epoch(cluster, tmp_path):
    cluster.add_worker()
    script, mark = str(Path(__file__).with_name("psro_on_a_cluster.py")), tmp_path / "mark"
    run = start(cluster, sys.executable, script, cluster.address, str(tmp_path / "disturbed"), str(mark))

    def node_is_at_work():
        assert run.poll() is None, run.communicate()[1]
        return mark.exists() and mark.read_text().endswith("\n")

    wait_until(node_is_at_work, "an oracle is at work on a worker node")
    cluster.kill_node(mark.read_text().strip())
    _, errors = run.communicate(timeout=PATIENCE_S)
    assert run.returncode == 0, errors
    status, _, errors = run_to_the_end(cluster, sys.executable, script, "none", str(tmp_path / "whole"), str(mark))
    assert status == 0, errors
    assert left_by(tmp_path / "disturbed") == left_by(tmp_path / "whole")


@pytest.mark.learn
def test_a_study_goes_on_after_its_driver_was_killed(cluster, tmp_path):
    path = tmp_path / "run"
    on_cluster = ["--ray-address", cluster.address]
    driver = start(cluster, *AGORA, *run_words(path, num_env_runners=2, total_steps=16_000), *on_cluster)

    def has_begun():
        assert driver.poll() is None, driver.communicate()[1]
        return RunFolder(path).trained_steps() > 0

    wait_until(has_begun, "the first checkpoint is there")
    driver.kill()
    driver.communicate()
    trained = RunFolder(path).trained_steps()
    assert trained < 16_000
    status, _, errors = run_to_the_end(cluster, *AGORA, "resume", str(path), *on_cluster)
    assert status == 0, errors
    steps = [row["steps"] for row in RunFolder(path).read_metrics()]
    assert steps == list(range(800, 16_001, 800))
    assert (path / "report.html").exists()


@pytest.mark.learn
def test_a_submitted_job_runs_a_study_on_the_cluster_it_was_submitted_to(cluster, tmp_path):
    path = tmp_path / "run"
    submit = [*RAY, "job", "submit", "--address", cluster.jobs_address, "--submission-id", "tiny"]
    status, output, errors = run_to_the_end(cluster, *submit, "--", "agora", *run_words(path, num_env_runners=2))
    assert status == 0, output + errors
    assert f"report: {path}" in output
    assert RunFolder(path).trained_steps() == TINY["total_steps"]


OTHER_VERSION = "import ray; ray.__version__ = '2.59.0'"
OTHER_TOKEN = "import os; os.environ['RAY_AUTH_TOKEN'] = 'f' * 64"
LITTLE_PATIENCE = "import experiments.cluster as cluster; cluster.GREETING_S = 2.0"


@pytest.mark.parametrize(
    ("before", "settings", "message"),
    [
        ("", {"num_env_runners": 7}, "num_env_runners=7 needs as many CPUs, and the nodes of the cluster have "),
        (OTHER_VERSION, {}, "cannot join the Ray cluster at {address}: Version mismatch"),
        (OTHER_TOKEN, {}, "cannot join the Ray cluster at {address}: RPC error: InvalidAuthToken"),
    ],
    ids=["too few CPUs", "another version", "another token"],
)
def test_a_cluster_that_cannot_be_used_is_named_in_one_line(cluster, tmp_path, before, settings, message):
    words = [*run_words(tmp_path / "run", **settings), "--ray-address", cluster.address]
    script = f"{before}\nfrom experiments.cli import main\nmain()"
    status, _, errors = run_to_the_end(cluster, sys.executable, "-c", script, *words)
    assert status == 1, errors
    assert errors.splitlines()[-1].startswith("agora: " + message.format(address=cluster.address)), errors
    assert "Traceback" not in errors


@pytest.mark.learn
def test_something_else_at_the_address_is_told_from_a_cluster(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        words = [*run_words(tmp_path / "run"), "--ray-address", address]
        script = f"{LITTLE_PATIENCE}\nfrom experiments.cli import main\nmain()"
        ended = subprocess.run(
            [sys.executable, "-c", script, *words], capture_output=True, text=True, cwd=ROOT, timeout=PATIENCE_S
        )
    assert ended.returncode == 1
    assert f"agora: cannot join the Ray cluster at {address}: something listens there, but no head" in ended.stderr
