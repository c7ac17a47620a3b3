"""The rules of the house: which way imports go, what each world brings, and lists that must agree."""

import ast
import dataclasses
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

import econ  # noqa: F401 - registers its worlds
import games
from games import _core
from games.table import world_table

ROOT = Path(__file__).parents[1]
PACKAGES = ("games", "econ", "agents", "marl", "experiments")  # each may import those before it
MAY_IMPORT = {"torch": {"agents", "marl"}, "ray": {"marl", "experiments"}}
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
WORLDS = sorted(path.parent for package in ("games", "econ") for path in (ROOT / package).glob("*/*.c"))
WORLDS = [folder for folder in dict.fromkeys(WORLDS) if (folder / f"{folder.name}.c").exists()]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CONFIG_CLASSES = {games.spec(id).config_class.world: id for id in games.env_ids()}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def imports(path: Path) -> set[str]:
    """Top-level names of all modules that a file imports, wherever in the file."""
    names = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.split(".")[0])
    return names


def canonical(requirement: str) -> str:
    """The name in a requirement line, as package indexes compare names."""
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement)[0]).lower()


# ---- imports ----


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_imports_go_one_way(path):
    package = path.relative_to(ROOT).parts[0]
    allowed = PACKAGES[: PACKAGES.index(package) + 1]
    forbidden = [name for name in imports(path) if name in PACKAGES and name not in allowed]
    if path.parent != ROOT / "experiments/bench/peers":  # those run in the peers' own processes
        forbidden += [name for name, homes in MAY_IMPORT.items() if name in imports(path) and package not in homes]
    forbidden += [name for name in imports(path) if name == "tests"]
    assert not forbidden, f"{name_of(path)} may not import {forbidden}"


# ---- safety ----


def dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def is_unsafe(call: ast.Call) -> bool:
    """Whether a call can run code that stands in data."""
    name = dotted(call.func)
    if name in {"eval", "exec"} or re.fullmatch(
        r"(c?loud)?pickle\.(loads?|Unpickler)|(dill|joblib|marshal)\.loads?", name
    ):
        return True
    flags = {keyword.arg: keyword.value for keyword in call.keywords}
    is_true = {key for key, value in flags.items() if isinstance(value, ast.Constant) and value.value is True}
    return (name == "torch.load" and "weights_only" not in is_true) or (
        name in {"np.load", "numpy.load"} and "allow_pickle" in is_true
    )


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_no_call_can_run_code_that_stands_in_data(path):
    calls = [node for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call) and is_unsafe(node)]
    assert not calls, [f"{name_of(path)}:{call.lineno}: {dotted(call.func)}" for call in calls]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("eval('1')", True),
        ("model.eval()", False),
        ("pickle.loads(data)", True),
        ("cloudpickle.load(file)", True),
        ("torch.load(file)", True),
        ("torch.load(file, weights_only=False)", True),
        ("torch.load(file, weights_only=True)", False),
        ("np.load(file, allow_pickle=True)", True),
        ("np.load(file)", False),
        ("json.loads(text)", False),
    ],
)
def test_the_check_for_unsafe_calls_sees_them(code, expected):
    assert is_unsafe(ast.parse(code, mode="eval").body) is expected


# ---- worlds ----


@pytest.mark.parametrize("folder", WORLDS, ids=name_of)
def test_a_world_has_its_five_parts(folder):
    parts = (f"{folder.name}.h", f"{folder.name}.c", "__init__.py", "draw.py", "README.md")
    missing = [part for part in parts if not (folder / part).exists()]
    assert not missing, f"{name_of(folder)} lacks {missing}"


def test_every_compiled_world_has_an_id_and_a_folder():
    assert sorted(CONFIG_CLASSES) == sorted(_core.world_names()) == sorted(folder.name for folder in WORLDS)


@pytest.mark.parametrize("world", sorted(CONFIG_CLASSES))
def test_settings_feed_exactly_the_fields_of_the_c_config(world):
    config = games.spec(CONFIG_CLASSES[world]).config()
    assert sorted(config.core_fields()) == sorted(_core.config_fields(world))


@pytest.mark.parametrize("world", sorted(CONFIG_CLASSES))
def test_a_world_with_a_live_setting_has_a_live_field_and_the_reverse(world):
    fields = dataclasses.fields(games.spec(CONFIG_CLASSES[world]).config_class)
    has_live_setting = any(field.metadata["live"] for field in fields)
    assert has_live_setting == any(field["live"] for field in _core.config_fields(world).values())


@pytest.mark.parametrize("world", sorted(CONFIG_CLASSES))
def test_every_setting_says_what_it_means(world):
    fields = dataclasses.fields(games.spec(CONFIG_CLASSES[world]).config_class)
    assert [field.name for field in fields if not field.metadata.get("doc")] == []


@pytest.mark.parametrize("id", games.env_ids())
def test_ids_name_their_family_and_their_version(id):
    family = games.spec(id).family
    assert re.fullmatch(rf"{family}/[a-z0-9_]+_v\d+", id)
    assert games.spec(id).description


def test_the_readme_has_the_table_of_worlds():
    text = (ROOT / "README.md").read_text()
    tables = re.findall(r"<!-- worlds -->\n(.*?)\n<!-- /worlds -->", text, re.DOTALL)
    assert [table.strip() for table in tables] == [world_table()], "paste the output of `python -m games.table econ`"


# ---- files ----


def test_no_file_has_a_name_that_says_nothing():
    empty = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
    assert [name_of(path) for path in tracked_files() if path.stem.lower() in empty] == []


# In pieces, so that this file does not contain what it looks for.
MACHINE_PATH = re.compile(r"(?<![\w.~/-])/(?:" + "|".join(["home", "root", "work", "opt", "mnt", "Users"]) + r")/\w")
HOSTS = re.compile(
    "|".join([r"py" + r"pi\.(?:org|python)", "python" + "hosted", "anaconda" + r"\.(?:org|com)", "npm" + "js"])
    + r"|download\."
    + r"pytorch|(?<![\d.])(?:10|172|192)(?:\.\d{1,3}){3}(?![\d.])",
)


def test_no_tracked_file_names_a_machine_path_or_a_registry_host():
    found = []
    for path in tracked_files():
        text = path.read_bytes().decode("utf-8", "ignore") if path.suffix not in {".png", ".gif", ".mp4"} else ""
        hits = [match for pattern in (MACHINE_PATH, HOSTS) for match in pattern.finditer(text)]
        found += [f"{name_of(path)}:{text.count(chr(10), 0, hit.start()) + 1}: {hit[0]}" for hit in hits]
    assert not found


# ---- lists that must agree ----


def test_conda_installs_what_pip_installs():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    (pip,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    assert environment["name"] == "agora"
    assert sorted(pip) == sorted(PROJECT["project"]["dependencies"])
    assert f"python{PROJECT['project']['requires-python']}" in environment["dependencies"]


def test_every_direct_dependency_has_its_exact_version_in_the_constraints():
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert [line for line in lines if not re.fullmatch(r"[\w-]+==[\w.]+", line)] == []
    direct = PROJECT["project"]["dependencies"] + PROJECT["project"]["optional-dependencies"]["dev"]
    direct += PROJECT["build-system"]["requires"]
    assert {canonical(line) for line in lines} == {canonical(line) for line in direct}


def test_the_makefile_installs_the_build_tools_of_the_project():
    (tools,) = re.findall(r"PIP_INSTALL\) (cmake .*)", (ROOT / "Makefile").read_text())
    assert sorted(tools.split()) == sorted(map(canonical, PROJECT["build-system"]["requires"]))


def test_parity_pins_agree():
    peers = re.findall(r"^PEER_\w+ := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    pinned = {canonical(pin) for peer in peers for pin in peer.split()}
    assert pinned >= {canonical(line) for line in PROJECT["project"]["optional-dependencies"]["parity"]}


def test_make_help_has_a_line_for_every_target():
    text = (ROOT / "Makefile").read_text()
    (targets,) = re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    printed = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    helped = [line.split()[1] for line in printed.splitlines()]
    rules = re.findall(r"^([a-z]+):(?!=)", text, re.MULTILINE)
    assert helped == targets.split() == rules
    assert all(len(line.split()) > 3 for line in printed.splitlines())
