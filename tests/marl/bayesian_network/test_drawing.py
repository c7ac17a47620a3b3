"""Pictures and descriptions of learnt graphs."""

import numpy as np
import pytest

from experiments.report import to_svg
from marl.bayesian_network.drawing import describe_shares, draw_strip, share_graph

SHARES = np.array([[0, 1, 0.5], [0, 0, 0.25], [0, 0.25, 0]])


def test_a_graph_has_an_edge_for_each_share():
    assert dict(share_graph(SHARES).edges) == {
        (0, 1): {"share": 1.0},
        (0, 2): {"share": 0.5},
        (1, 2): {"share": 0.25},
        (2, 1): {"share": 0.25},
    }


def test_shares_are_described_by_hand_worked_numbers():
    """Two edges of three on the mean; agent 0 leads; its two pairs are sure, the third is even."""
    described = describe_shares(SHARES)
    assert described == pytest.approx({"density": 2 / 3, "leader": 0, "lead": 1.5, "order_sureness": 2 / 3})
    assert describe_shares(np.zeros((3, 3)))["order_sureness"] == 0


@pytest.mark.parametrize("shares", [np.zeros((2, 3)), np.full((2, 2), 1.5), np.full((2, 2), np.nan)])
def test_what_are_no_shares_is_refused(shares):
    with pytest.raises(ValueError, match="shares must"):
        share_graph(shares)


def test_a_strip_has_a_panel_for_each_moment_and_darker_edges_for_larger_shares():
    figure = draw_strip([(str(step), SHARES) for step in range(3)])
    assert [axes.get_title() for axes in figure.axes] == ["0", "1", "2"]
    alphas = sorted(patch.get_edgecolor()[3] for patch in figure.axes[0].patches)
    assert alphas == [0.25, 0.25, 0.5, 1.0]
    assert to_svg(figure).startswith("<svg")
    with pytest.raises(ValueError, match="at least one graph"):
        draw_strip([])
