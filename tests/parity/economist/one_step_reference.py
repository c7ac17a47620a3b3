"""Plays given actions with ai-economist 1.7.1's one-step economy and writes down all that can be compared.

Runs in an environment of its own (make parity): `python one_step_reference.py jobs.json actions.npz traces.npz`. A job
is {"workers", "skill_seed", "scenario", "tax" (arguments of the scenario and of PeriodicBracketTax)}; its actions are
`<job>/workers` [T, N] and `<job>/planner` [T, B or 1], T steps over whole episodes. A trace has, for every observation
(the first of each episode included), worker and planner vectors and masks, and for every step rewards, coin, labor and
the objectives.
"""

import json
import sys

import numpy as np

setattr(np, "int", int)  # noqa: B010 - ai-economist 1.7.1 was written for NumPy 1.21

from ai_economist import foundation  # noqa: E402


def make(job):
    np.random.seed(job["skill_seed"])  # noqa: NPY002 - the package draws from the global generator
    return foundation.make_env_instance(
        "one-step-economy",
        components=[{"SimpleLabor": {}}, {"PeriodicBracketTax": {"period": 2, **job["tax"]}}],
        n_agents=job["workers"],
        world_size=[1, 1],
        episode_length=2,
        multi_action_mode_agents=False,
        multi_action_mode_planner=True,
        flatten_observations=True,
        flatten_masks=True,
        **job["scenario"],
    )


def look(env, seen):
    workers = [str(i) for i in range(env.n_agents)]
    return {
        "workers": np.stack([seen[i]["flat"] for i in workers]),
        "worker_masks": np.stack([seen[i]["action_mask"] for i in workers]),
        "planner": np.concatenate([seen["p"]["flat"], *(seen["p"]["p" + i] for i in workers)]),
        "planner_mask": seen["p"]["action_mask"],
    }


def play(job, worker_actions, planner_actions):
    env = make(job)
    workers = [str(i) for i in range(env.n_agents)]
    looks, outcomes = [], []
    for t, (chosen, rates) in enumerate(zip(worker_actions, planner_actions, strict=True)):
        if t % 2 == 0:
            looks.append(look(env, env.reset()))
        actions = {i: int(action) for i, action in zip(workers, chosen, strict=True)}
        actions["p"] = [int(rate) for rate in rates] if len(rates) > 1 else [0]
        seen, rewards, _, _ = env.step(actions)
        looks.append(look(env, seen))
        metrics = env.scenario_metrics()
        outcomes.append(
            {
                "worker_rewards": np.array([rewards[i] for i in workers], np.float64),
                "planner_reward": np.float64(rewards["p"]),
                "coin": np.array([agent.total_endowment("Coin") for agent in env.world.agents], np.float64),
                "labor": np.array([agent.state["endogenous"]["Labor"] for agent in env.world.agents], np.float64),
                "productivity": np.float64(metrics["social/productivity"]),
                "equality": np.float64(metrics["social/equality"]),
                "inverse_income_utility": np.float64(metrics["social_welfare/inv_income_weighted_utility"]),
            }
        )
    return {key: np.stack([row[key] for row in part]) for part in (looks, outcomes) for key in part[0]}


def main(jobs_path, actions_path, traces_path):
    with open(jobs_path, encoding="utf-8") as file:
        jobs = json.load(file)
    actions = np.load(actions_path)
    traces = {}
    for index, job in enumerate(jobs):
        trace = play(job, actions[f"{index}/workers"], actions[f"{index}/planner"])
        traces |= {f"{index}/{key}": value for key, value in trace.items()}
    np.savez(traces_path, **traces)


if __name__ == "__main__":
    main(*sys.argv[1:])
