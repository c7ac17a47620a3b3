"""Robots of Gymnasium and their adversary: beside Gymnasium's own, pushes by Newton, scaled models beside compiled."""

import subprocess
import sys
from pathlib import Path

import gymnasium
import mujoco
import numpy as np
import pytest

import games
from games.mujoco import ROBOTS, set_parameters
from games.mujoco.mujoco_batch import episode_generator
from games.playthrough import random_actions

IDS = [id for id in games.env_ids(with_extras=True) if id.startswith("mujoco/")]
ASSETS = Path(gymnasium.__file__).parent / "envs/mujoco/assets"


def make(name, num_envs=1, **settings):
    batch = games.make_batch(f"mujoco/{name}_v0", num_envs, autoreset="disabled", **settings)
    batch.reset()
    return batch


def step(batch, motor=0.0, push=0.0):
    """One step of all envs, with the same share of motor and push in each direction."""
    for name, value in (("protagonist", motor), ("adversary", push)):
        actions = batch.groups[name].actions
        actions[:] = np.broadcast_to(np.asarray(value, np.float32), actions.shape[2:])
    batch.step()
    return batch.fields(0)


def start_in_the_air(batch, env=0):
    """Above the ground, as the model stands, at rest."""
    fields = batch.fields(env)
    qpos, qvel = np.zeros_like(fields["qpos"]), np.zeros_like(fields["qvel"])
    qpos[1] = 10.0
    batch.load_fields(env, {"qpos": qpos, "qvel": qvel})
    return batch


def reference_of(batch):
    """Gymnasium's own environment of the same task."""
    return gymnasium.make(batch.config.task, disable_env_checker=True).unwrapped


def momentum(env, fields):
    """Momentum along x, y and z of all bodies together, by MuJoCo's sums over them, kg m/s."""
    env.set_state(fields["qpos"], fields["qvel"])
    mujoco.mj_subtreeVel(env.model, env.data)
    return env.data.subtree_linvel[0] * env.model.body_subtreemass[0]


# ---- beside Gymnasium ----


@pytest.mark.parametrize("id", IDS)
def test_unpushed_robots_are_gymnasiums(id):
    """Same start, same actions: physics bit for bit, observations and rewards to the float32 that they are shown in."""
    batch = games.make_batch(id, 2, seed=3, first_env=5, horizon=40)
    env = reference_of(batch)
    group, generator, episode, ends = batch.groups["protagonist"], np.random.default_rng(0), 0, []
    batch.reset()
    env.np_random = episode_generator(3, 6, episode)
    seen, _ = env.reset()
    for _ in range(100):
        np.testing.assert_array_equal(group.observations[1, 0], seen.astype(np.float32))
        assert batch.fields(1)["qpos"].tobytes() == env.data.qpos.tobytes()
        assert batch.fields(1)["qvel"].tobytes() == env.data.qvel.tobytes()
        group.actions[:] = random_actions(group, generator)
        batch.step()
        seen, reward, is_terminated, _, info = env.step(group.actions[1, 0] * env.action_space.high)
        assert group.rewards[1, 0] == np.float32(reward) == -batch.groups["adversary"].rewards[1, 0]
        assert group.infos["x_velocity"][1, 0] == np.float32(info["x_velocity"])
        assert group.terminations[1, 0] == is_terminated
        if batch.ended[1]:
            episode += 1
            ends.append(is_terminated)
            np.testing.assert_array_equal(group.final_observations[1, 0], seen.astype(np.float32))
            env.np_random = episode_generator(3, 6, episode)
            seen, _ = env.reset()
    assert ends


def test_robots_have_the_bodies_that_settings_name():
    for id in IDS:
        env = reference_of(games.make_batch(id))
        named = tuple(env.model.body(number).name for number in range(1, env.model.nbody))
        assert ROBOTS[env.spec.id].bodies == named
        np.testing.assert_array_equal(env.action_space.low, -env.action_space.high)


def test_falling_terminates_and_the_time_limit_truncates():
    """A hopper without control has fallen after 100 steps; one that is not yet down after 10 is cut off."""
    flags = {}
    for horizon in (10, 200):
        batch = make("hopper", horizon=horizon)
        while not batch.ended[0]:
            step(batch)
        flags[horizon] = [
            [int(getattr(group, name)[0, 0]) for name in ("terminations", "truncations")]
            for group in batch.groups.values()
        ]
        steps = int(batch.episode_lengths[0])
    assert flags == {10: [[0, 1]] * 2, 200: [[1, 0]] * 2}
    at_last = make("hopper", horizon=steps)
    for _ in range(steps):
        step(at_last)
    assert at_last.groups["protagonist"].terminations[0, 0] == 1, "who falls in the last step has fallen"
    assert at_last.groups["protagonist"].truncations[0, 0] == 0


# ---- pushes ----


@pytest.mark.parametrize(
    ("name", "number", "error"), [("half_cheetah", 3, 1e-4), ("hopper", 1, 1e-6), ("walker2d", 2, 1e-6)]
)
def test_a_push_changes_momentum_by_force_times_time(name, number, error):
    """In the air, where nothing but weight acts from outside: F dt along x, (F - m g) dt along z, for every body.

    The cheetah is integrated by Euler's method, the others by Runge and Kutta's.
    """
    batch = start_in_the_air(make(name, force=3.0))
    env = reference_of(batch)
    before = momentum(env, batch.fields(0))
    after = momentum(env, step(batch, push=np.tile([1.0, -0.5], number)))
    mass = env.model.body_mass.sum()
    expected = np.array([3.0 * number, 0.0, -1.5 * number - 9.81 * mass]) * env.dt
    np.testing.assert_allclose(after - before, expected, rtol=error, atol=1e-9)
    infos = batch.groups["adversary"].infos
    assert [float(array[0, 0]) for array in infos.values()] == [3.0, -1.5] * number


def test_pushes_act_on_the_bodies_and_axes_that_settings_name():
    batch = make("half_cheetah", pushed=("bthigh", "torso"), axes="z", force=2.0)
    fields = step(batch, push=(1.0, -0.5))
    assert fields["forces"].tolist() == [[2.0], [-1.0]]
    applied = batch._core._bodies[0].data.xfrc_applied
    expected = np.zeros_like(applied)
    expected[2, 2], expected[1, 2] = 2.0, -1.0  # bthigh is the second body after the world
    np.testing.assert_array_equal(applied, expected)
    assert list(batch.groups["adversary"].infos) == ["force_bthigh_z", "force_torso_z"]


def test_planar_robots_do_not_feel_pushes_across_their_plane():
    pushed, calm = make("half_cheetah", axes="y", force=1000.0), make("half_cheetah")
    for _ in range(3):
        assert step(pushed, push=1.0)["qpos"].tolist() == step(calm)["qpos"].tolist()


def test_a_push_ends_with_its_step_and_with_the_episode():
    """The step after a push is that of an unpushed robot put in the same state; a new episode begins as without it."""
    batch, calm = make("walker2d", force=20.0), make("walker2d")
    fields = step(batch, push=1.0)
    calm.load_fields(0, {name: fields[name] for name in ("qpos", "qvel")})
    calm._core._bodies[0].load_physics(*batch._core._bodies[0].physics())  # the solver's warm start too
    assert step(batch)["qvel"].tobytes() == step(calm)["qvel"].tobytes()
    step(batch, push=1.0)
    batch.reset(seed=4)
    calm.reset(seed=4)
    assert not batch._core._bodies[0].data.xfrc_applied.any()
    assert step(batch)["qvel"].tobytes() == step(calm)["qvel"].tobytes()


def test_the_ants_agent_feels_pushes():
    """In the air its only external force is the push: Gymnasium shows it, after torques, from the 28th number on."""
    batch = make("ant", force=0.5)
    qpos = batch.fields(0)["qpos"]
    qpos[2] = 5.0
    batch.load_fields(0, {"qpos": qpos})
    step(batch, push=(1.0, -1.0, 0.5))
    assert batch.groups["protagonist"].observations[0, 0, 30:33].tolist() == [0.5, -0.5, 0.25]


def test_episodes_tell_how_far_and_how_hard():
    batch = make("swimmer", horizon=4, force=2.0)
    for share in (1.0, 0.5, 0.0, 0.0):
        fields = step(batch, push=(share, 0.0))
    statistics = {name: float(values[0]) for name, values in batch.episode_statistics.items()}
    assert statistics["mean_force"] == pytest.approx(3 / 4)
    assert statistics["distance"] == fields["qpos"][0]
    assert statistics["has_diverged"] == 0  # one that has stands below


# ---- masses and friction ----


def compiled(file, *changes):
    """MuJoCo's own compilation of a model with its text changed."""
    text = (ASSETS / file).read_text()
    for old, new in changes:
        assert text.count(old) == 1, f"{file} has {text.count(old)} of {old}"
        text = text.replace(old, new)
    return mujoco.MjModel.from_xml_string(text)


def assert_same_models(ours, expected):
    names = [name for name in dir(expected) if isinstance(getattr(expected, name), np.ndarray)]
    assert len(names) > 300
    for name in names:
        np.testing.assert_allclose(
            getattr(ours, name), getattr(expected, name), rtol=1e-9, atol=1e-12, err_msg=name, equal_nan=True
        )
    for name in ("meanmass", "meaninertia", "meansize"):
        assert getattr(ours.stat, name) == pytest.approx(getattr(expected.stat, name), rel=1e-9)


TORSO = 'name="torso_geom" size="0.05 0.19999999999999996" type="capsule"'
MODELS = {
    "a heavier torso": ("hopper", {"mass_scale": {"torso": 1.5}}, "hopper.xml", (TORSO, f'{TORSO} density="1500"')),
    "a lighter robot": (
        "half_cheetah",
        {"mass_scale": 0.5},
        "half_cheetah.xml",
        ('settotalmass="14"', 'settotalmass="7"'),
    ),
    "smooth ground": (
        "half_cheetah",
        {"friction_scale": 0.25},
        "half_cheetah.xml",
        ('friction=".4 .1 .1"', 'friction=".1 .025 .025"'),
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_scaled_model_is_the_one_that_mujoco_compiles(name):
    """Masses, inertias, and all that MuJoCo derives from them: every array of the model."""
    robot, changes, file, change = MODELS[name]
    batch = make(robot)
    set_parameters(batch, [changes])
    model = batch._core._bodies[0].model
    assert_same_models(model, compiled(file, change))
    nominal = reference_of(batch).model
    if "mass_scale" in changes:
        ratio = model.body_inertia[1] / nominal.body_inertia[1]
        np.testing.assert_allclose(ratio, model.body_mass[1] / nominal.body_mass[1], rtol=1e-12)


def test_scales_are_of_the_nominal_model():
    """Whatever an env had before: 2, then 3, is 3; 1 again is Gymnasium's, to the bit."""
    batch, fresh = make("walker2d"), make("walker2d")
    for scale in (2.0, 3.0):
        set_parameters(batch, [{"mass_scale": scale, "friction_scale": scale}])
    set_parameters(fresh, [{"mass_scale": 3.0, "friction_scale": 3.0}])
    for _ in range(5):
        assert step(batch, 0.3, 1.0)["qpos"].tobytes() == step(fresh, 0.3, 1.0)["qpos"].tobytes()
    set_parameters(batch, [{"mass_scale": 1.0, "friction_scale": 1.0}])
    nominal, model = reference_of(batch).model, batch._core._bodies[0].model
    for name in dir(nominal):
        if isinstance(getattr(nominal, name), np.ndarray):
            np.testing.assert_array_equal(getattr(model, name), getattr(nominal, name), err_msg=name)
    batch.reset()
    assert batch.fields(0)["mass_scales"].tolist() == [1.0] * 7


def test_twice_the_mass_is_half_the_speed():
    """In the air: the centre of mass of a robot of mass m gains F dt / m, whatever its joints do."""
    for scale in (1.0, 2.0):
        batch = start_in_the_air(make("hopper", mass_scale=scale, force=8.0))
        env = reference_of(batch)
        nominal = env.model.body_mass.sum()
        gained = momentum(env, step(batch, push=(1.0, 0.0)))[0] / nominal
        assert gained == pytest.approx(8.0 * env.dt / (scale * nominal), rel=1e-6)


def test_every_env_may_have_a_robot_of_its_own():
    grid = [{"mass_scale": {"torso": m}, "friction_scale": f, "force": 5.0} for m in (0.5, 1.5) for f in (0.5, 2.0)]
    batch = make("half_cheetah", 4)
    set_parameters(batch, grid)
    first = [batch.fields(env) for env in range(4)]
    for _ in range(20):
        step(batch, motor=0.7, push=0.3)
    for env, row in enumerate(grid):
        alone = make("half_cheetah", **row)
        alone.load_fields(0, first[env])
        for _ in range(20):
            fields = step(alone, motor=0.7, push=0.3)
        np.testing.assert_allclose(batch.fields(env)["qpos"], fields["qpos"], rtol=1e-6, atol=1e-9)


# ---- variants and contexts ----


def test_episodes_draw_robots_and_contexts():
    variants = [{"force": 2.0}, {"mass_scale": 2.0}, {"friction_scale": 0.5}]
    batch = make("swimmer", 60, variants=variants, contexts=(0.25, 0.5), shows_context=True)
    fields = [batch.fields(env) for env in range(60)]
    counts = np.bincount([f["variant"] for f in fields], minlength=3)
    assert np.abs(counts - 20).max() < 5 * np.sqrt(60 * 2 / 9)
    assert all(
        (f["force"], f["mass_scales"][0], f["friction_scale"])
        == {0: (2.0, 1.0, 1.0), 1: (1.0, 2.0, 1.0), 2: (1.0, 1.0, 0.5)}[f["variant"]]
        for f in fields
    )
    for group in batch.groups.values():
        assert sorted(set(group.observations[:, 0, -1].tolist())) == [0.25, 0.5]
        assert group.observations.shape[2] == 9
    batch.configure(contexts=(0.75,))
    batch.reset()
    assert set(batch.groups["protagonist"].observations[:, 0, -1].tolist()) == {0.75}


def test_a_context_may_scale_the_push():
    batch = make("hopper", contexts=(0.5,), context_scales_force=True, force=3.0)
    assert step(batch, push=(1.0, -1.0))["forces"].tolist() == [[1.5, -1.5]]
    batch.load_fields(0, {"context": 2.0})
    assert step(batch, push=(1.0, -1.0))["forces"].tolist() == [[6.0, -6.0]]


# ---- states ----


@pytest.mark.parametrize("name", ["ant", "humanoid", "half_cheetah"])
def test_a_snapshot_goes_on_exactly_in_another_batch(name):
    """Also where rewards and observations hold what the last step left: places of bodies, contact forces."""
    batch, other = make(name, 2, mass_scale=1.2, force=5.0), make(name, 1, mass_scale=1.2, force=5.0)
    for _ in range(5):
        step(batch, motor=0.5, push=0.5)
    other.load_state(0, batch.state_bytes(1))
    for _ in range(5):
        step(batch, motor=-0.5, push=1.0)
        step(other, motor=-0.5, push=1.0)
        assert other.state_bytes(0) == batch.state_bytes(1)
        for one, two in zip(other.groups.values(), batch.groups.values(), strict=True):
            assert one.observations[0].tobytes() == two.observations[1].tobytes()


def test_a_simulation_that_diverges_ends_its_episode(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # MuJoCo writes a log
    batch = make("half_cheetah")
    batch.load_fields(0, {"qvel": np.full(9, 9e9)})
    step(batch)
    for group in batch.groups.values():
        assert (group.rewards[0, 0], group.terminations[0, 0]) == (0, 1)
        assert np.isfinite(group.observations).all()
    assert batch.episode_statistics["has_diverged"].tolist() == [1]
    batch.reset()
    assert step(batch)["has_diverged"] == 0


# ---- bad input ----


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"task": "Hoper-v5"}, "did you mean 'Hopper-v5'"),
        ({"pushed": ("fot",)}, r"unknown body in pushed\[0\] of Hopper-v5 'fot'; did you mean 'foot'"),
        ({"pushed": ("foot", "foot")}, "pushed must be names of different bodies"),
        ({"pushed": "foot"}, "unknown body"),
        ({"axes": "zx"}, "axes"),
        ({"mass_scale": 0.0}, r"mass_scale must be a number in \[0.01, 100\] or such numbers by body, got 0.0"),
        ({"mass_scale": {"torso": -1}}, r"mass_scale\['torso'\] must be a number in \[0.01, 100\], got -1"),
        ({"mass_scale": {"tors": 1}}, "unknown body in mass_scale of Hopper-v5 'tors'; did you mean 'torso'"),
        ({"friction_scale": 1000.0}, "friction_scale"),
        ({"variants": [{"mass": 1.0}]}, r"unknown parameter in variants\[0\] 'mass'; did you mean 'mass_scale'"),
        ({"variants": [{}, {"force": -1}]}, r"variants\[1\]: force must be a number in \[0, 10000\], got -1"),
        ({"contexts": ()}, "contexts must be 1 to 64 numbers"),
    ],
)
def test_wrong_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        games.make_batch("mujoco/hopper_v0", **settings)


def test_wrong_parameters_change_no_env():
    batch = make("hopper", 2)
    with pytest.raises(ValueError, match="a row for each of 2 envs, got 1"):
        set_parameters(batch, [{}])
    with pytest.raises(ValueError, match=r"row 1: force must be a number in \[0, 10000\], got -2"):
        set_parameters(batch, [{"force": 2.0}, {"force": -2}])
    with pytest.raises(ValueError, match="unknown parameter in row 1 'forse'; did you mean 'force'"):
        set_parameters(batch, [{"force": 2.0}, {"forse": 2}])
    assert [batch.fields(env)["force"] for env in range(2)] == [1.0, 1.0]
    with pytest.raises(ValueError, match=r"must be of a robot of games.mujoco, got probe/everything_v0"):
        set_parameters(games.make_batch("probe/everything_v0"), [{}])


def test_mujoco_is_asked_for_when_it_is_needed(monkeypatch):
    code = "import sys, games; games.spec('mujoco/hopper_v0').config(); sys.exit('mujoco' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    monkeypatch.setitem(sys.modules, "mujoco", None)  # as where it is not installed
    with pytest.raises(ImportError, match=r"^Hopper-v5 needs MuJoCo: pip install 'agora\[mujoco\]'$"):
        games.make_batch("mujoco/hopper_v0")
