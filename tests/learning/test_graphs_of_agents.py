"""Learned and complete graphs find the optimum of the coordination game, three seeds each (a minute on one core)."""

import numpy as np
import pandas as pd
import pytest

from experiments.studies.bnac_sampled.cells import Budget, train_cell
from experiments.studies.bnac_sampled.settings import Cell


@pytest.mark.learn
@pytest.mark.timeout(1800)
def test_three_agents_leave_the_saddle_towards_the_optimum_and_with_a_plain_critic_do_not(local_ray, tmp_path):
    (tmp_path / "cells").mkdir()
    ends = {}
    for method in ("learned", "auto_regressive", "learned_plain_critic"):
        cells = [Cell("bits_3", method, seed, 40_000) for seed in (1, 2, 3)]
        curves = [pd.read_csv(train_cell(cell, tmp_path, Budget(5, 10))) for cell in cells]
        ends[method] = np.array([curve["score"].iloc[-1] for curve in curves])
    assert (ends["learned"] > 0.95).all(), ends
    assert (ends["auto_regressive"] > 0.95).all(), ends
    assert ends["learned_plain_critic"].mean() < ends["learned"].mean(), ends
