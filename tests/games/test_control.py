"""Bodies under control: their motion against equations derived anew, rewards, wind and walls by hand, bad input.

Beside MuJoCo they are tested in tests/parity/control.
"""

import math

import numpy as np
import pytest
import sympy
from scipy.integrate import solve_ivp

import games
from games.control import set_parameters

FREE = {"damping": (0.0, 0.0)}


def make(name, num_envs=1, **settings):
    batch = games.make_batch(f"control/{name}_v0", num_envs, autoreset="disabled", **settings)
    batch.reset()
    return batch


def start(batch, coordinates, speeds=(0.0, 0.0), env=0):
    fields = batch.fields(env)
    fields["coordinates"][: len(coordinates)] = coordinates
    fields["speeds"][: len(speeds)] = speeds
    batch.load_fields(env, fields)
    return batch


def step(batch, motor=0.0, push=0.0):
    """One step of all envs, with the same share of motor and push in each direction."""
    for name, value in (("protagonist", motor), ("adversary", push)):
        actions = batch.groups[name].actions
        actions[:] = np.broadcast_to(np.asarray(value, np.float32), actions.shape[2:])
    batch.step()
    return batch.fields(0)


# ---- motion ----

T, G = sympy.Symbol("t"), sympy.Rational(981, 100)


def capsule(mass, length, radius):
    """The inertia across a capsule, by integrating discs of a density along it."""
    x = sympy.Symbol("x")
    area = sympy.pi * radius**2
    cap = sympy.pi * (radius**2 - x**2)
    volume = area * length + 2 * sympy.integrate(cap, (x, 0, radius))
    disc = sympy.pi * radius**4 / 4 + area * x**2
    cylinder = 2 * sympy.integrate(disc, (x, 0, length / 2))
    ends = 2 * sympy.integrate(sympy.pi * (radius**2 - x**2) ** 2 / 4 + cap * (x + length / 2) ** 2, (x, 0, radius))
    return mass / volume * (cylinder + ends)


def bodies(task):
    """Positions and angles of the links by the coordinates: (mass, inertia, x, z, angle) of each."""
    q = [sympy.Function(name)(T) for name in ("q0", "q1")]
    point, tenth, one = sympy.Rational(1, 2), sympy.Rational(1, 10), sympy.Integer(1)
    if task == "cartpole":
        pole = capsule(tenth, one, sympy.Rational(45, 1000))
        x, z = q[0] + point * sympy.sin(q[1]), point * sympy.cos(q[1])
        return q, [(one, 0, q[0], 0, 0), (tenth, pole, x, z, q[1])]
    upper, lower = capsule(one, one, sympy.Rational(5, 100)), capsule(one, one, sympy.Rational(49, 1000))
    elbow = (sympy.sin(q[0]), sympy.cos(q[0]))
    whole = q[0] + q[1]
    tip = (elbow[0] + point * sympy.sin(whole), elbow[1] + point * sympy.cos(whole))
    return q, [(one, upper, point * elbow[0], point * elbow[1], q[0]), (one, lower, *tip, whole)]


def equations(task):
    """Returns accelerations by Lagrange's equations, and the energy, as functions of (q0, q1, v0, v1)."""
    q, links = bodies(task)
    v = [coordinate.diff(T) for coordinate in q]
    kinetic = sum(m * (x.diff(T) ** 2 + sympy.sympify(z).diff(T) ** 2) / 2 for m, _, x, z, _ in links)
    kinetic += sum(i * sympy.sympify(angle).diff(T) ** 2 / 2 for _, i, _, _, angle in links)
    potential = sum(m * G * z for m, _, _, z, _ in links)
    lagrangian = kinetic - potential
    forces = [lagrangian.diff(speed).diff(T) - lagrangian.diff(place) for place, speed in zip(q, v, strict=True)]
    names = sympy.symbols("a b c d e f")
    swap = [(q[i].diff(T, 2), names[4 + i]) for i in range(2)]
    swap += [(v[i], names[2 + i]) for i in range(2)] + [(q[i], names[i]) for i in range(2)]
    solved = sympy.solve([force.subs(swap) for force in forces], names[4:], dict=True)[0]
    accelerations = sympy.lambdify(names[:4], [solved[name] for name in names[4:]])
    return accelerations, sympy.lambdify(names[:4], (kinetic + potential).subs(swap))


@pytest.mark.parametrize("task", ["cartpole", "acrobot"])
def test_free_bodies_move_by_lagranges_equations_and_keep_their_energy(task):
    """Derived by sympy from where the links are, and integrated to 1e-12; ours takes steps of 1 ms."""
    accelerations, energy = equations(task)
    first = np.array([0.2, 2.1, 0.3, -0.8])
    batch = start(make(f"{task}_swingup", timestep=1e-3, **FREE), first[:2], first[2:])
    exact = solve_ivp(
        lambda _, y: [y[2], y[3], *accelerations(*y)], (0, 0.5), first, method="DOP853", rtol=1e-12, atol=1e-12
    )
    for _ in range(500):
        fields = step(batch)
    ours = np.concatenate([fields["coordinates"], fields["speeds"]])
    np.testing.assert_allclose(ours, exact.y[:, -1], rtol=0, atol=1e-9)
    assert energy(*ours) == pytest.approx(energy(*first), abs=1e-9)


@pytest.mark.parametrize(("follows", "factor"), [(True, 4.0), (False, 1.0)])
def test_a_heavier_link_has_more_inertia_or_keeps_it(follows, factor):
    """From hanging at rest a torque u turns the pendulum by u dt / I: I = I_own + m_pole l^2 / 4 + m_bob l^2, of which
    I_own, about the links' middles, grows with the masses or not."""
    masses, heavy, length = np.array([0.1, 1.0]), np.array([0.4, 4.0]), 0.5
    pole = float(capsule(sympy.Rational(1, 10), sympy.Rational(1, 2), sympy.Rational(2, 100)))
    own = pole + 2 / 5 * masses[1] * 0.05**2
    batch = make("pendulum_swingup", variants=[{"masses": tuple(heavy)}], inertia_follows_mass=follows, **FREE)
    start(batch, (math.pi,), (0.0,))
    inertia = factor * own + heavy[0] * length**2 / 4 + heavy[1] * length**2
    assert step(batch, motor=1.0)["speeds"][0] == pytest.approx(0.02 / inertia, rel=1e-9)


def test_damping_takes_energy_as_its_equation_says():
    """A pendulum without weight on its lever, v' = -b v / I: after 100 steps of 1 ms, exp(-b t / I) to first order."""
    batch = make("pendulum_swingup", timestep=1e-3, damping=(0.1, 0.0), motor=0.0)
    start(batch, (math.pi,), (0.0,))
    fields = batch.fields(0)
    assert fields["speeds"][0] == 0
    start(batch, (math.pi,), (1e-3,))
    for _ in range(100):
        fields = step(batch)
    inertia = 0.1 * 0.25 / 3 + 0.25
    swing = math.sqrt((0.05 * 0.5 + 0.5) * 9.81 / inertia)
    expected = 1e-3 * math.exp(-0.1 * 0.1 / 2 / inertia) * math.cos(swing * 0.1)
    assert fields["speeds"][0] == pytest.approx(expected, rel=0.02)


def test_pushes_act_at_the_centre_of_mass():
    """The hanging pendulum's is at (m_pole / 2 + m_bob) l / m = 0.4773 m: 1 N across turns it by 0.4773 dt / I."""
    batch = start(make("pendulum_swingup", **FREE), (math.pi,), (0.0,))
    alone = start(make("pendulum_swingup", **FREE), (math.pi,), (0.0,))
    torque = (0.05 + 1.0) * 0.5 / 1.1
    pushed = step(batch, push=(1.0, 0.0))["speeds"][0]
    assert pushed == pytest.approx(-torque * step(alone, motor=1.0)["speeds"][0], rel=1e-9)
    upright = start(make("pendulum_swingup", **FREE), (0.0,), (0.0,))
    assert step(upright, push=(0.0, -1.0))["speeds"][0] == 0  # along the pole


# ---- the point mass ----


def test_the_point_mass_by_hand():
    """From rest, ten steps of 10 ms: v' = (u - b v) / m with m = 5, b = 1, u = 1: v_n = 1 - 0.998^n."""
    fields = step(make("point_mass_gap"), motor=(1.0, 0.0))
    assert fields["speeds"] == pytest.approx([1 - 0.998**10, 0.0])
    assert fields["coordinates"] == pytest.approx([0.01 * sum(1 - 0.998**n for n in range(1, 11)), -1.5])


@pytest.mark.parametrize(
    ("name", "push", "expected"),
    [
        ("point_mass_gap", 1.0, (10.0, 0.0)),
        ("point_mass_gap", -0.5, (-5.0, 0.0)),
        ("point_mass_gap_left", 1.0, (0.0, 0.0)),
        ("point_mass_gap_left", -1.0, (-10.0, 0.0)),
        ("point_mass_gap_plane", (0.5, -1.0), (5.0, -10.0)),
    ],
)
def test_wind_blows_before_the_wall_alone(name, push, expected):
    here = start(make(name, substeps=1), (0.0, -0.5))
    fields = step(here, push=push)
    assert fields["forces"] == pytest.approx(expected)
    assert fields["speeds"] == pytest.approx(0.01 / 5 * np.array(expected))
    for y in (-1.2, 0.3):
        assert (step(start(make(name, substeps=1), (0.0, y)), push=push)["speeds"] == 0).all()


@pytest.mark.parametrize(("x", "passes"), [(0.49, True), (0.51, False), (-0.49, True), (-0.51, False)])
def test_only_the_gap_leads_through_the_wall(x, passes):
    for y, speed in ((-0.005, 1.0), (0.005, -1.0)):
        fields = step(start(make("point_mass_gap", substeps=1, **FREE), (x, y), (0.0, speed)))
        assert (np.sign(fields["coordinates"][1]) == np.sign(speed)) == passes or (not passes and y * speed < 0)
        assert (fields["coordinates"][1] >= 0) == ((y > 0) != passes)
        assert fields["speeds"][1] == (speed if passes else 0)


def test_the_box_has_sides_and_the_goal_ends_the_episode():
    """exp(-d) - 1 on the way, 0 within 0.1 of the goal."""
    at_side = step(start(make("point_mass_gap", **FREE), (1.99, -1.5), (1.0, 0.0)))
    assert at_side["coordinates"][0] == 2
    assert at_side["speeds"][0] == 0
    batch = start(make("point_mass_gap", **FREE), (0.0, 1.0))
    step(batch)
    assert batch.groups["protagonist"].rewards[0, 0] == pytest.approx(math.exp(-0.5) - 1)
    start(batch, (0.0, 1.42))
    step(batch)
    assert batch.groups["protagonist"].rewards[0, 0] == 0
    assert batch.groups["protagonist"].terminations[0, 0] == 1
    assert batch.episode_statistics["arrivals"].tolist() == [1]


# ---- rewards of the others ----


def test_the_pendulum_is_paid_within_eight_degrees():
    for degrees, expected in ((7.9, 1), (8.1, 0), (-7.9, 1), (180, 0)):
        batch = start(make("pendulum_swingup", timestep=1e-6), (math.radians(degrees),), (0.0,))
        step(batch)
        assert [batch.groups[name].rewards[0, 0] for name in ("protagonist", "adversary")] == [expected, -expected]


def test_the_cartpole_is_paid_for_four_things():
    """At 1 m, 60 degrees, 2.5 rad/s and half the motor: (1 + cos) / 2, (1 + 0.1^(1/4)) / 2 twice, (4 + 3/4) / 5."""
    batch = start(make("cartpole_swingup", timestep=1e-6), (1.0, math.pi / 3), (0.0, 2.5))
    step(batch, motor=0.5)
    bell = (1 + 0.1**0.25) / 2
    assert batch.groups["protagonist"].rewards[0, 0] == pytest.approx(0.75 * bell * bell * 0.95, abs=1e-4)


def test_the_acrobot_is_paid_by_the_distance_of_its_tip():
    """Within 0.2 m of the target 1; 0.1 at 1.2 m; hanging, 4 m away, 0.1^(3.8^2)."""
    for coordinates, expected in (((0.0, 0.0), 1.0), ((math.pi, 0.0), 0.1 ** (3.8**2))):
        batch = start(make("acrobot_swingup", timestep=1e-6), coordinates)
        step(batch)
        assert batch.groups["protagonist"].rewards[0, 0] == pytest.approx(expected, rel=1e-3)


# ---- parameters and contexts ----


def test_every_env_may_have_a_body_of_its_own():
    """A grid of 3 x 3 masses in one batch: each env does what a batch of that body alone does."""
    grid = [{"masses": (cart, pole)} for cart in (0.5, 1.0, 1.5) for pole in (0.05, 0.1, 0.15)]
    batch = make("cartpole_swingup", len(grid))
    for env in range(len(grid)):
        start(batch, (0.1, 3.0), env=env)
    set_parameters(batch, grid)
    for _ in range(50):
        step(batch, motor=0.7, push=0.3)
    for env, row in enumerate(grid):
        alone = start(make("cartpole_swingup", masses=row["masses"]), (0.1, 3.0))
        for _ in range(50):
            fields = step(alone, motor=0.7, push=0.3)
        assert batch.fields(env)["coordinates"].tolist() == fields["coordinates"].tolist()


def test_episodes_draw_bodies_and_contexts():
    variants = [{"force": 1.0}, {"force": 2.0}, {"masses": (0.1, 3.0)}]
    batch = make("pendulum_swingup", 3000, variants=variants, contexts=(0.25, 0.5), shows_context=True)
    fields = [batch.fields(env) for env in range(3000)]
    shares = np.bincount([f["variant"] for f in fields], minlength=3) / 3000
    assert np.abs(shares - 1 / 3).max() < 5 * math.sqrt(2 / 9 / 3000)
    assert all(f["masses"][1] == (3.0 if f["variant"] == 2 else 1.0) for f in fields)
    shown = batch.groups["adversary"].observations[:, 0, -1]
    assert sorted(set(shown.tolist())) == [0.25, 0.5]
    assert abs((shown == 0.5).mean() - 0.5) < 5 * math.sqrt(0.25 / 3000)
    batch.configure(contexts=(0.75,))
    batch.reset()
    assert set(batch.groups["protagonist"].observations[:, 0, -1].tolist()) == {0.75}


def test_a_context_may_scale_the_push():
    batch = make("pendulum_swingup", contexts=(0.5,), context_scales_force=True, force=3.0)
    assert step(batch, push=(1.0, -1.0))["forces"].tolist() == [1.5, -1.5]
    assert batch.groups["adversary"].infos["force_x"].tolist() == [[1.5]]


# ---- bad input ----


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"masses": (0.0, 1.0)}, r"masses must be 2 numbers in \[0.001, 1000\], got \(0.0, 1.0\)"),
        ({"lengths": (1.0,)}, "lengths must be 2 numbers"),
        ({"damping": (-1.0, 0.0)}, r"damping must be 2 numbers in \[0, 1000\]"),
        ({"force": math.nan}, "force"),
        ({"variants": [{"mass": 1.0}]}, r"unknown parameter in variants\[0\] 'mass'; did you mean 'masses'"),
        ({"variants": [{}, {"force": -1}]}, r"variants\[1\]\['force'\] must be a number in \[0, 10000\], got -1"),
        ({"contexts": ()}, "contexts must be 1 to 64 numbers"),
        ({"contexts": (math.inf,)}, "contexts must be 1 to 64 numbers"),
        ({"task": "unicycle"}, "task"),
        ({"wind": "up"}, "wind"),
        ({"timestep": 0.0}, "timestep"),
    ],
)
def test_wrong_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        games.make_batch("control/pendulum_swingup_v0", **settings)


def test_wrong_parameters_change_no_env():
    batch = make("pendulum_swingup", 2)
    with pytest.raises(ValueError, match="a row for each of 2 envs, got 1"):
        set_parameters(batch, [{}])
    with pytest.raises(ValueError, match=r"row 1: force must be a number in \[0, 10000\], got -2"):
        set_parameters(batch, [{"force": 2.0}, {"force": -2}])
    with pytest.raises(ValueError, match="unknown parameter in row 1 'forse'; did you mean 'force'"):
        set_parameters(batch, [{"force": 2.0}, {"forse": 2}])
    assert [batch.fields(env)["force"] for env in range(2)] == [1.0, 1.0]


def test_impossible_states_are_named():
    batch = make("point_mass_gap")
    with pytest.raises(ValueError, match=r"coordinates must be in \[-2, 2\], got 2.5"):
        start(batch, (2.5, 0.0))
    with pytest.raises(ValueError, match="speeds"):
        start(batch, (0.0, 0.0), (math.nan, 0.0))
