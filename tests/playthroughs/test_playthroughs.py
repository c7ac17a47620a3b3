"""Every id has a playthrough, and it still goes as written."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest

import econ  # noqa: F401 - registers its worlds
import games
from games.playthrough import file_name, main, playthrough, write_all

FOLDER = Path(__file__).parent


@pytest.mark.parametrize("env_id", games.env_ids())
def test_playthrough_goes_as_written(env_id: str) -> None:
    path = FOLDER / file_name(env_id)
    assert path.exists(), f"{env_id} has no playthrough: run python -m games.playthrough"
    written, played = path.read_text(), playthrough(env_id)
    difference = list(difflib.unified_diff(written.splitlines(), played.splitlines(), str(path), "now", lineterm=""))
    assert not difference, "\n".join([*difference[:40], "If this is wanted: python -m games.playthrough"])


def test_every_playthrough_has_an_id() -> None:
    files = {path.name for path in FOLDER.glob("*.txt")}
    assert files == {file_name(env_id) for env_id in games.env_ids()}


def test_writing_again_changes_nothing_and_a_wrong_file_is_written_anew(tmp_path: Path) -> None:
    assert len(write_all(tmp_path)) == len(games.env_ids())
    assert write_all(tmp_path) == []
    spoiled = tmp_path / file_name(games.env_ids()[0])
    spoiled.write_text("something else")
    assert write_all(tmp_path) == [spoiled]


def test_the_command_says_what_it_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([str(tmp_path)])
    assert capsys.readouterr().out.count("changed: ") == len(games.env_ids())
    main([str(tmp_path), "--import", "games"])
    assert capsys.readouterr().out == ""
    with pytest.raises(SystemExit):
        main([str(tmp_path / "nowhere")])


def test_a_playthrough_tells_ids_settings_and_what_happened() -> None:
    text = playthrough("matrix/prisoners_dilemma_v0")
    assert text.startswith("id: matrix/prisoners_dilemma_v0\n")
    assert "setting horizon: 150\n" in text
    assert "property utility: general\n" in text
    assert "  actions: Discrete(2)\n" in text
    assert "\nstep 30\n" in text
    assert "\nsteps " in text
    assert "\nstep 150\n" in text
    assert "  terminations: [1 1]\n" in text
