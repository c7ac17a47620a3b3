"""Plays dm_control 1.0.28's swing-ups (MuJoCo 3.3.0) under pushes, and writes traces.npz beside this file.

`python reference.py` in an environment with `pip install dm-control==1.0.28 mujoco==3.3.0`. The traces are committed,
because two packages of 150 MB are too much for every run of the tests. Of each episode: start (coordinates, speeds),
actions [T], pushes [T, 2] in N, and after every 10th step the state, the observation and the reward. The pendulum has a
pole of 0.1 kg, as in the release of Reddi et al. 2024.
"""

import collections
from pathlib import Path

import dm_control
import mujoco
import numpy as np
from dm_control import suite
from dm_control.rl import control
from dm_control.suite import common, pendulum

STEPS, EVERY, EPISODES = 500, 10, 4
BODIES = {"pendulum": ("pole", 1.0), "cartpole": ("pole_1", 2.0), "acrobot": ("upper_arm", 1.0)}


def load(task):
    if task != "pendulum":
        return suite.load(task, "swingup")
    xml = (Path(dm_control.__file__).parent / "suite" / "pendulum.xml").read_text()
    physics = pendulum.Physics.from_xml_string(
        xml.replace('size="0.02" mass="0"', 'size="0.02" mass="0.1"'), common.ASSETS
    )
    return control.Environment(physics, pendulum.SwingUp(), time_limit=20)


def play(task, generator):
    environment = load(task)
    model, data = environment.physics.model.ptr, environment.physics.data.ptr
    name, most = BODIES[task]
    body = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_BODY, name)
    environment.reset()
    start = np.concatenate([generator.uniform(-3, 3, model.nv), generator.uniform(-1, 1, model.nv)])
    if task == "cartpole":
        start[0] /= 2
    data.qpos[:], data.qvel[:] = np.split(start, 2)
    mujoco.mj_forward(model, data)
    # Pushed to one side for a while, so that the cart meets the end of its rail.
    lean = 0.6 * np.sign(np.sin(np.arange(STEPS) / 60))
    actions = np.clip(generator.uniform(-1, 1, STEPS) + lean, -1, 1).astype(np.float32)
    pushes = most * generator.uniform(-1, 1, (STEPS, 2)).astype(np.float32).astype(float)
    trace = collections.defaultdict(list)
    for t in range(STEPS):
        data.xfrc_applied[body, 0], data.xfrc_applied[body, 2] = pushes[t]
        step = environment.step(actions[t : t + 1].astype(float))
        if (t + 1) % EVERY == 0:
            trace["states"].append(np.concatenate([data.qpos, data.qvel]))
            trace["observations"].append(np.concatenate([np.ravel(value) for value in step.observation.values()]))
            trace["rewards"].append(step.reward)
    return {"start": start, "actions": actions, "pushes": pushes} | {key: np.array(v) for key, v in trace.items()}


def main():
    generator, traces = np.random.default_rng(7), {}
    for task in BODIES:
        for number in range(EPISODES):
            traces |= {f"{task}/{number}/{key}": value for key, value in play(task, generator).items()}
    np.savez_compressed(Path(__file__).with_name("traces.npz"), **traces)


main()
