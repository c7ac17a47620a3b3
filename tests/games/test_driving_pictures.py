"""What pictures of roads show."""

import numpy as np
import pytest
from PIL import ImageColor

import games
from games.driving import circular
from games.driving.draw import AGENTS, draw

RING = [circular("a", "b", (90, -50), 40, 0.0, 3.1416), circular("b", "a", (90, -50), 40, 3.1416, 6.2832)]


def shows(picture, colour):
    """Whether a pixel of that colour is left after edges have been smoothed."""
    return np.abs(picture.astype(int) - ImageColor.getrgb(colour)).max(-1).min() < 20


@pytest.mark.parametrize(
    ("env_id", "settings", "size"),
    [
        ("highway", {"controlled_vehicles": 1}, (234, 960)),
        ("highway", {"controlled_vehicles": 16}, (234, 960)),  # over more than a kilometre
        ("overtaking", {}, (234, 960)),
        ("intersection", {"controlled_vehicles": 4}, (674, 640)),
        ("highway", {"road": RING, "entries": [("a", "b", 0)], "vehicles_count": 0}, (674, 640)),
    ],
)
def test_every_agent_is_in_the_picture(env_id, settings, size):
    batch = games.make_batch(f"driving/{env_id}_v0", 1, **settings)
    batch.reset()
    picture = draw(batch.fields(0), batch.config)
    assert picture.shape == (*size, 3)
    used = AGENTS[: batch.config.controlled_vehicles]
    cars = picture[:-34]  # without the line of text
    assert [shows(cars, colour) for colour in AGENTS] == [colour in used for colour in AGENTS]


def test_dashes_of_lanes_that_share_a_line_lie_upon_each_other():
    """Both lanes of an arm of the intersection draw the line between them, from its two ends."""
    batch = games.make_batch("driving/intersection_v0", 1, vehicles_count=0)
    batch.reset()
    middle = draw(batch.fields(0), batch.config)[320, :250]  # of the western arm, and not of the crossing
    is_line = middle.min(-1) > 160
    starts = np.flatnonzero(np.diff(is_line.astype(int)) == 1)
    assert len(starts) >= 4
    np.testing.assert_allclose(np.diff(starts), np.diff(starts).mean(), atol=1)
