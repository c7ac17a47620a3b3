"""What TensorBoard is shown: the rows of metrics.csv, each step once."""

import struct

import pytest
from tensorboardX.proto.event_pb2 import Event

from experiments.run_folder import RunFolder
from experiments.scalars import Scalars
from experiments.studies.overcooked.settings import OvercookedSettings


def read_scalars(run: RunFolder) -> list[tuple[int, dict[str, float]]]:
    """Step and values of every event. A record is its length (8 bytes), a checksum (4), itself, a checksum (4)."""
    events = []
    for path in sorted((run.path / "tensorboard").iterdir()):
        data = path.read_bytes()
        while data:
            (length,) = struct.unpack("<Q", data[:8])
            event = Event.FromString(data[12 : 12 + length])
            data = data[16 + length :]
            if event.summary.value:
                events.append((event.step, {value.tag: value.simple_value for value in event.summary.value}))
    return events


@pytest.fixture
def run(tmp_path):
    return RunFolder.create(tmp_path / "run", "overcooked", OvercookedSettings().model_dump(mode="json"))


def test_scalars_have_the_names_and_numbers_of_the_metrics_and_none_that_is_no_number(run):
    with Scalars(run) as scalars:
        scalars.add({"steps": 400, "seconds": 1.5, "entropy": 0.25, "deliveries_mean": float("nan")})
    assert read_scalars(run) == [(400, {"seconds": 1.5, "entropy": 0.25})]


def test_a_resumed_run_shows_every_step_once(run):
    rows = [{"steps": steps, "seconds": 0.5, "entropy": steps / 1024} for steps in (256, 512, 768)]
    with Scalars(run) as scalars:
        for row in rows:
            run.append_metrics(row)
            scalars.add(row)
    run.drop_metrics_after(512)  # as a run does that was killed after a checkpoint at 512
    with Scalars(run) as scalars:
        scalars.add(rows[2])
    assert [(step, values["entropy"]) for step, values in read_scalars(run)] == [(256, 0.25), (512, 0.5), (768, 0.75)]


def test_a_run_writes_what_its_metrics_say(finished_run):
    run = RunFolder.open(finished_run)[0]
    rows, events = run.read_metrics(), read_scalars(run)
    assert [step for step, _ in events] == [row["steps"] for row in rows]
    for (_, values), row in zip(events, rows, strict=True):
        assert values["entropy"] == pytest.approx(row["entropy"], rel=1e-6)
