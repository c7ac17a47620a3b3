"""Plays gather-trade-build with ai-economist 1.7.1 and writes down all that can be compared.

Runs in an environment of its own (make parity): `python gather_reference.py jobs.json traces.npz`. A job is {"seed",
"episodes", "steps", "agents", "world" (arguments of the scenario), "build", "gather", "market", "tax" (arguments of the
components), "shares_wealth", "brackets"}. The global generator is seeded with the job's seed just before the first
reset; actions come from another: uniform among the unmasked, the workers in order, then the planner's parts.

A trace has, per episode, `streams` (the generator's state before the reset) and, stacked over all its observations,
`workers` [T + 1, N, F], `worker_masks`, `planner`, `planner_mask`; per step `actions`, `planner_actions`,
`planner_reward`, `worker_rewards`, `coin`, `labor`, `units`; and `last_stream`, the generator's state after the last
step.
"""

import json
import sys

import numpy as np

setattr(np, "int", int)  # noqa: B010 - ai-economist 1.7.1 was written for NumPy 1.21

from ai_economist import foundation  # noqa: E402


def make(job):
    components = [{"Build": job["build"]}, {"ContinuousDoubleAuction": job["market"]}, {"Gather": job["gather"]}]
    components.append({"PeriodicBracketTax": job["tax"]})
    if job["shares_wealth"]:
        components.append({"WealthRedistribution": {}})
    return foundation.make_env_instance(
        components=components,
        n_agents=job["agents"],
        episode_length=job["steps"],
        multi_action_mode_agents=False,
        multi_action_mode_planner=True,
        flatten_observations=True,
        flatten_masks=True,
        **job["world"],
    )


def stream():
    _, key, position, *_ = np.random.get_state()  # noqa: NPY002 - the package draws from the global generator
    return np.append(key, position).astype(np.uint32).view(np.int32)


def look(env, seen):
    workers = [str(i) for i in range(env.n_agents)]
    planner = seen["p"]
    maps = [np.ravel(planner[name]) for name in ("world-map", "world-idx_map") if name in planner]
    return {
        "workers": np.stack(
            [
                np.concatenate([np.ravel(seen[i][name]) for name in ("world-map", "world-idx_map", "flat")])
                for i in workers
            ]
        ).astype(np.float32),
        "worker_masks": np.stack([seen[i]["action_mask"] for i in workers]).astype(np.uint8),
        "planner": np.concatenate([*maps, planner["flat"], *(planner["p" + i] for i in workers)]).astype(np.float32),
        "planner_mask": np.asarray(planner["action_mask"], np.uint8),
    }


def choose(sampler, mask):
    legal = np.flatnonzero(mask)
    return int(legal[sampler.integers(len(legal))])


def play(job):
    np.random.seed(1)  # noqa: NPY002 - split layouts work out their payments at construction
    env, sampler = make(job), np.random.default_rng(job["seed"])
    workers = [str(i) for i in range(env.n_agents)]
    np.random.seed(job["seed"])  # noqa: NPY002
    episodes = []
    for _ in range(job["episodes"]):
        streams, seen = stream(), env.reset()
        looks, outcomes = [look(env, seen)], []
        for _ in range(job["steps"]):
            actions = {i: choose(sampler, seen[i]["action_mask"]) for i in workers}
            parts = np.asarray(seen["p"]["action_mask"])
            heads = parts.reshape(job["brackets"], -1) if parts.size > 1 else []
            actions["p"] = [choose(sampler, head) for head in heads] or [0]
            seen, rewards, _, _ = env.step(actions)
            looks.append(look(env, seen))
            outcomes.append(
                {
                    "actions": np.array([actions[i] for i in workers], np.int32),
                    "planner_actions": np.array(actions["p"], np.int32),
                    "worker_rewards": np.array([rewards[i] for i in workers], np.float64),
                    "planner_reward": np.float64(rewards["p"]),
                    "coin": np.array([agent.total_endowment("Coin") for agent in env.world.agents], np.float64),
                    "labor": np.array([a.state["endogenous"]["Labor"] for a in env.world.agents], np.float64),
                    "units": np.array(
                        [[a.total_endowment(unit) for unit in ("Stone", "Wood")] for a in env.world.agents], np.int32
                    ),
                }
            )
        trace = {key: np.stack([row[key] for row in part]) for part in (looks, outcomes) for key in part[0]}
        episodes.append(trace | {"streams": streams, "last_stream": stream()})
    return episodes


def main(jobs_path, traces_path):
    with open(jobs_path, encoding="utf-8") as file:
        jobs = json.load(file)
    traces = {}
    for index, job in enumerate(jobs):
        for number, trace in enumerate(play(job)):
            traces |= {f"{index}/{number}/{key}": value for key, value in trace.items()}
    np.savez(traces_path, **traces)


if __name__ == "__main__":
    main(*sys.argv[1:])
