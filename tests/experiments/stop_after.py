"""A person who stops a training after its second round."""

from __future__ import annotations

from experiments.interruption import StopRequest


class StopAfter(StopRequest):
    """Asks for a stop from the second round on."""

    asked = 0

    @property
    def is_made(self) -> bool:
        self.asked += 1
        return self.asked > 2

    @is_made.setter
    def is_made(self, value: bool) -> None:
        pass
