"""What the README of the study runner_agreement says of its causes, counted anew."""

import re
import subprocess
import sys

import pytest


@pytest.mark.learn
@pytest.mark.timeout(900)
def test_the_causes_are_what_the_study_says():
    command = [sys.executable, "-m", "experiments.studies.runner_agreement.causes"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert int(re.search(r"(\d+)% of the rows", told)[1]) < 10  # of 128 rows in the order of sampling
    counts = re.findall(r"(\d+) batches, (\d+) updates", told)
    assert len(counts) == 2
    for batches, updates in counts:
        assert int(batches) >= 20
        assert abs(int(updates) - 2 * int(batches)) <= 4  # the last batch may still have its second pass before it
