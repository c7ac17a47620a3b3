"""The trained cook with itself, with a scripted cook and with a random one, and their baselines."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import games
from agents.greedy_cook import GreedyCook
from agents.protocol import Player
from agents.random_player import RandomPlayer
from agents.trained import TrainedPlayer
from experiments.intervals import mean_interval
from experiments.run_folder import RunError, RunFolder, read_csv, write_atomically
from experiments.studies.overcooked.settings import OvercookedSettings
from games.batch import Batch
from games.recording import record

PAIRS = (
    ("trained", "trained"),
    ("trained", "greedy"),
    ("greedy", "trained"),
    ("trained", "random"),
    ("random", "trained"),
    ("greedy", "greedy"),
    ("random", "random"),
)
EVALUATION_SEED = 1_000_003  # apart from every training seed's envs


def find_policy(run: RunFolder) -> Path:
    """Returns the folder of the newest policy.

    Raises:
        RunError: There is no checkpoint yet, or it is damaged.
    """
    checkpoint = run.latest_checkpoint()
    if checkpoint is None:
        raise RunError(f"{run.path} has no checkpoint yet")
    return checkpoint


def make_player(kind: str, policy: Path, seed: int) -> Player:
    """Makes a "trained", "greedy" or "random" player."""
    if kind == "trained":
        return TrainedPlayer(policy, seed)
    return GreedyCook(seed) if kind == "greedy" else RandomPlayer(seed)


def choose_jointly(players: Sequence[Player], batch: Batch) -> np.ndarray:
    """Returns the joint actions [E, P] of one player per agent."""
    actions = [player.act(batch, agent) for player, agent in zip(players, batch.agents, strict=True)]
    return np.stack(actions, axis=1)


def play_pair(settings: OvercookedSettings, kinds: Sequence[str], policy: Path) -> dict[str, np.ndarray]:
    """Plays `evaluation_episodes` episodes side by side and returns their statistics by name."""
    batch = games.make_batch(
        settings.env_id, settings.evaluation_episodes, seed=EVALUATION_SEED, **settings.world_settings()
    )
    batch.reset()
    # Kitchens for one cook, or for more than two, are played by as many as they have room for.
    seats = [kinds[i % len(kinds)] for i in range(len(batch.agents))]
    players = [make_player(kind, policy, EVALUATION_SEED + i) for i, kind in enumerate(seats)]
    for _ in range(batch.config.properties().horizon):
        batch.step(choose_jointly(players, batch))
    return batch.episode_statistics


def describe(returns: np.ndarray) -> dict[str, float]:
    """Returns mean and 95 % bootstrap interval (percentile method) of the mean."""
    low, high = mean_interval(returns)
    return {"mean": float(returns.mean()), "low": low, "high": high}


def evaluate(run: RunFolder, settings: OvercookedSettings) -> None:
    """Plays all pairs and writes evaluation.csv: pair, episodes, return with interval, soups."""
    policy = find_policy(run)
    rows: list[dict[str, Any]] = []
    for kinds in PAIRS:
        played = play_pair(settings, kinds, policy)
        rows.append(
            {
                "first_cook": kinds[0],
                "second_cook": kinds[1],
                "episodes": len(played["sparse_return"]),
                **{name: round(value, 3) for name, value in describe(played["sparse_return"]).items()},
                "soups": round(float(played["deliveries"].mean()), 3),
            }
        )
    table = io.StringIO()
    writer = csv.DictWriter(table, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_atomically(run.evaluation_path, table.getvalue())


def read_evaluation(run: RunFolder) -> list[dict[str, str]]:
    """Returns the rows of evaluation.csv.

    Raises:
        RunError: The run has not been evaluated, or the file is damaged.
    """
    if not run.evaluation_path.exists():
        raise RunError(f"{run.path} has no evaluation yet: agora evaluate {run.path}")
    rows = read_csv(run.evaluation_path, {"first_cook", "second_cook", "episodes", "mean", "low", "high", "soups"})
    found = [(row["first_cook"], row["second_cook"]) for row in rows]
    if found != list(PAIRS):
        raise RunError(f"{run.evaluation_path} is damaged: it must have a row for each of {len(PAIRS)} pairs")
    return rows


def render(run: RunFolder, settings: OvercookedSettings) -> None:
    """Records one self-play episode and writes it as recording, GIF and MP4."""
    policy = find_policy(run)
    run.replay_path.mkdir(exist_ok=True)
    num_players = settings.world_config().properties().num_agents
    players = [TrainedPlayer(policy, settings.seed + i) for i in range(num_players)]
    recording = record(
        settings.env_id,
        lambda batch: choose_jointly(players, batch),
        seed=EVALUATION_SEED,
        **settings.world_settings(),
    )
    recording.save(run.replay_path / "episode.jsonl")
    recording.save_gif(run.replay_path / "episode.gif", fps=8)
    recording.save_mp4(run.replay_path / "episode.mp4", fps=8)
