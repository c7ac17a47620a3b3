"""Meta-strategies are distributions over the policies, or nothing is written."""

import re

import numpy as np
import pytest

from marl.equilibrium.payoffs import PayoffError
from marl.psro.meta_solvers import MetaStrategy, find_meta_strategy, independent

PAYOFFS = np.zeros((2, 2, 3))


@pytest.mark.parametrize(
    ("profile", "why"),
    [
        (([0.5, 0.5], [np.nan, 0.5, 0.5]), "did not return distributions"),
        (([0.5, 0.6], [0, 0.5, 0.5]), "did not return distributions"),
        (([1.5, -0.5], [0, 0.5, 0.5]), "did not return distributions"),
        (([0.5, 0.5], [0.5, 0.5]), "must weigh policies [2, 3], got [2, 2]"),
    ],
    ids=["not a number", "sum", "negative", "sizes"],
)
def test_what_cannot_be_played_is_refused(profile, why):
    strategies = tuple(np.array(strategy) for strategy in profile)
    with pytest.raises(PayoffError, match=re.escape(why)):
        find_meta_strategy(PAYOFFS, lambda payoffs: independent(strategies, "mine"), {})


def test_a_joint_distribution_has_to_be_one():
    marginals = (np.array([0.5, 0.5]), np.array([1.0, 0, 0]))
    meta = MetaStrategy(marginals, np.zeros((2, 3)), "mine", 0.0, True)
    with pytest.raises(PayoffError, match="did not return distributions"):
        find_meta_strategy(PAYOFFS, lambda payoffs: meta, {})
