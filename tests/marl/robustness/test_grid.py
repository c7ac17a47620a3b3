"""Grids of bodies: cells in order, summaries by hand, and physics that must come out of them."""

import numpy as np
import pytest

from agents.swingers import ConstantPusher
from games.names import UnknownNameError
from marl.robustness.arena import Arena
from marl.robustness.grid import Axis, GridResult, evaluate_grid, fixed_ratio_grid, make_bodies, reference_grid

POINT_MASS = "control/point_mass_gap_v0"
UPWARDS = ConstantPusher((0.0, 1.0))


def test_cells_are_bodies_the_last_axis_fastest():
    axes = (Axis("masses", (1,), (0.2, 0.3)), Axis("masses", (0,), (2.0, 4.0)))
    bodies = make_bodies(Arena("control/cartpole_swingup_v0").config, axes)
    assert bodies == [{"masses": masses} for masses in ((2.0, 0.2), (4.0, 0.2), (2.0, 0.3), (4.0, 0.3))]
    both = make_bodies(Arena(POINT_MASS).config, [Axis("damping", (0, 1), (3.0,)), Axis("force", (), (7.0,))])
    assert both == [{"damping": (3.0, 3.0), "force": 7.0}]
    assert [axis.label for axis in (*axes, Axis("force", (), (1.0,)))] == ["masses[1]", "masses[0]", "force"]


def test_parts_with_names_leave_the_other_names_alone():
    """As of worlds whose parameters are mappings from bodies to scales."""
    body = {"scale": {"torso": 2.0}}
    Axis("scale", ("foot",), (3.0,)).put(body, Arena(POINT_MASS).config, 3.0)
    assert body == {"scale": {"torso": 2.0, "foot": 3.0}}


def test_summaries_by_hand():
    """15 cells of means 0 to 14, somewhere; the worst tenth are two of them, since 1.5 is rounded up."""
    axes = (Axis("force", (), (1.0, 2.0, 3.0)), Axis("motor", (), (10.0, 20.0, 30.0, 40.0, 50.0)))
    means = np.roll(np.arange(15.0), 7)
    result = GridResult(axes, means[:, None] + np.array([-1.0, 1.0]))
    assert result.cells.shape == (3, 5)
    assert (result.mean, result.worst_cell, result.worst_tenth) == (7.0, 0.0, 0.5)
    assert result.worst_values == (2.0, 30.0)  # cell 7 of 3 x 5


@pytest.mark.parametrize(
    ("name", "ends"),
    [
        ("acrobot_swingup", ((0.95, 1.05), (0.95, 1.05))),
        ("cartpole_balance", ((1.0, 20.0), (0.5, 1.5))),
        ("cartpole_swingup", ((0.05, 0.15), (0.5, 1.5))),
        ("pendulum_swingup", ((0.05, 0.15), (0.5, 1.5))),
    ],
)
def test_reference_grids_are_the_releases(name, ends):
    """Reddi et al. 2024, its code; the world's own body is in the middle of all but the balance's."""
    env_id = f"control/{name}_v0"
    axes, config = reference_grid(env_id), Arena(env_id).config
    assert [len(axis.values) for axis in axes] == [11, 11]
    assert [(axis.values[0], axis.values[-1]) for axis in axes] == list(ends)
    middle = make_bodies(config, axes)[60]
    assert np.allclose(middle["masses"], config.masses) == (name != "cartpole_balance")


@pytest.mark.parametrize("env_id", [POINT_MASS, "control/cartpole_swingup_v0"])
def test_grids_of_fixed_ratio_are_around_the_worlds_own_body(env_id):
    axes, config = fixed_ratio_grid(env_id, 4.0, 5), Arena(env_id).config
    for axis in axes:
        own = getattr(config, axis.parameter)[axis.parts[0]]
        np.testing.assert_allclose(axis.values, own * np.array([0.25, 0.5, 1, 2, 4]))


def test_grids_are_around_the_body_of_the_settings():
    settings = {"masses": (2.0, 0.3)}
    axes = fixed_ratio_grid("control/cartpole_swingup_v0", 2.0, 3, settings)
    np.testing.assert_allclose([axis.values for axis in axes], [(0.15, 0.3, 0.6), (1.0, 2.0, 4.0)])
    robot, friction = fixed_ratio_grid("mujoco/hopper_v0", 2.0, 3, {"mass_scale": {"foot": 3.0}, "friction_scale": 2.0})
    np.testing.assert_allclose([robot.values, friction.values], [(0.5, 1.0, 2.0), (1.0, 2.0, 4.0)])
    with pytest.raises(ValueError, match=r"damping: parts of one axis must be alike, got \(1.0, 2.0\)"):
        fixed_ratio_grid(POINT_MASS, 2.0, 3, {"damping": (1.0, 2.0)})


def test_a_grid_of_robots_has_the_robot_itself_in_its_middle():
    """Torso mass and friction from half to twice; each cell as a batch with these settings plays it."""
    arena = Arena("mujoco/hopper_v0", {"horizon": 30, "force": 20.0}, episodes=1)  # it lands on the way
    axes = fixed_ratio_grid(arena.env_id, 2.0, 3)
    assert [axis.label for axis in axes] == ["mass_scale[torso]", "friction_scale"]
    motor, push = ConstantPusher((0.3, -0.2, 0.1)), ConstantPusher((1.0, 0.5))
    result = evaluate_grid(arena, motor, axes, push)
    assert result.cells[1, 1] == arena.play(motor, push)
    assert len(set(result.cells.ravel().tolist())) == 9
    light_on_ice = arena.change(mass_scale={"torso": 0.5}, friction_scale=0.5)
    assert result.cells[0, 0] == pytest.approx(light_on_ice.play(motor, push).item(), rel=1e-6)


def test_a_heavier_or_more_damped_mass_gets_less_far():
    axes = (Axis("masses", (0,), (2.0, 5.0, 9.0)), Axis("damping", (0, 1), (0.0, 1.0, 4.0)))
    result = evaluate_grid(Arena(POINT_MASS, {"horizon": 40}, episodes=2), UPWARDS, axes)
    assert result.returns.shape == (9, 2)
    assert (np.diff(result.cells, axis=0) < 0).all()
    assert (np.diff(result.cells, axis=1) < 0).all()
    assert result.worst_values == (9.0, 4.0)


def test_what_is_no_grid_is_named():
    config = Arena(POINT_MASS).config
    with pytest.raises(ValueError, match="a grid needs at least 1 axis"):
        make_bodies(config, [])
    with pytest.raises(UnknownNameError, match=r"unknown parameter of control 'mases'; did you mean 'masses'\?"):
        make_bodies(config, [Axis("mases", (0,), (1.0,))])
    with pytest.raises(ValueError, match=r"masses\[2\]: the parameter has no such part, it is \(5.0, 1.0\)"):
        make_bodies(config, [Axis("masses", (2,), (1.0,))])
    heavy = Arena("mujoco/hopper_v0", {"mass_scale": 2.0}).config
    with pytest.raises(ValueError, match=r"mass_scale\[foot\]: the world's own must be 1, or a number .*, got 2.0"):
        make_bodies(heavy, [Axis("mass_scale", ("foot",), (1.0,))])
    with pytest.raises(ValueError, match=r"an axis needs finite values, force has \(\)"):
        Axis("force", (), ())
    with pytest.raises(UnknownNameError, match="unknown reference grid 'control/point_mass_gap_v0'"):
        reference_grid(POINT_MASS)
    with pytest.raises(UnknownNameError, match="world with a grid of fixed ratio"):
        fixed_ratio_grid("grid/trust_v0")
    with pytest.raises(ValueError, match="ratio must be above 1, got 1"):
        fixed_ratio_grid(POINT_MASS, 1)
