"""Malformed kitchens are refused with a message that says where; good ones come from names, text and files."""

import re

import numpy as np
import pytest

import games
from games.names import UnknownNameError
from games.overcooked import LayoutError, OvercookedConfig, layout_names, load_layout
from games.overcooked.layout import make_layout

GOOD = "XXPXX\nO  2O\nX1  X\nXDXSX"


def make(layout: str, **settings):
    return games.make_batch("overcooked/cramped_room_v0", 1, layout=layout, **settings)


def test_every_shipped_layout_loads_and_the_package_has_45():
    assert len(layout_names()) == 45
    for name in layout_names():
        assert make(name).num_envs == 1


def test_text_is_the_same_kitchen_as_the_shipped_name():
    ours, shipped = make(GOOD), make("cramped_room")
    ours.reset()
    shipped.reset()
    assert np.array_equal(ours.observations, shipped.observations)


def test_toml_and_reference_files_are_read(tmp_path):
    toml, reference = tmp_path / "mine.toml", tmp_path / "mine.layout"
    toml.write_text(f'grid = """\n{GOOD}\n"""\nrecipe_times = [5]\nall_orders = [["onion", "onion", "onion"]]\n')
    indented = GOOD.replace("\n", "\n                ")
    reference.write_text(
        f'{{"grid": """{indented}""", "start_bonus_orders": [], "rew_shaping_params": None,\n'
        '"start_all_orders": [{"ingredients": ["onion", "onion", "onion"]}], "recipe_times": [5],'
        '"recipe_values": [20]}'
    )
    for path in (toml, reference):
        config = OvercookedConfig(layout=str(path))
        assert config.tables[1][3, 0] == 5
        assert config.tables[0].sum() == 20  # only the ordered soup is worth anything


def test_reference_files_are_data_not_code(tmp_path):
    path = tmp_path / "evil.layout"
    path.write_text("{'grid': __import__('os').getcwd()}")
    with pytest.raises(LayoutError, match="cannot be read"):
        load_layout(str(path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("XXPXX\nO  2O\nX1  XX\nXDXSX", r"row 3 has 6 columns, row 1 has 5"),
        ("XXPXX\nO  2O\nX1 QX\nXDXSX", r"row 3, column 4: unknown letter 'Q'"),
        ("XXPXX\nO  2 \nX1  X\nXDXSX", r"row 2 has 4 columns"),
        ("XX XX\nO  2O\nX1 PX\nXDXSX", r"row 1, column 3: the border must not be floor"),
        ("XXXXX\nO  2O\nX1  X\nXDXSX", r"no pot"),
        ("XXPXX\nO  2O\nX1  X\nXXXSX", r"no dish dispenser"),
        ("XXPXX\nO  2O\nX1  X\nXDXXX", r"no serving place"),
        ("XXPXX\nX  2X\nX1  X\nXDXSX", r"neither onions"),
        ("XXPXX\nO   O\nX   X\nXDXSX", r"no player"),
        ("XXPXX\nO  3O\nX1  X\nXDXSX", r"a player 3 but no player 2"),
        ("XXPXX\nO  1O\nX1  X\nXDXSX", r"row 3, column 2: player 1 stands here twice"),
        ("\n".join(["XPODS" + "X" * 60] + ["X1" + " " * 62 + "X"] * 5 + ["X" * 65]), r"more than 256 cells"),
    ],
)
def test_malformed_kitchens_are_refused_with_the_place(text, message):
    with pytest.raises(LayoutError, match=message):
        make(text)


def test_unknown_names_get_the_nearest_one():
    with pytest.raises(UnknownNameError, match="did you mean 'cramped_room'"):
        make("crampd_room")
    with pytest.raises(FileNotFoundError, match=re.escape("no layout file 'nowhere.toml'")):
        make("nowhere.toml")
    with pytest.raises(UnknownNameError, match="unknown setting of layout x 'gird'"):
        make_layout("x", {"grid": GOOD, "gird": ""})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cook_time": 300}, r"cooking time must be a whole number in \[1, 255\], got 300"),
        ({"onion_value": 3}, "give both onion_value and tomato_value"),
        ({"recipe_values": [1, 2]}, "one entry for each of the 1 all_orders"),
        ({"all_orders": [["onion", "leek"]]}, "an order is a list of one to three"),
        ({"all_orders": [["onion"], ["onion"]]}, "must not name a soup twice"),
        ({"bonus_orders": [["tomato"]]}, "bonus_orders must be among all_orders"),
        ({"delivery_reward": 5, "recipe_values": [5]}, "say the same thing"),
        ({"old_dynamics": True, "all_orders": [["onion"]]}, "every order must have three ingredients"),
        ({"horizon": 0}, "horizon must be a whole number"),
        ({"observation": "pixels"}, "unknown observation 'pixels'"),
        ({"random_object_probability": 1.5}, "random_object_probability must be a number in"),
    ],
)
def test_impossible_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        make("cramped_room", **settings)
