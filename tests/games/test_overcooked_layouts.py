"""Malformed kitchens are refused with a message that says where; good ones come from names, text and files."""

import re
from pathlib import Path

import numpy as np
import pytest

import games
from games.names import UnknownNameError
from games.overcooked import LayoutError, OvercookedConfig, layout_names, load_layout
from games.overcooked.layout import make_layout
from games.overcooked.transfer import from_reference, to_reference

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
        ("XXXXX\nO  2O\nX1  X\nXDXSX", r"no pot \(P\) in its 4 rows x 5 columns"),
        ("XXPXX\nO  2O\nX1  X\nXXXSX", r"no dish dispenser \(D\) in its 4 rows x 5 columns"),
        ("XXPXX\nO  2O\nX1  X\nXDXXX", r"no serving place \(S\) in its 4 rows x 5 columns"),
        ("XXPXX\nX  2X\nX1  X\nXDXSX", r"neither onions \(O\) nor tomatoes \(T\) in its 4 rows x 5 columns"),
        ("XXPXX\nO   O\nX   X\nXDXSX", r"no player in its 4 rows x 5 columns"),
        ("XXPXX\nO  3O\nX1  X\nXDXSX", r"row 2, column 4: here is a player 3 but no player 2"),
        ("XXPXX\nO  1O\nX1  X\nXDXSX", r"row 3, column 2: player 1 stands here twice"),
        (
            "\n".join(["XPODS" + "X" * 60] + ["X1" + " " * 62 + "X"] * 5 + ["X" * 65]),
            r"row 4, column 62 is beyond the 256 cells",
        ),
        ("P" * 40 + "\nX1ODS" + "X" * 35 + "\n" + "X" * 40, r"row 1, column 33 is beyond the 32 pots .*, got 40"),
        (" \n ", r"grid must be a string of rows"),
    ],
)
def test_malformed_kitchens_are_refused_with_the_place(text, message):
    with pytest.raises(LayoutError, match=message):
        make(text)


def test_settings_that_clash_with_the_layouts_name_the_layout_and_its_own():
    with pytest.raises(ValueError, match=r"say the same thing.* \(layout simple_o_t gives .*, recipe_times\)"):
        make("simple_o_t", cook_time=7)
    with pytest.raises(ValueError, match="layout must be a string, got 5"):
        make(5)


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
        ({"all_orders": 5}, "all_orders must be a list, got 5"),
        ({"all_orders": [5]}, "all_orders entry 1: an order is a list of one to three"),
        ({"all_orders": [["onion", ["onion"]]]}, "all_orders entry 1: an order is a list of one to three"),
        ({"recipe_values": ["x"]}, "recipe_values entry 1 must be a number, got 'x'"),
        ({"recipe_times": 5}, "recipe_times must be a list, got 5"),
        ({"recipe_times": [0]}, r"a cooking time must be a whole number in \[1, 255\], got 0"),
        ({"cook_time": "x"}, "cook_time must be a whole number, got 'x'"),
        ({"order_bonus": "x"}, "order_bonus must be a number, got 'x'"),
        ({"order_bonus": 10**400}, "order_bonus must be a number"),
        ({"old_dynamics": 7}, "old_dynamics must be True or False, got 7"),
        ({"observation": ["lossless"]}, r"unknown observation \['lossless'\]"),
    ],
)
def test_impossible_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        make("cramped_room", **settings)


ZEROS = (
    {"cook_time": 0},
    {"onion_time": 0, "tomato_time": 3},
    {"onion_time": 3, "tomato_time": 0},
    {"delivery_reward": 0.0},
    {"onion_value": 0, "tomato_value": 3},
    {"onion_value": 3, "tomato_value": 0},
)


@pytest.mark.parametrize("settings", ZEROS)
def test_a_zero_that_the_reference_would_not_see_is_refused(settings):
    name = next(name for name, value in settings.items() if value == 0)
    with pytest.raises(ValueError, match=f"{name} must not be 0, which overcooked-ai takes for .not given."):
        make("cramped_room", **settings)


@pytest.mark.parametrize("settings", ZEROS)
def test_a_zero_in_a_layout_file_means_what_it_means_to_the_reference(settings):
    layout = make_layout("x", {"grid": GOOD, **settings})
    assert layout.recipes == settings
    text = f'grid = """\n{GOOD}\n"""\n' + "".join(f"{name} = {value}\n" for name, value in settings.items())
    rewards, cook_times = OvercookedConfig(layout=text).tables
    assert (rewards[3, 0], cook_times[3, 0]) == (20, 20)


def test_a_recipe_value_of_zero_is_worth_nothing_as_in_the_reference():
    config = OvercookedConfig(all_orders=[["onion"], ["tomato"]], recipe_values=np.array([0, 3]))
    assert config.tables[0][1, 0] == 0
    assert config.tables[0][0, 1] == 3


def write_start(start: str) -> str:
    return f'grid = """\n{GOOD}\n"""\n[start]\n{start}\n'


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ("positions = 5", "start: positions must be a list of 2, got 5"),
        ("positions = [[1, 1]]", r"start: positions must be a list of 2, got \[\[1, 1\]\]"),
        ("positions = [[-1, 1], [1, 1]]", r"position of player 1 must be \[x, y\] .*\[0, 4\].*\[0, 3\], got \[-1, 1\]"),
        ("positions = [[1, 1], [1]]", r"position of player 2 must be \[x, y\] .*, got \[1\]"),
        ("positions = [[1, 1], [1.5, 1]]", r"position of player 2 must be \[x, y\]"),
        ("positions = [[1, 1], 3]", r"position of player 2 must be \[x, y\] .*, got 3"),
        ("positions = [[1, 1], [0, 1]]", "row 2, column 1: player 2 must stand on floor, here is 'O'"),
        ("positions = [[1, 1], [1, 1]]", "row 2, column 2: players 1 and 2 stand in the same cell"),
        ('orientations = ["up", "north"]', "unknown orientation of player 1 in layout text: start 'up'; known: east"),
        ("orientations = [1, 2]", "unknown orientation of player 1"),
        ("held = 3", "start: held must be a list of 2, got 3"),
        ('held = ["onion", {}]', "held object of player 1 must be a table of keys and values, got 'onion'"),
        ('held = [{}, {name = "leek"}]', "held object of player 2: unknown item 'leek'"),
        ('held = [{}, {name = "nothing"}]', "held object of player 2: unknown item 'nothing'"),
        ("held = [{}, {name = 3}]", "held object of player 2: unknown item 3"),
        (
            'held = [{}, {name = "soup", ingredients = 3}]',
            "a soup has a list of one to three of onion and tomato, got 3",
        ),
        ('held = [{}, {nam = "onion"}]', "held object of player 2 has no 'name'"),
        ("objects = 3", "start: objects must be a list, got 3"),
        ("objects = [3]", "object 1 must be a table"),
        ('objects = [{name = "onion"}]', "object 1 has no 'position'"),
        ('objects = [{name = "onion", position = [0, 9]}]', r"object 1: position must be \[x, y\] .*, got \[0, 9\]"),
        ('objects = [{name = "onion", position = [1, 1]}]', "row 2, column 2: 'onion' cannot lie here"),
        ('objects = [{name = "onion", position = [2, 0]}]', "row 1, column 3: 'onion' cannot lie here"),
        ('objects = [{name = "onion", position = [1, 0], cook = 3}]', "unknown setting of .*: object 1 'cook'"),
        ('objects = [{name = "onion", position = [1, 0]}, {name = "dish", position = [1, 0]}]', "row 1, column 2: two"),
        ('objects = [{name = "soup", position = [2, 0], ingredients = ["onion"], cooking_tick = "x"}]', "got 'x'"),
        (
            'objects = [{name = "soup", position = [2, 0], ingredients = ["onion"], cooking_tick = 99999}]',
            r"object 1: cooking_tick must be a whole number in \[-1, 255\], got 99999",
        ),
        (
            'objects = [{name = "soup", position = [2, 0], ingredients = ["onion"], cooking_tick = 21}]',
            "row 1, column 3: a soup of onion cooks 20 steps, its cooking_tick is 21",
        ),
        ("standing = 3", "unknown setting of layout text: start 'standing'"),
    ],
)
def test_impossible_starts_are_refused_with_the_place(start, message):
    with pytest.raises(ValueError, match=message) as caught:
        make(write_start(start))
    assert "\n" not in str(caught.value)


def test_a_start_that_can_be_is_loaded():
    soup = '{name = "soup", position = [2, 0], ingredients = ["onion"], cooking_tick = 3}'
    layout = load_layout(
        write_start(
            'positions = [[2, 2], [1, 1]]\norientations = ["west", "south"]\nheld = [{}, {name = "dish"}]\n'
            f"objects = [{soup}, {{name = 'onion', position = [1, 0]}}]"
        )
    )
    assert layout.positions.tolist() == [[2, 2], [1, 1]]
    assert layout.orientations.tolist() == [3, 1]
    assert layout.held.tolist() == [0, 3]
    assert (layout.items[0, 2], layout.items[0, 1], layout.pot_ticks.tolist()) == (64 + 1, 1, [3])


PLAYER = {"position": [1, 2], "orientation": [0, -1], "held_object": None}
OTHER = {"position": [3, 1], "orientation": [1, 0], "held_object": None}
SOUP = {"name": "soup", "position": [1, 0], "_ingredients": [{"name": "onion", "position": [1, 0]}]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"cook_time": 5}, "has no 'grid'"),
        ([1], r"must be a table of keys and values, got \[1\]"),
        ({"grid": 5}, "grid must be a string of rows of letters, got 5"),
        ({"grid": GOOD, "cook_time": "x"}, "cook_time must be a number, got 'x'"),
        ({"grid": GOOD, "cook_time": True}, "cook_time must be a number, got True"),
        ({"grid": GOOD, "start_all_orders": 5}, "start_all_orders must be a list, got 5"),
        ({"grid": GOOD, "start_all_orders": [["onion"]]}, "start_all_orders entry 1 must be a table"),
        ({"grid": GOOD, "start_bonus_orders": [{}]}, "start_bonus_orders entry 1 has no 'ingredients'"),
        ({"grid": GOOD, "start_state": 5}, "start_state must be a table"),
        ({"grid": GOOD, "start_state": {"objects": []}}, "start_state has no 'players'"),
        ({"grid": GOOD, "start_state": {"players": [PLAYER], "objects": []}}, "positions must be a list of 2, got"),
        (
            {"grid": GOOD, "start_state": {"players": [{"orientation": [0, 1]}], "objects": []}},
            "start_state: player 1 has no 'position'",
        ),
        (
            {"grid": GOOD, "start_state": {"players": [PLAYER | {"orientation": "up"}, OTHER], "objects": []}},
            "start_state: player 1: orientation must be one of .*, got 'up'",
        ),
        (
            {"grid": GOOD, "start_state": {"players": [PLAYER, OTHER], "objects": [{"name": "onion"}]}},
            "object 1 has no 'position'",
        ),
        (
            {"grid": GOOD, "start_state": {"players": [PLAYER, OTHER], "objects": [SOUP]}},
            "object 1: a soup that is not in a pot must be done",
        ),
    ],
)
def test_broken_reference_files_are_refused_with_the_file_and_the_key(tmp_path, content, message):
    path = tmp_path / "mine.layout"
    path.write_text(repr(content))
    with pytest.raises(LayoutError, match=message) as caught:
        load_layout(str(path))
    assert str(caught.value).startswith(f"layout file {str(path)!r}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("all_orders = 5", "all_orders must be a list, got 5"),
        ('cook_time = "x"', "cook_time must be a number, got 'x'"),
        ("cook_time = inf", r"a cooking time must be a whole number in \[1, 255\], got inf"),
        ("cook_time = nan", "cook_time must be a number, got nan"),
        ("order_bonus = [2]", r"order_bonus must be a number, got \[2\]"),
        ("start = 3", "start must be a table of keys and values, got 3"),
        ("name = 3", "name must be a string, got 3"),
        ("gird = 3", "unknown setting of .*mine.toml' 'gird'; did you mean 'grid'"),
        ("= 3", "cannot be read: Invalid"),
    ],
)
def test_broken_toml_files_are_refused_with_the_file_and_the_key(tmp_path, line, message):
    path = tmp_path / "mine.toml"
    path.write_text(f'grid = """\n{GOOD}\n"""\n{line}\n')
    with pytest.raises(ValueError, match=message) as caught:
        load_layout(str(path))
    assert f"layout file {str(path)!r}" in str(caught.value)


def test_files_that_are_no_text_or_no_files_are_refused(tmp_path):
    path = tmp_path / "bytes.toml"
    path.write_bytes(b"grid = 1\nab\xff")
    with pytest.raises(LayoutError, match="row 2, column 3: byte 0xff is no UTF-8 text"):
        load_layout(str(path))
    unhashable = tmp_path / "unhashable.layout"
    unhashable.write_text("{[]: 1}")
    with pytest.raises(LayoutError, match="cannot be read: unhashable"):
        load_layout(str(unhashable))
    folder = tmp_path / "folder.toml"
    folder.mkdir()
    with pytest.raises(FileNotFoundError, match=r"folder.toml': a folder has this name"):
        load_layout(str(folder))
    for name in ("x" * 5000 + ".toml", "a\0b.toml", str(path / "below.toml")):
        with pytest.raises(FileNotFoundError, match="layout file"):
            load_layout(name)
    with pytest.raises(LayoutError, match="layout must be a name"):
        load_layout(Path("x.toml"))


def test_the_text_of_a_layout_file_is_a_layout(tmp_path):
    text = f'grid = """\n{GOOD}\n"""\ncook_time = 7\n[start]\norientations = ["west", "east"]\n'
    path = tmp_path / "mine.toml"
    path.write_text(text)
    from_file, from_text = load_layout(str(path)), load_layout(text)
    assert (from_file.name, from_text.name) == ("mine", "custom")
    assert from_text.rows == from_file.rows == load_layout(GOOD).rows
    assert from_text.recipes == from_file.recipes == {"cook_time": 7}
    assert from_text.orientations.tolist() == from_file.orientations.tolist() == [3, 2]
    assert load_layout(GOOD).name == "custom"
    assert load_layout(f'name = "my kitchen"\n{text}').name == "my kitchen"
    assert make(text).num_envs == 1
    with pytest.raises(LayoutError, match="layout text cannot be read: "):
        load_layout("grid = 3 4\n")


def test_every_shipped_file_is_a_layout_as_text_too():
    for name in layout_names():
        text = (Path(games.__file__).parent / "overcooked" / "layouts" / f"{name}.toml").read_text()
        ours, shipped = load_layout(text), load_layout(name)
        assert ours.recipes == shipped.recipes
        for field in ("terrain", "positions", "orientations", "held", "items", "pot_ticks"):
            assert np.array_equal(getattr(ours, field), getattr(shipped, field))


def test_states_go_to_the_reference_and_back():
    batch = make(write_start('held = [{}, {name = "soup", ingredients = ["onion", "tomato"]}]'))
    batch.reset()
    fields = batch.fields(0)
    back = from_reference(to_reference(fields, batch.config), batch.config)
    for name, value in back.items():
        assert np.array_equal(value, fields[name]), name


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"players": 3}, "state: players must be a list, got 3"),
        ({"players": [PLAYER]}, "the state has 1 players, the kitchen 2"),
        ({"players": [PLAYER, PLAYER]}, "state: row 3, column 2: players 1 and 2 stand in the same cell"),
        (
            {"objects": [{"name": "onion", "position": (9, 9)}]},
            r"state: object 1: position must be \[x, y\] .*\(9, 9\)",
        ),
        ({"objects": [SOUP]}, "state: object 1: a soup that is not in a pot must be done"),
        ({"timestep": -1}, "state: timestep must be a whole number from 0 on, got -1"),
        ({"all_orders": [{"ingredients": ["onion"]}]}, "the state's all_orders are not the kitchen's"),
        ({"all_orders": 3}, "state: all_orders must be a list, got 3"),
    ],
)
def test_states_that_cannot_be_are_refused(change, message):
    batch = make("cramped_room")
    batch.reset()
    with pytest.raises(ValueError, match=message):
        from_reference(to_reference(batch.fields(0), batch.config) | change, batch.config)


@pytest.mark.parametrize("name", layout_names())
def test_layouts_can_be_kept_as_text(name):
    """A batch of the text has the same tables and the same first observation."""
    layout = load_layout(name)
    shipped, kept = OvercookedConfig(layout=name), OvercookedConfig(layout=layout.to_toml())
    assert kept.kitchen.name == name
    for key, value in shipped.core_fields().items():
        assert np.array_equal(value, kept.core_fields()[key]), key
