"""Where oracles and simulations run: here, or as Ray tasks that are started again when their process dies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import ray

RETRIES = 3  # of a task whose process or node died

Task = Callable[[], Any]
Watch = Callable[[str, int, int], None]  # kind, tasks in flight, tasks that wait


class Workers:
    """Runs tasks and hands over their results in the order in which they end.

    Args:
        parallel: Tasks at a time, each in a process of its own with one CPU of Ray's; 0: one after the other, here.
        watch: Is told whenever a task begins or ends.

    Raises:
        ValueError: Fewer than none.
    """

    def __init__(self, parallel: int = 0, watch: Watch | None = None) -> None:
        if parallel < 0:
            raise ValueError(f"parallel must be at least 0, got {parallel}")
        self.parallel, self._watch = parallel, watch

    def run(self, tasks: Sequence[Task], kind: str = "tasks") -> Iterator[tuple[int, Any]]:
        """Runs tasks; yields the number and the result of each.

        A task must be repeatable: one whose process died is started again. What a task raises is raised here.

        Args:
            tasks: What to do.
            kind: What whoever watches is told that they are.
        """
        if not self.parallel:
            for number, task in enumerate(tasks):
                self._tell(kind, 1, len(tasks) - number - 1)
                result = task()
                self._tell(kind, 0, len(tasks) - number - 1)
                yield number, result
            return
        waiting, running = list(enumerate(tasks)), dict[Any, int]()
        try:
            while waiting or running:
                while waiting and len(running) < self.parallel:
                    number, task = waiting.pop(0)
                    running[_call.remote(task)] = number
                self._tell(kind, len(running), len(waiting))
                done, _ = ray.wait(list(running), num_returns=1)
                number = running.pop(done[0])
                self._tell(kind, len(running), len(waiting))
                yield number, ray.get(done[0])
        finally:
            for reference in running:
                ray.cancel(reference, force=True)

    def _tell(self, kind: str, in_flight: int, waiting: int) -> None:
        if self._watch is not None:
            self._watch(kind, in_flight, waiting)


@ray.remote(num_cpus=1, max_retries=RETRIES)
def _call(task: Task) -> Any:
    # Small networks wait for each other's threads, with more than one.
    import torch

    torch.set_num_threads(1)
    return task()
