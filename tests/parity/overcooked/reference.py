"""Plays given actions with overcooked-ai 1.1.0 and writes down everything that can be compared.

Runs in an environment of its own (make parity): `python reference.py jobs.json actions.npz traces.npz`. A job is
{"layout", "settings", "start" (a state dict or null), "actions" (key of a [T, P] array)}; its trace is, after t steps
for t = 0..T: positions, orientations, held, items, pot_ticks, lossless and features; and of step t: sparse, shaped,
events, done.
"""

import json
import sys
from types import SimpleNamespace

import numpy as np

setattr(np, "Inf", np.inf)  # noqa: B010 - overcooked-ai 1.1.0 was written for NumPy 1

from overcooked_ai_py.mdp.actions import Action, Direction  # noqa: E402
from overcooked_ai_py.mdp.overcooked_mdp import EVENT_TYPES, OvercookedGridworld, OvercookedState  # noqa: E402
from overcooked_ai_py.planning.planners import MotionPlanner  # noqa: E402

ITEMS = {"onion": 1, "tomato": 2, "dish": 3}


def encode(item):
    """Codes an object as overcooked.h does; written apart from the package's own encoder on purpose."""
    if item is None:
        return 0
    if item.name != "soup":
        return ITEMS[item.name]
    code = 64
    for place, ingredient in enumerate(item.ingredients):
        code |= ITEMS[ingredient] << (2 * place)
    return code


def describe(mdp, state):
    items = np.zeros((mdp.height, mdp.width), np.uint8)
    for (x, y), item in state.objects.items():
        items[y, x] = encode(item)
    ticks = [state.objects[pot]._cooking_tick if pot in state.objects else -1 for pot in mdp.get_pot_locations()]
    return {
        "positions": np.array(state.player_positions, np.uint8),
        "orientations": np.array([Direction.DIRECTION_TO_INDEX[o] for o in state.player_orientations], np.uint8),
        "held": np.array([encode(player.held_object) for player in state.players], np.uint8),
        "items": items,
        "pot_ticks": np.array(ticks, np.int16),
    }


def look(mdp, planner, state, horizon):
    seen = {}
    if mdp.num_players == 2:
        seen["lossless"] = np.array(mdp.lossless_state_encoding(state, horizon))
    if mdp.num_players > 1:
        seen["features"] = np.array(mdp.featurize_state(state, planner), np.float64)
    return seen


def play(job, actions):
    mdp = OvercookedGridworld.from_layout_name(job["layout"], **job["settings"])
    planner = SimpleNamespace(motion_planner=MotionPlanner(mdp))
    horizon = job["horizon"]
    state = OvercookedState.from_dict(job["start"]) if job["start"] else mdp.get_standard_start_state()
    rows = [describe(mdp, state) | look(mdp, planner, state, horizon)]
    outcomes = []
    for joint in actions:
        state, infos = mdp.get_state_transition(state, [Action.INDEX_TO_ACTION[a] for a in joint])
        bits = [
            sum(1 << bit for bit, name in enumerate(EVENT_TYPES) if infos["event_infos"][name][player])
            for player in range(mdp.num_players)
        ]
        rows.append(describe(mdp, state) | look(mdp, planner, state, horizon))
        outcomes.append(
            {
                "sparse": np.array(infos["sparse_reward_by_agent"], np.float64),
                "shaped": np.array(infos["shaped_reward_by_agent"], np.float64),
                "events": np.array(bits, np.int32),
                "done": np.array(state.timestep >= horizon),
            }
        )
    return {key: np.stack([row[key] for row in part]) for part in (rows, outcomes) for key in part[0]}, state.to_dict()


def main(jobs_path, actions_path, traces_path):
    with open(jobs_path, encoding="utf-8") as file:
        jobs = json.load(file)
    actions = np.load(actions_path)
    traces = {}
    for index, job in enumerate(jobs):
        trace, last = play(job, actions[job["actions"]])
        traces |= {f"{index}/{key}": value for key, value in trace.items()}
        traces[f"{index}/last_state"] = np.array(json.dumps(last))
    np.savez(traces_path, **traces)


if __name__ == "__main__":
    main(*sys.argv[1:])
