from __future__ import annotations

import hypothesis
import pytest
from seeded_play import ALIKE, all_cases

# Seeded, so that a failure in CI is a failure here; no deadline, because the machine is shared.
hypothesis.settings.register_profile("conformance", derandomize=True, deadline=None, max_examples=25, database=None)
hypothesis.settings.load_profile("conformance")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" in metafunc.fixturenames:
        cases = [pytest.param(case, marks=pytest.mark.learn if str(case) in ALIKE else ()) for case in all_cases()]
        metafunc.parametrize("case", cases, ids=str)
