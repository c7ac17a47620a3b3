"""OpenSpiel's states in Python: moves of random play, both information states read where the game has them.

Lines: `<game string> <num_envs> <steps>`; it plays one game at a time, whatever num_envs says. Draws of chance are no
moves; a simultaneous joint move is one.
"""

import random
import sys
import time

import pyspiel


def play(game: pyspiel.Game, steps: int, rng: random.Random) -> None:
    """Plays a number of moves at random, game after game."""
    state = game.new_initial_state()
    while steps > 0:
        if state.is_terminal():
            state.returns()
            state = game.new_initial_state()
        elif state.is_chance_node():
            state.apply_action(rng.choice(state.legal_actions()))
        elif state.is_simultaneous_node():
            state.apply_actions([rng.choice(state.legal_actions(p)) for p in range(game.num_players())])
            steps -= 1
        else:
            state.information_state_tensor()
            state.apply_action(rng.choice(state.legal_actions()))
            steps -= 1


for line in sys.stdin:
    name, _, steps = line.split()
    game = pyspiel.load_game(name)
    start = time.process_time()
    play(game, int(steps), random.Random(0))
    print("seconds", time.process_time() - start, flush=True)
