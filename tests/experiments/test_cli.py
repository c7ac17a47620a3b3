"""The command: what a user gets wrong ends with one clear line and a status that is not 0."""

import json
import re
import shutil

import pytest
from tiny_run import run_words, start_agora

from experiments.run_folder import RunFolder
from experiments.study import find_study
from games.recording import Recording


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "overcoked"], "unknown study 'overcoked'; did you mean 'overcooked'?"),
        (["run", "overcooked", "layout=crampd_room"], "unknown layout 'crampd_room'; did you mean 'cramped_room'?"),
        (["run", "overcooked", "layout=nowhere.toml"], "no layout file 'nowhere.toml'"),
        (["run", "overcooked", "sed=3"], "unknown setting of study overcooked 'sed'; did you mean 'seed'?"),
        (["run", "overcooked", "seed=-1"], "seed: Input should be greater than or equal to 0, got -1"),
        (["run", "overcooked", "seed"], "settings are given as name=value or --name value, got 'seed'"),
        (["run", "psro", "--seeds"], "--seeds needs a value"),
        (["run", "psro", "--meta-solver", "nahs"], "unknown meta-solver 'nahs'; did you mean 'nash'?"),
        (
            ["run", "psro", "--world", "grid/trsut"],
            "unknown environment id 'grid/trsut'; did you mean 'grid/trust_v0'?",
        ),
        (["resume", "nowhere"], "no run folder nowhere"),
        (["evaluate", "nowhere"], "no run folder nowhere"),
        (["bench", "overcoked"], "unknown benchmark 'overcoked'; did you mean 'overcooked'?"),
    ],
)
def test_mistakes_end_with_one_line(agora, words, message):
    status, _, errors = agora(*words)
    assert status == 1
    assert errors.strip() == f"agora: {message}"


def test_list_names_studies_and_worlds(agora):
    status, output, _ = agora("list")
    assert status == 0
    assert "overcooked_layouts" in output
    assert "matrix/" in output


def test_a_run_leaves_everything_that_a_reader_wants(finished_run):
    names = {path.name for path in finished_run.iterdir()}
    assert names >= {"settings.json", "metrics.csv", "checkpoints", "evaluation.csv", "replay", "report.html"}
    page = (finished_run / "report.html").read_text()
    for part in ("<svg", "data:video/mp4;base64,", "two scripted", "Settings", "learning_rate"):
        assert part in page
    # The page needs no other file and no network.
    assert re.findall(r'(?:src|href)="(?!data:|#)[^"]*"', page) == []
    assert "@import" not in page
    recording = Recording.load(finished_run / "replay" / "episode.jsonl")
    assert len(recording.actions) == 400
    assert (finished_run / "replay" / "episode.gif").stat().st_size > 10_000
    assert (finished_run / "replay" / "episode.mp4").read_bytes()[4:8] == b"ftyp"


def copy_of(finished_run, tmp_path):
    return shutil.copytree(finished_run, tmp_path / "copy")


def test_evaluate_and_render_work_from_the_checkpoint_alone(agora, finished_run, tmp_path):
    run = copy_of(finished_run, tmp_path)
    before = (run / "evaluation.csv").read_text()
    for name in ("evaluation.csv", "report.html", "metrics.csv"):
        (run / name).unlink()
    shutil.rmtree(run / "replay")
    for checkpoint in (run / "checkpoints").iterdir():
        shutil.rmtree(checkpoint / "rllib")
        manifest = json.loads((checkpoint / "manifest.json").read_text())
        kept = {name: digest for name, digest in manifest.items() if not name.startswith("rllib/")}
        (checkpoint / "manifest.json").write_text(json.dumps(kept))
    assert agora("evaluate", str(run))[0] == 0
    assert (run / "evaluation.csv").read_text() == before
    assert agora("render", str(run))[0] == 0
    original = Recording.load(finished_run / "replay" / "episode.jsonl")
    assert Recording.load(run / "replay" / "episode.jsonl").digest == original.digest


@pytest.mark.parametrize("name", ["policy.safetensors", "policy.json", "rllib/learner_group/learner/state.pkl"])
def test_damaged_checkpoints_end_with_one_line(agora, finished_run, tmp_path, name):
    run = copy_of(finished_run, tmp_path)
    path = sorted((run / "checkpoints").iterdir())[-1] / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    for command in ("evaluate", "render", "resume"):
        status, _, errors = agora(command, str(run))
        assert status == 1
        assert len(errors.strip().splitlines()) == 1
        assert f"checkpoint file {path} is damaged" in errors


def test_a_run_without_checkpoint_says_so(agora, finished_run, tmp_path):
    run = copy_of(finished_run, tmp_path)
    shutil.rmtree(run / "checkpoints")
    assert agora("evaluate", str(run)) == (1, "", f"agora: {run} has no checkpoint yet\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["run", "overcooked", "num_envs=4"],
            "minibatch_size must be at most num_envs x fragment_steps = 400, got 3200",
        ),
        (["run", "overcooked", "hidden_sizes=[0]"], "hidden_sizes.0: Input should be greater than 0, got 0"),
        (["run", "overcooked_layouts", "seeds=[0, 0]"], "seeds must not name one twice, got [0, 0]"),
        (["run", "overcooked_layouts", "overrides={seed: 7}"], "overrides must not set 'seed'"),
        (["run", "overcooked", "--ray-address", "nowhere"], "--ray-address must be HOST:PORT"),
        (["run", "overcooked", "--ray-address", "http://127.0.0.1:8265"], "--ray-address must be HOST:PORT"),
        (["run", "overcooked", "--ray-address", "127.0.0.1:1"], "no Ray cluster answers at 127.0.0.1:1"),
        (["run", "rae_matrix", "--ray-address", "127.0.0.1:1"], "rae_matrix runs in processes of this machine"),
    ],
)
def test_impossible_settings_are_refused_before_anything_is_written(agora, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    status, _, errors = agora(*words)
    assert status == 1
    assert errors.startswith(f"agora: {message}")
    assert len(errors.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "settings.json",
            '{"format": "agora-run-1", "study": "overcooked", "settings": 5}',
            "settings.json is damaged",
        ),
        ("metrics.csv", "stops,seconds\n1,2\n", "metrics.csv is damaged"),
        ("metrics.csv", b"\xff\xfe\x00", "metrics.csv cannot be read"),
        ("evaluation.csv", "", "evaluation.csv is damaged"),
        ("evaluation.csv", b"\xff\xfe\x00", "evaluation.csv cannot be read"),
    ],
)
def test_damaged_files_of_a_run_end_with_one_line(agora, finished_run, tmp_path, name, content, message):
    run = copy_of(finished_run, tmp_path)
    (run / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    status, _, errors = agora("report", str(run))
    assert status == 1
    assert message in errors
    assert len(errors.splitlines()) == 1


def test_two_processes_do_not_write_into_one_run(agora, finished_run):
    with RunFolder(finished_run).lock():
        status, _, errors = agora("evaluate", str(finished_run))
    assert (status, errors) == (1, f"agora: {finished_run} is in use by another process\n")


def test_a_run_keeps_the_content_of_its_layout_file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('grid = """\nXXPXX\nO1 2O\nXDXSX\n"""\n')
    settings = find_study("overcooked").read_settings({"layout": str(path)})
    path.unlink()
    assert settings.world_config().kitchen.rows == ("XXPXX", "O   O", "XDXSX")
    assert find_study("overcooked").name_run(settings) == "overcooked-mine-seed0"
    assert find_study("overcooked").read_settings(settings.model_dump(mode="json")) == settings


def test_training_that_diverges_ends_with_one_line(tmp_path):
    process = start_agora(*run_words(tmp_path / "run", learning_rate=1e30))
    output, errors = process.communicate(timeout=240)
    assert process.returncode == 1
    assert "Traceback" not in output + errors
    assert len(errors.splitlines()) == 1
    assert re.match(r"agora: the (loss|network) of module 'cook' .* diverged", errors)
