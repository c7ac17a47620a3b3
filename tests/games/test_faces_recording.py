"""Frames, the window, and recordings: replay, GIF, MP4, and what is said about damaged files."""

from __future__ import annotations

import itertools
import json
import subprocess
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

import games
import games.window
from games.batch import Batch
from games.names import UnknownNameError
from games.playthrough import random_actions
from games.recording import Recording, record

DILEMMA = "matrix/prisoners_dilemma_v0"
PROBE = "probe/everything_v0"


def random_policy(seed: int) -> Any:
    generator = np.random.default_rng(seed)
    return lambda batch: {name: random_actions(group, generator) for name, group in batch.groups.items()}


@pytest.fixture
def recording() -> Recording:
    return record(DILEMMA, random_policy(0), seed=4, horizon=7)


def test_a_recording_holds_the_whole_episode(recording: Recording) -> None:
    assert recording.id == DILEMMA
    assert recording.seed == 4
    assert recording.settings["horizon"] == 7
    assert len(recording.actions) == 7
    assert [fields["round"] for fields in recording.fields()] == list(range(8))
    payoffs = np.asarray(recording.settings["payoffs"])
    joint = [tuple(step["players"]) for step in recording.actions]
    np.testing.assert_array_equal(recording.rewards(), [[payoffs[0][a], payoffs[1][a]] for a in joint])


@pytest.mark.parametrize("env_id", [DILEMMA, PROBE, "overcooked/cramped_room_v0"])
def test_a_file_gives_the_same_episode_again(env_id: str, tmp_path: Path) -> None:
    recorded = record(env_id, random_policy(1), seed=2**64 - 1)
    recorded.save(tmp_path / "episode.jsonl")
    loaded = Recording.load(tmp_path / "episode.jsonl")
    assert loaded.digest == recorded.digest
    for one, other in zip(loaded.replay(), recorded.replay(), strict=True):
        assert one.state_bytes(0) == other.state_bytes(0)
    loaded.save(tmp_path / "again.jsonl")
    assert (tmp_path / "again.jsonl").read_bytes() == (tmp_path / "episode.jsonl").read_bytes()


def test_policies_may_write_in_place_and_recordings_may_stop_early() -> None:
    def constant(batch: Batch) -> None:
        batch.actions[...] = 1

    recording = record(DILEMMA, constant, max_steps=2)
    assert [step["players"].tolist() for step in recording.actions] == [[1, 1], [1, 1]]
    with pytest.raises(ValueError, match="max_steps"):
        record(DILEMMA, constant, max_steps=0)


def test_what_a_policy_does_wrong_is_refused() -> None:
    with pytest.raises(ValueError, match="outside its space"):
        record(DILEMMA, lambda batch: np.full((1, 2), 5, np.int32))
    with pytest.raises(UnknownNameError, match=f"did you mean '{DILEMMA}'"):
        record(DILEMMA + "1", random_policy(0))
    with pytest.raises(UnknownNameError, match="setting"):
        record(DILEMMA, random_policy(0), horizons=3)


def change_line(path: Path, number: int, **changes: Any) -> None:
    lines = path.read_text().splitlines()
    lines[number] = json.dumps(json.loads(lines[number]) | changes)
    path.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("number", "changes", "message"),
    [
        (0, {"format": "another"}, "is no recording"),
        (0, {"id": "matrix/prisoners_dilema_v0"}, "did you mean 'matrix/prisoners_dilemma_v0'"),
        (0, {"id": 3}, "header needs 'id'"),
        (0, {"settings": {"horizn": 7}}, "did you mean 'horizon'"),
        (0, {"seed": "4"}, "header needs 'seed'"),
        (0, {"seed": -4}, "seed must be"),
        (0, {"steps": 8}, "cut off"),
        (0, {"digest": "0" * 64}, "does not replay as it was recorded"),
        (3, {"players": [5, 0]}, "outside its space"),
        (3, {"players": [1]}, "shape"),
        (3, {"players": "left"}, "episode.jsonl:4 holds no actions"),
        (3, {"walkers": [0]}, "episode.jsonl:4 must give the actions of"),
    ],
)
def test_damaged_files_are_explained(
    recording: Recording, tmp_path: Path, number: int, changes: dict[str, Any], message: str
) -> None:
    path = tmp_path / "episode.jsonl"
    recording.save(path)
    change_line(path, number, **changes)
    with pytest.raises(ValueError, match=message):
        Recording.load(path)


def test_a_changed_action_is_noticed(recording: Recording, tmp_path: Path) -> None:
    path = tmp_path / "episode.jsonl"
    recording.save(path)
    players = recording.actions[2]["players"]
    change_line(path, 3, players=(1 - players).tolist())
    with pytest.raises(ValueError, match="does not replay"):
        Recording.load(path)


@pytest.mark.parametrize("text", ["", "\n", "not json\n", "[1, 2]\n", '{"format": 1}\n', "\x00\x01\n"])
def test_files_that_are_no_recordings(tmp_path: Path, text: str) -> None:
    path = tmp_path / "file.jsonl"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"no recording|no line of a recording"):
        Recording.load(path)


def test_paths(recording: Recording, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no recording"):
        Recording.load(tmp_path / "missing.jsonl")
    for save, suffix in ((recording.save, ".jsonl"), (recording.save_gif, ".gif"), (recording.save_mp4, ".mp4")):
        with pytest.raises(FileNotFoundError, match="there is no folder"):
            save(tmp_path / "missing" / f"file{suffix}")
        with pytest.raises(ValueError, match=f"must end in {suffix}"):
            save(tmp_path / "file.txt")
        assert not list(tmp_path.iterdir())
    for fps in (0, -1, float("nan"), 1000):
        for save, suffix in ((recording.save_gif, ".gif"), (recording.save_mp4, ".mp4")):
            with pytest.raises(ValueError, match="fps"):
                save(tmp_path / f"file{suffix}", fps=fps)
    assert not list(tmp_path.iterdir())


def test_gif_shows_every_state(recording: Recording, tmp_path: Path) -> None:
    recording.save_gif(tmp_path / "episode.gif", fps=4)
    with Image.open(tmp_path / "episode.gif") as image:
        assert image.n_frames == 8
        assert image.info["loop"] == 0
        first = next(recording.frames())
        assert image.size == first.shape[1::-1]
        durations = []
        for index, frame in enumerate(recording.frames()):
            image.seek(index)
            durations.append(image.info["duration"])
            shown = np.asarray(image.convert("RGB")).astype(int)
            assert np.abs(shown - frame).mean() < 3, "a palette of 256 colours is enough for these pictures"
    assert durations == [250] * 7 + [1500]


def test_mp4_plays_in_browsers(recording: Recording, tmp_path: Path) -> None:
    path = tmp_path / "episode.mp4"
    recording.save_mp4(path, fps=4)
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    about = subprocess.run([ffmpeg, "-i", str(path)], capture_output=True, text=True, check=False).stderr
    first = next(recording.frames())
    height, width, _ = first.shape
    for part in ("Video: h264", "yuv420p", f"{width}x{height}", "4 fps"):
        assert part in about
    decode = [ffmpeg, "-v", "error", "-i", str(path), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    decoded = subprocess.run(decode, capture_output=True, check=True)
    assert decoded.stderr == b""
    frames = np.frombuffer(decoded.stdout, np.uint8).reshape(-1, *first.shape).astype(int)
    assert len(frames) == 8
    for shown, drawn in zip(frames, recording.frames(), strict=True):
        assert np.abs(shown - drawn).mean() < 8
    # The index stands before the pictures, so that a browser can start at once.
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_a_world_without_drawing(monkeypatch: pytest.MonkeyPatch, recording: Recording, tmp_path: Path) -> None:
    monkeypatch.setattr(games.window, "find_draw", lambda config_class: None)
    assert games.parallel_env(DILEMMA).metadata["render_modes"] == []
    with pytest.raises(ValueError, match=r"cannot be drawn: the world matrix has no draw\.py"):
        games.parallel_env(DILEMMA, render_mode="rgb_array")
    for save, suffix in ((recording.save_gif, ".gif"), (recording.save_mp4, ".mp4")):
        with pytest.raises(ValueError, match="cannot be drawn"):
            save(tmp_path / f"file{suffix}")
    assert not list(tmp_path.iterdir())


@pytest.fixture
def pygame(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setitem(games.parallel.BatchParallelEnv.metadata, "render_fps", 1000)
    return games.window._pygame()


def test_the_window_shows_what_rgb_array_returns(pygame: Any) -> None:
    shown, drawn = (games.parallel_env(DILEMMA, render_mode=mode) for mode in ("human", "rgb_array"))
    for env in (shown, drawn):
        env.reset(seed=0)
    for action in (0, 1, 1):
        for env in (shown, drawn):
            env.step({"player_0": action, "player_1": 0})
        assert shown.render() is None
        surface = shown._window._window.get_surface()
        np.testing.assert_array_equal(pygame.surfarray.array3d(surface).swapaxes(0, 1), drawn.render())
    shown.close()


def test_windows_close_one_by_one(pygame: Any) -> None:
    first, second = (games.parallel_env(DILEMMA, render_mode="human") for _ in range(2))
    first.reset(seed=0)
    second.reset(seed=0)
    pygame.event.post(pygame.event.Event(pygame.WINDOWCLOSE, window=second._window._window))
    first.step({"player_0": 0, "player_1": 0})
    assert not first._window.is_closed, "the user closed the other window"
    second.step({"player_0": 0, "player_1": 0})
    assert second._window.is_closed
    second.step({"player_0": 0, "player_1": 0})
    assert second.render() is None
    first.close()
    first.close()
    assert first._window.is_closed
    first.step({"player_0": 0, "player_1": 0})


def test_keys_stay_in_the_queue_for_whoever_plays(pygame: Any) -> None:
    env = games.parallel_env(DILEMMA, render_mode="human")
    env.reset(seed=0)
    pygame.event.clear()
    pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=pygame.K_a))
    env.step({"player_0": 0, "player_1": 0})
    assert [event.key for event in pygame.event.get(pygame.KEYDOWN)] == [pygame.K_a]
    env.close()


@pytest.mark.parametrize(
    "shape", [(1, 3), (2, 2, 2), (2, 3, 4), (3, 2, 3, 2), (4, 2, 2, 2, 2), (2, 40, 7), (2, 3, 500)], ids=str
)
def test_payoff_tables_of_all_sizes(shape: tuple[int, ...]) -> None:
    payoffs = np.random.default_rng(0).normal(size=shape)
    recording = record("matrix/rock_paper_scissors_v0", random_policy(0), payoffs=payoffs, horizon=3)
    frames = list(recording.frames())
    assert len({frame.shape for frame in frames}) == 1
    height, width, _ = frames[0].shape
    assert height % 2 == width % 2 == 0
    assert width >= 256
    assert all((one != other).any() for one, other in itertools.pairwise(frames))
