"""Gather-trade-build: layouts and maps, names of actions, and settings and states that are refused."""

import numpy as np
import pytest
from settlement import ID, make, new_owners, play_randomly, total

import econ  # noqa: F401 - registers its worlds
import games
from econ.gather_trade_build import LayoutError, RandomMaps, layout_names, ranked_payments, read_layout
from econ.gather_trade_build.actions import (
    BUILD,
    DIRECTIONS,
    NOTHING,
    RESOURCES,
    action_name,
    ask,
    bid,
    move,
    num_actions,
    read_planes,
)
from econ.gather_trade_build.layouts import LETTERS, corner_tiles
from games.names import UnknownNameError

# ---- layouts and skills ----

# Sources of stone, of wood, and water, counted in the package's files.
CONTENTS = {
    "quadrant_25x25_20each_30clump": (25, 25, 20, 20, 33),
    "closed_quadrant_25x25_20each_30clump": (25, 25, 20, 20, 49),
    "quadrant_25x25_20each_30clump_no_water": (25, 25, 20, 20, 0),
    "uniform_25x25_25each_65clump": (25, 25, 24, 27, 0),
    "quadrant_40x40_50each": (40, 40, 51, 49, 108),
    "quadrant_40x40_50each_no_water": (40, 40, 51, 49, 0),
    "env_pure_and_mixed_15x15": (15, 15, 12, 23, 21),
    "env_pure_and_mixed_25x25": (25, 25, 45, 43, 37),
    "env_pure_and_mixed_40x40": (40, 40, 36, 27, 0),
    "top_wood_bottom_stone_14x14": (14, 14, 9, 9, 0),
    "quadrant_8x8_4each_8clump": (9, 9, 9, 13, 15),
}


def test_shipped_layouts_have_the_contents_of_the_packages():
    assert sorted(CONTENTS) == layout_names()
    for name, expected in CONTENTS.items():
        tiles = read_layout(name)
        assert (*tiles.shape, *((tiles == LETTERS.index(letter)).sum() for letter in "SW~")) == expected, name


def test_payments_of_the_ranks():
    """Measured on ai-economist 1.7.1."""
    assert ranked_payments(4) == pytest.approx([11.3316, 13.2671, 16.4724, 22.2496], abs=5e-5)
    ten = [10.5121, 11.0983, 11.7795, 12.5863, 13.5678, 14.8045, 16.4421, 18.7679, 22.1584, 26.5725]
    assert ranked_payments(10) == pytest.approx(ten, abs=5e-5)


def test_the_worst_paid_start_top_right_and_the_best_bottom_right():
    assert [divmod(tile, 25) for tile in corner_tiles(4, 25, 25)] == [(0, 24), (24, 0), (0, 0), (24, 24)]
    places = [divmod(int(tile), 25) for tile in corner_tiles(20, 25, 25)]
    assert places[:5] == [(0, 24), (0, 23), (0, 22), (0, 21), (1, 24)]
    assert len(set(places)) == 20
    batch = make(20)
    best = []
    for env in range(20):
        fields = batch.fields(env)
        best.append(int(fields["payments"].argmax()))
        assert fields["positions"][best[-1]].tolist() == [24, 24]
    assert set(best) == {0, 1, 2, 3}  # ranks are dealt out anew


def test_a_hundred_workers_live_on_a_map_of_their_own():
    land = "\n".join(["." * 30, ".S" * 15, "W." * 15] * 10)
    batch = make(2, layout=land, num_agents=100, view=2)
    for before, after in play_randomly(batch, 60):
        assert total(after) == pytest.approx(total(before) + after["payments"][new_owners(before, after)].sum())
    assert after["num_gathered"] > 100


def test_a_split_map_keeps_the_best_paid_above_the_water():
    batch = make(20, starts="split", split_top_ranks=(0, 1), num_agents=5)
    for env in range(20):
        fields = batch.fields(env)
        is_top = fields["positions"][:, 0] < 12
        assert sorted(fields["payments"][is_top], reverse=True) == pytest.approx(ranked_payments(5)[:2:-1])
        assert sorted(fields["payments"]) == pytest.approx(ranked_payments(5))
        assert read_planes(fields)["water"][12].all()


def test_every_episode_is_on_one_of_several_maps():
    batch = make(60, layout=["S..\n...", "...\n..S", "..W\n~~~"], num_agents=2, starts="random")
    seen = {read_planes(batch.fields(env))["stone_sources"].tobytes() for env in range(60)}
    assert len(seen) == 3
    fields = batch.fields(0)
    assert fields["owners"].shape == (2, 3)


@pytest.mark.parametrize("kind", ["uniform", "quadrant", "multi_zone"])
def test_random_maps_cover_what_they_should(kind):
    """The generator keeps maps within a factor of 1.4 of the coverage; the cross of water clears a few sources."""
    maps = RandomMaps(kind, count=30, wood_coverage=0.04, stone_coverage=0.06).draw_all()
    for letter, coverage in (("W", 0.04), ("S", 0.06)):
        shares = (maps == LETTERS.index(letter)).mean(axis=(1, 2))
        assert shares.max() <= 1.4 * coverage + 1e-9
        assert shares.mean() >= coverage * (0.9 if kind == "quadrant" else 1)
    assert len({tiles.tobytes() for tiles in maps}) == 30
    batch = make(8, layout=RandomMaps(kind, count=3), num_agents=4, starts="random")
    assert batch.config.maps.shape == (3, 25, 25)


def test_random_maps_have_their_sources_where_their_kind_says():
    uniform, quadrant = (RandomMaps(kind, count=40, seed=1).draw_all() for kind in ("uniform", "quadrant"))
    rows, columns = np.indices((25, 25))
    for maps, letter, places, sign in (
        *((uniform, "W", rows, 1), (uniform, "S", rows, -1)),
        *((quadrant, "W", rows, -1), (quadrant, "S", columns, -1)),
    ):
        where = maps == LETTERS.index(letter)
        assert sign * ((places * where).sum() / where.sum() - 12) > 3
    assert (quadrant[:, 12] == LETTERS.index("~")).mean() == pytest.approx(17 / 25)


def test_wrong_random_maps_are_refused():
    with pytest.raises(UnknownNameError, match="did you mean 'quadrant'"):
        RandomMaps("quadrent")
    with pytest.raises(ValueError, match=r"RandomMaps: height must be in \[8, 64\], got 65"):
        RandomMaps(height=65)
    with pytest.raises(UnknownNameError, match="did you mean 'random_quadrant'"):
        games.make_batch(ID, layout="randm_quadrant")


# ---- names and bad input ----


def test_actions_have_names_and_numbers_of_their_own():
    names = [action_name(action) for action in range(num_actions())]
    assert len(set(names)) == num_actions() == 50
    for resource in RESOURCES:
        for price in range(11):
            assert names[bid(resource, price)] == f"bid {price} for {resource}"
            assert names[ask(resource, price)] == f"ask {price} for {resource}"
    assert names[46:] == list(DIRECTIONS)
    assert [names.index(name) for name in ("nothing", "build", "left")] == [NOTHING, BUILD, move("left")]
    with pytest.raises(ValueError, match=r"a price must be in \[0, 3\], got 4"):
        bid("stone", 4, 3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"layout": "S.x\n..."}, "layout: row 1, column 3: unknown letter 'x'; known: .SW~"),
        ({"layout": "S..\n.."}, "layout: row 2 has 2 columns, row 1 has 3"),
        ({"layout": "S~\n~~", "num_agents": 2}, "2 workers need as many tiles without water, there are 1"),
        ({"layout": ("." * 65 + "\n") * 2}, "a layout has 1 to 64 rows and columns, got 2 rows of 65"),
        (
            {"layout": "~..\n...\n...", "num_agents": 4},
            "layout: row 1, column 1 is water, where the worker of rank 2 starts",
        ),
        ({"layout": "..\n..\n..", "num_agents": 6}, "layout: the corners of 3 rows and 2 columns have no room for 6"),
        ({"layout": ["..\n..", "...\n..."], "num_agents": 2}, r"layout: map 2 is of \(2, 3\), map 1 of \(2, 2\)"),
        ({"layout": 3}, "layout must be a name, a text, a sequence of them or a RandomMaps, got 3"),
        ({"layout": "...\n...", "starts": "split", "num_agents": 2}, "split_row must leave rows on both sides of 2"),
        ({"starts": "split", "split_top_ranks": (0, 4)}, "split_top_ranks must be some of the ranks 0 to 3, not all"),
        (
            {"starts": "split", "split_row": 1, "layout": "~~~\n...\n...", "num_agents": 2},
            "leaves no room for 1 ",
        ),
        ({"num_agents": 101}, r"num_agents must be a whole number in \[2, 100\], got 101"),
        ({"num_agents": 100, "max_bid_ask": 20}, "100 workers and 21 prices are more than 1100 together"),
        ({"num_agents": 100, "max_orders": 6}, "100 workers with 6 orders each are more than 512 together"),
        ({"regrowth_probability": 1.5}, r"regrowth_probability must be a number in \[0, 1\], got 1.5"),
        ({"starting_coin": float("nan")}, "starting_coin must be a number in"),
        ({"numpy_streams": np.zeros((1, 625), np.int32)}, "numpy_streams: a key must not be 0"),
        (
            {"numpy_streams": np.zeros((2, 624), np.int32)},
            r"numpy_streams must be \[K, 625\] int32, got int32 \[2, 624\]",
        ),
    ],
)
def test_wrong_settings_are_refused_in_one_line_that_names_them(settings, message):
    with pytest.raises(ValueError, match=message) as refused:
        games.make_batch(ID, **settings)
    assert "\n" not in str(refused.value)


def test_an_unknown_layout_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'quadrant_40x40_50each'"):
        games.make_batch(ID, layout="quadrant_40x40_50eachs")
    assert issubclass(LayoutError, ValueError)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("escrow_coin", lambda array: array.__setitem__(0, 3.0)),
        ("positions", lambda array: array.__setitem__(0, (200, 0))),
        ("planes", lambda array: array.__setitem__((0, 0), -1)),
        ("owners", lambda array: array.__setitem__((0, 0), 9)),
        ("coin", lambda array: array.__setitem__(0, np.nan)),
        ("orders", lambda array: array.__setitem__((0, 0, 0), (1, 2, 3, 0))),
        ("num_orders", lambda array: array.__setitem__((0, 0), 600)),
        ("open_orders", lambda array: array.__setitem__((0, 1), 1)),
    ],
)
def test_fields_that_no_play_leads_to_are_refused_by_name(name, change):
    batch = make()
    before, fields = batch.state_bytes(0), batch.fields(0)
    change(fields[name])
    with pytest.raises(ValueError, match=name):
        batch.load_fields(0, fields)
    assert batch.state_bytes(0) == before
