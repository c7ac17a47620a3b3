"""The columns of metrics.csv as TensorBoard scalars, under the same names: `tensorboard --logdir RUN`.

The folder is made anew from metrics.csv whenever training starts or goes on. So a resumed run shows every step once,
and a kill costs nothing that the next start does not bring back.
"""

from __future__ import annotations

import math
import shutil
from types import TracebackType
from typing import Self

from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.proto.summary_pb2 import Summary

from experiments.run_folder import RunFolder


class Scalars:
    """Event files of a run, within `with`.

    Args:
        run: Its folder; what its metrics.csv holds is written first.
    """

    def __init__(self, run: RunFolder) -> None:
        folder = run.path / "tensorboard"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        self._started = (run.path / "settings.json").stat().st_mtime
        self._writer = EventsWriter(str(folder / "events"))
        for row in run.read_metrics():
            self.add(row)

    def add(self, row: dict[str, float]) -> None:
        """Writes a row; what is not a number in it is left out."""
        values = [
            Summary.Value(tag=name, simple_value=value)
            for name, value in row.items()
            if name != "steps" and math.isfinite(value)
        ]
        time = self._started + row.get("seconds", 0.0)
        self._writer.write_event(Event(wall_time=time, step=int(row["steps"]), summary=Summary(value=values)))
        self._writer.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()
