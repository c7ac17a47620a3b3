"""What a run of PSRO cannot go on with, as one line for the user."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from agents.trained import PolicyError
from experiments.run_folder import RunError
from marl.equilibrium.payoffs import PayoffError
from marl.psro.exact import ExactGameError
from marl.psro.payoff_table import PayoffTableError
from marl.psro.records import RecordError
from marl.psro.symmetry import AsymmetryError

ENDS = (AsymmetryError, ExactGameError, PayoffError, PayoffTableError, PolicyError, RecordError, RunError)


@contextmanager
def as_run_errors() -> Iterator[None]:
    """Turns the errors of files, of settings that turn out not to fit, and of a world's places into RunError.

    Raises:
        RunError: With the words of the error; those that come from a Ray task without its traceback.
    """
    try:
        yield
    except ENDS as error:  # Ray's has the whole traceback as its text
        raise RunError(str(getattr(error, "cause", error))) from None
