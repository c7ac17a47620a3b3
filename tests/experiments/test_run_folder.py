"""Run folders keep what they were given, whatever happens while they are written."""

import json

import pytest

from experiments.run_folder import KEPT_CHECKPOINTS, RunError, RunFolder


def make_run(tmp_path):
    return RunFolder.create(tmp_path / "run", "overcooked", {"seed": 3})


def write_file(text):
    return lambda folder: (folder / "data.txt").write_text(text)


def test_settings_come_back_and_versions_are_noted(tmp_path):
    make_run(tmp_path)
    run, study, settings = RunFolder.open(tmp_path / "run")
    assert (study, settings) == ("overcooked", {"seed": 3})
    about = json.loads((run.path / "settings.json").read_text())
    assert {"agora", "ray", "torch", "python"} <= set(about["versions"])


def test_a_second_run_does_not_overwrite_the_first(tmp_path):
    make_run(tmp_path)
    with pytest.raises(RunError, match="exists already"):
        make_run(tmp_path)


def test_a_folder_in_which_a_kill_left_nothing_but_a_part_can_be_used(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".settings.json.partial").write_text("{")
    assert RunFolder.open(make_run(tmp_path).path)[1] == "overcooked"


def test_an_empty_file_of_metrics_is_none(tmp_path):
    run = make_run(tmp_path)
    run.metrics_path.touch()
    assert run.read_metrics() == []
    run.drop_metrics_after(0)
    run.metrics_path.touch()
    run.append_metrics({"steps": 10, "score": 2.5})
    assert run.read_metrics() == [{"steps": 10, "score": 2.5}]


def test_metrics_grow_and_can_be_cut_back(tmp_path):
    run = make_run(tmp_path)
    for steps in (10, 20, 30):
        run.append_metrics({"steps": steps, "score": steps / 4})
    run.drop_metrics_after(20)
    run.append_metrics({"steps": 25, "score": 1.5})
    assert run.read_metrics() == [{"steps": s, "score": v} for s, v in ((10, 2.5), (20, 5.0), (25, 1.5))]


def test_a_row_that_a_kill_cut_short_is_left_out(tmp_path):
    run = make_run(tmp_path)
    run.append_metrics({"steps": 10, "score": 2.5})
    run.append_metrics({"steps": 20, "score": 5.0})
    text = run.metrics_path.read_text()
    for length in range(text.index("20"), len(text) - 1):
        run.metrics_path.write_text(text[:length])
        assert run.read_metrics() == [{"steps": 10.0, "score": 2.5}]


def test_only_the_latest_checkpoints_stay(tmp_path):
    run = make_run(tmp_path)
    for steps in (100, 200, 1000):
        run.save_checkpoint(steps, write_file(str(steps)))
    assert (run.latest_checkpoint() / "data.txt").read_text() == "1000"
    assert len(list(run.checkpoints_path.iterdir())) == KEPT_CHECKPOINTS


def test_a_checkpoint_that_was_not_finished_does_not_count(tmp_path):
    run = make_run(tmp_path)
    run.save_checkpoint(100, write_file("whole"))

    def die(folder):
        write_file("half")(folder)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run.save_checkpoint(200, die)
    assert (run.latest_checkpoint() / "data.txt").read_text() == "whole"
    run.save_checkpoint(200, write_file("again"))
    assert (run.latest_checkpoint() / "data.txt").read_text() == "again"


@pytest.mark.parametrize("damage", ["flip", "cut", "remove", "manifest"])
def test_damaged_checkpoints_are_named(tmp_path, damage):
    run = make_run(tmp_path)
    run.save_checkpoint(100, write_file("first"))
    run.save_checkpoint(200, write_file("second"))
    place = run.latest_checkpoint()
    if damage == "flip":
        (place / "data.txt").write_text("secund")
    elif damage == "cut":
        (place / "data.txt").write_text("sec")
    elif damage == "remove":
        (place / "data.txt").unlink()
    else:
        (place / "manifest.json").write_text("{")
    with pytest.raises(RunError, match=f"{place.name}.*damaged.*remove .*{place.name} to go on from the one before"):
        run.latest_checkpoint()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "has no settings.json"),
        ("{", "is damaged"),
        ('{"format": "agora-run-9"}', "another version"),
        ("[]", "is damaged"),
    ],
)
def test_folders_that_are_no_runs_are_refused(tmp_path, content, message):
    if content is not None:
        (tmp_path / "settings.json").write_text(content)
    with pytest.raises(RunError, match=message):
        RunFolder.open(tmp_path)
    with pytest.raises(RunError, match="no run folder"):
        RunFolder.open(tmp_path / "nowhere")
