"""Bayesian networks of agents: joint policies in which some see what others are about to do. See README.md."""

from marl.bayesian_network.exact import TeamGame, ascend, draw_logits, policy_gradient, team_game
from marl.bayesian_network.gaps import blind_nash_gaps, nash_gaps, price_of_anarchy
from marl.bayesian_network.network import BayesianNetwork, complete, empty, from_edges, line, released_line

__all__ = [
    "BayesianNetwork",
    "TeamGame",
    "ascend",
    "blind_nash_gaps",
    "complete",
    "draw_logits",
    "empty",
    "from_edges",
    "line",
    "nash_gaps",
    "policy_gradient",
    "price_of_anarchy",
    "released_line",
    "team_game",
]
