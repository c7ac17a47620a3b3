"""OpenSpiel's states in Python: moves of random play, game after game.

Lines: `<game string>:<sight> <num_envs> <steps>`. With sight "shown" whoever moves reads its information state before
it moves, as a learner does; with "blind" nobody does. One game is played at a time, whatever num_envs says. Draws of
chance are no moves, and a simultaneous joint move is one: steps are counted as ours are, so hands a second stand in the
same ratio as steps a second.
"""

import random
import sys
import time

import pyspiel


def play(game: pyspiel.Game, steps: int, is_shown: bool, rng: random.Random) -> None:
    """Plays a number of moves at random, game after game."""
    state = game.new_initial_state()
    players = range(game.num_players())
    while steps > 0:
        if state.is_terminal():
            state.returns()
            state = game.new_initial_state()
        elif state.is_chance_node():
            state.apply_action(rng.choice(state.legal_actions()))
        elif state.is_simultaneous_node():
            if is_shown:
                for player in players:
                    state.information_state_tensor(player)
            state.apply_actions([rng.choice(state.legal_actions(p)) for p in players])
            steps -= 1
        else:
            if is_shown:
                state.information_state_tensor()
            state.apply_action(rng.choice(state.legal_actions()))
            steps -= 1


for line in sys.stdin:
    name, _, steps = line.split()
    name, _, sight = name.partition(":")
    game = pyspiel.load_game(name)
    start = time.process_time()
    play(game, int(steps), sight == "shown", random.Random(0))
    print("seconds", time.process_time() - start, flush=True)
