"""OpenSpiel's games as batches and PettingZoo environments, and our finite worlds as OpenSpiel games.

See README.md beside this file. pyspiel is imported when it is first used, not before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyspiel

    from games.open_spiel.aec import SpielAECEnv
    from games.open_spiel.spiel_batch import SpielBatch

__all__ = ["aec_env", "batch", "game"]


def batch(
    game: str | pyspiel.Game,
    num_envs: int = 1,
    *,
    seed: int = 0,
    autoreset: str = "same_step",
    first_env: int = 0,
    **params: Any,
) -> SpielBatch:
    """Makes `num_envs` copies of a game of OpenSpiel with the arrays and methods of `games.make_batch`.

    Args:
        game: Its short name, such as "leduc_poker", a game string, or a pyspiel.Game.
        num_envs: E, at least 1.
        seed: In [0, 2^64). Env e's chance depends on (seed, first_env + e, episode) alone.
        autoreset: "same_step", "next_step" or "disabled", as Gymnasium names them.
        first_env: Number of env 0.
        **params: OpenSpiel's parameters of the game.

    Raises:
        UnknownNameError: OpenSpiel has no such game or parameter.
        ValueError: Parameters that OpenSpiel refuses, or a game that cannot be shown as arrays.
    """
    from games.open_spiel.load import load_game
    from games.open_spiel.spiel_batch import SpielBatch

    return SpielBatch(load_game(game, params), num_envs, seed, autoreset, first_env)


def aec_env(game: str | pyspiel.Game, *, render_mode: str | None = None, **params: Any) -> SpielAECEnv:
    """Makes a PettingZoo AEC environment of a game of OpenSpiel.

    Args:
        game: Its short name, such as "leduc_poker", a game string, or a pyspiel.Game.
        render_mode: "ansi" or None.
        **params: OpenSpiel's parameters of the game.

    Raises:
        UnknownNameError: OpenSpiel has no such game or parameter.
        ValueError: Parameters that OpenSpiel refuses, or a game that cannot be shown as arrays.
    """
    from games.open_spiel.aec import SpielAECEnv
    from games.open_spiel.load import load_game

    return SpielAECEnv(load_game(game, params), render_mode)


def game(id: str, **config: Any) -> pyspiel.Game:
    """Makes an OpenSpiel game of one of our worlds that can be enumerated.

    Args:
        id: One of `games.env_ids()`.
        **config: Settings of the world that differ from the id's.

    Raises:
        UnknownNameError: No such id or setting.
        ValueError: The world does not say what its chance may do (`WorldConfig.chance`), or has several groups.
    """
    from games.open_spiel.world_game import make_game

    return make_game(id, config)
