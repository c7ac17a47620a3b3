"""Rules of the particle worlds, worked by hand from the physics that README.md states."""

import numpy as np
import pytest

import games

SPREAD = "particles/simple_spread_v0"
STAY, LEFT, RIGHT, DOWN, UP = range(5)


def make(id=SPREAD, num_envs=1, **settings):
    batch = games.make_batch(id, num_envs, autoreset="disabled", **settings)
    batch.reset()
    return batch


def put(batch, agents, velocities=None, landmarks=None, env=0):
    fields = {"agent_positions": np.array(agents, float)}
    fields["agent_velocities"] = np.zeros_like(fields["agent_positions"])
    if velocities is not None:
        fields["agent_velocities"][:] = velocities
    if landmarks is not None:
        fields["landmark_positions"] = np.array(landmarks, float)
    batch.load_fields(env, fields)


def step(batch, *choices):
    batch.step(np.array([choices], np.int32))
    return batch.fields(0)


def contact(gap):
    """Speed that a step of contact gives to each of two bodies of radius 0.15, `gap` apart at their edges."""
    batch = make(num_agents=2, horizon=5)
    put(batch, [[0, 0], [0.3 + gap, 0]])
    velocities = step(batch, STAY, STAY)["agent_velocities"]
    assert velocities[0, 0] == -velocities[1, 0]
    assert not velocities[:, 1].any()
    return velocities[1, 0]


# ---- physics ----


def test_places_follow_the_velocity_before_the_step():
    batch = make(num_agents=1)
    put(batch, [[0, 0]])
    first = step(batch, RIGHT)
    assert first["agent_positions"].tolist() == [[0, 0]]
    assert first["agent_velocities"].tolist() == [[0.5, 0]]  # 5 * 0.1 s
    second = step(batch, UP)
    np.testing.assert_allclose(second["agent_positions"], [[0.05, 0]], rtol=1e-15)
    np.testing.assert_allclose(second["agent_velocities"], [[0.375, 0.5]], rtol=1e-15)


def test_places_follow_the_velocity_after_the_step_in_the_original():
    batch = make(num_agents=1, integrator="mpe")
    put(batch, [[0, 0]])
    np.testing.assert_allclose(step(batch, RIGHT)["agent_positions"], [[0.05, 0]], rtol=1e-15)
    np.testing.assert_allclose(step(batch, STAY)["agent_positions"], [[0.0875, 0]], rtol=1e-15)


@pytest.mark.parametrize(("choice", "direction"), [(LEFT, (-1, 0)), (RIGHT, (1, 0)), (DOWN, (0, -1)), (UP, (0, 1))])
def test_choices_push_along_their_axis(choice, direction):
    batch = make(num_agents=1)
    put(batch, [[0, 0]])
    np.testing.assert_array_equal(step(batch, choice)["agent_velocities"][0], 0.5 * np.array(direction))


def test_numbers_push_by_their_differences():
    batch = make(num_agents=1, continuous_actions=True)
    put(batch, [[0, 0]])
    batch.step(np.array([[[1, 0.25, 1, 0.5, 0]]], np.float32))  # the first number does nothing
    np.testing.assert_allclose(batch.fields(0)["agent_velocities"], [[0.375, -0.25]], rtol=1e-15)


def test_speed_converges_to_push_over_damping():
    batch = make(num_agents=1, horizon=200)
    put(batch, [[-100, 0]])
    for _ in range(150):
        fields = step(batch, RIGHT)
    np.testing.assert_allclose(fields["agent_velocities"], [[2, 0]], rtol=1e-12)  # 0.5 / 0.25


def test_bodies_that_touch_push_with_the_logarithm_of_two():
    assert contact(0.0) == pytest.approx(100 * 0.001 * np.log(2) * 0.1, rel=1e-12)


def test_bodies_that_overlap_push_in_proportion():
    assert contact(-0.1) == pytest.approx(100 * 0.1 * 0.1, rel=1e-12)
    assert contact(-0.25) == pytest.approx(100 * 0.25 * 0.1, rel=1e-12)


def test_contact_is_soft_as_numpy_says():
    for gap in [*np.linspace(-0.02, 0.05, 141), *np.linspace(0.06, 0.109, 64)]:
        distance = (0.3 + gap) - 0.0
        expected = np.logaddexp(0, -(distance - 0.3) / 1e-3) * 1e-3 * 100 * 0.1
        assert contact(gap) == pytest.approx(expected, rel=1e-12), gap


def test_bodies_far_apart_do_not_push_at_all():
    assert 0 < contact(0.109) < 1e-48
    assert contact(0.111) == 0
    assert np.float32(np.logaddexp(0, -110) * 1e-3 * 100 * 0.1) == 0  # what is left out, nobody could see


def test_bodies_in_one_place_do_not_push_each_other():
    batch = make(num_agents=2)
    put(batch, [[0.5, 0.5], [0.5, 0.5]])
    fields = step(batch, STAY, LEFT)
    assert fields["agent_velocities"].tolist() == [[0, 0], [-0.5, 0]]
    assert batch.infos["collisions"].tolist() == [[1, 1]]


def test_contact_forces_sum_to_nothing():
    rng = np.random.default_rng(1)
    batch = make(num_agents=8)
    put(batch, rng.uniform(-0.3, 0.3, (8, 2)))
    fields = step(batch, *[STAY] * 8)
    assert np.abs(fields["agent_velocities"]).max() > 1
    np.testing.assert_allclose(fields["agent_velocities"].sum(axis=0), 0, atol=1e-13)


def test_energy_of_a_glide_decays_by_the_damping():
    batch = make(num_agents=3)
    put(batch, [[-50, 0], [0, 0], [50, 0]], np.random.default_rng(0).normal(size=(3, 2)))
    energy = (batch.fields(0)["agent_velocities"] ** 2).sum()
    for _ in range(10):
        now = (step(batch, STAY, STAY, STAY)["agent_velocities"] ** 2).sum()
        assert now == pytest.approx(energy * 0.75**2, rel=1e-12)
        energy = now


def test_nobody_leaves_the_plane():
    batch = make(num_agents=1, horizon=20)
    put(batch, [[999.99, 0]], [[1000, 0]])
    for _ in range(10):
        fields = step(batch, RIGHT)
    assert fields["agent_positions"].tolist() == [[1000, 0]]


# ---- symmetry ----


@pytest.mark.parametrize("seed", range(3))
def test_agents_that_change_places_change_everything_else_alike(seed):
    n, rng = 6, np.random.default_rng(seed)
    order, places = rng.permutation(n), rng.uniform(-0.6, 0.6, (n, 2))
    landmarks = rng.uniform(-1, 1, (n, 2))
    one, other = (make(num_agents=n) for _ in range(2))
    put(one, places, landmarks=landmarks)
    put(other, places[order], landmarks=landmarks)
    for _ in range(20):
        choices = rng.integers(0, 5, n).astype(np.int32)
        one.step(choices[None])
        other.step(choices[order][None])
        for name in ("agent_positions", "agent_velocities"):
            np.testing.assert_allclose(other.fields(0)[name], one.fields(0)[name][order], atol=1e-9)
        np.testing.assert_allclose(other.rewards[0], one.rewards[0][order], rtol=1e-6)
        own, landmarks_seen = 4, 2 * n
        np.testing.assert_allclose(
            other.observations[0, :, : own + landmarks_seen],
            one.observations[0, order, : own + landmarks_seen],
            atol=1e-6,
        )


# ---- simple_spread ----


def test_spread_pays_for_the_nearest_agents_and_for_collisions():
    batch = make(num_agents=3, local_ratio=0.25)
    # Distances of the nearest agents: 0.3 (agent 0), 0.4 (agent 0), 1 (agent 2). Agents 0 and 1 overlap.
    put(batch, [[0, 0], [-0.2, 0], [5, 5]], landmarks=[[0.3, 0], [0, 0.4], [5, 6]])
    step(batch, STAY, STAY, STAY)
    np.testing.assert_allclose(batch.rewards[0], [-0.75 * 1.7 - 0.25, -0.75 * 1.7 - 0.25, -0.75 * 1.7], rtol=1e-6)
    assert batch.infos["collisions"].tolist() == [[1, 1, 0]]
    np.testing.assert_allclose(batch.infos["distance"], [[1.7] * 3], rtol=1e-6)


def test_spread_shows_itself_the_landmarks_and_the_others():
    batch = make(num_agents=3)
    put(batch, [[1, 2], [3, 5], [-1, 0]], [[0.5, 0.25], [0, 0], [0, 0]], [[0, 0], [1, 1], [2, 4]])
    expected = [0.5, 0.25, 1, 2, -1, -2, 0, -1, 1, 2, 2, 3, -2, -2, 0, 0, 0, 0]
    assert batch.observations[0, 0].tolist() == expected


def test_spread_can_end_when_every_landmark_is_occupied():
    batch = make(num_agents=2, terminate_on_success=True)
    put(batch, [[0, 0], [1, 0]], landmarks=[[0, 0.2], [1, 0.05]])
    step(batch, STAY, STAY)
    assert batch.infos["occupied"].tolist() == [[1, 1]]
    assert not batch.ended[0]
    put(batch, [[0, 0.11], [1, 0]], landmarks=[[0, 0.2], [1, 0.05]])
    step(batch, STAY, STAY)
    assert batch.terminations.tolist() == [[1, 1]]
    assert batch.truncations.tolist() == [[0, 0]]
    assert batch.episode_statistics["distance"][0] == pytest.approx(0.14)


def test_everybody_is_truncated_at_the_horizon():
    batch = make(horizon=2)
    step(batch, STAY, STAY, STAY)
    assert not batch.truncations.any()
    step(batch, STAY, STAY, STAY)
    assert batch.truncations.all()
    assert not batch.terminations.any()


# ---- other scenarios ----


def act(batch, **choices):
    """Steps with a choice for each agent of each group."""
    batch.step({name: np.array([row], np.int32) for name, row in choices.items()})
    return {name: group.rewards[0].tolist() for name, group in batch.groups.items()}


def test_tag_pays_all_adversaries_for_a_touch_and_the_agent_for_leaving():
    batch = make("particles/simple_tag_v0", num_obstacles=1)
    far = [[5, 5]]
    put(batch, [[0.8, 0], [-0.5, 0], [0, 0.5], [0.9, 0]], landmarks=far)
    rewards = act(batch, adversaries=[STAY] * 3, agents=[STAY])
    assert rewards == {"adversaries": [10, 10, 10], "agents": [-10]}  # 0.1 apart, radii 0.125; 0.9 costs nothing yet
    put(batch, [[0.5, 0], [0, 0], [0, 0.5], [0.95, -1.25]], landmarks=far)
    rewards = act(batch, adversaries=[STAY] * 3, agents=[STAY])
    assert rewards["adversaries"] == [0, 0, 0]
    assert rewards["agents"] == pytest.approx([-0.5 - np.exp(0.5)])
    put(batch, [[0.5, 0], [0, 0], [0, 0.5], [-30, 2]], landmarks=far)
    assert act(batch, adversaries=[STAY] * 3, agents=[STAY])["agents"] == pytest.approx([-10 - np.exp(2)])


def test_tag_has_speed_limits_that_keep_the_direction():
    batch = make("particles/simple_tag_v0", num_adversaries=1, num_obstacles=0)
    put(batch, [[-50, 0], [50, 0]], [[3, 4], [3, 4]])
    act(batch, adversaries=[STAY], agents=[STAY])
    np.testing.assert_allclose(batch.fields(0)["agent_velocities"], [[0.6, 0.8], [0.78, 1.04]], rtol=1e-12)


def test_obstacles_push_and_are_not_pushed():
    batch = make("particles/simple_tag_v0", num_adversaries=1, num_obstacles=1)
    put(batch, [[0.2, 0], [50, 0]], landmarks=[[0, 0]])
    act(batch, adversaries=[STAY], agents=[STAY])
    fields = batch.fields(0)
    assert fields["agent_velocities"][0, 0] == pytest.approx(100 * 0.075 * 0.1)  # radii 0.275, 0.2 apart
    assert not fields["landmark_positions"].any()


def test_tag_can_end_when_everybody_is_caught_at_once():
    batch = make("particles/simple_tag_v0", num_agents=2, num_adversaries=2, num_obstacles=0, terminate_on_success=True)
    put(batch, [[0, 0], [1, 0], [0, 0.1], [1, 0.2]])
    act(batch, adversaries=[STAY, STAY], agents=[STAY, STAY])
    assert not batch.ended[0]
    put(batch, [[0, 0], [1, 0], [0, 0.1], [1, 0.1]])
    act(batch, adversaries=[STAY, STAY], agents=[STAY, STAY])
    assert all(group.terminations.all() for group in batch.groups.values())


def test_an_adversary_and_agents_share_one_distance_with_opposite_signs():
    batch = make("particles/simple_adversary_v0")
    put(batch, [[0, 3], [0, 1], [0, 2]], landmarks=[[5, 5], [0, 0]])
    batch.load_fields(0, {"goals": np.array([1], np.int32)})
    assert act(batch, adversaries=[STAY], agents=[STAY, STAY]) == {"adversaries": [-3], "agents": [2, 2]}
    assert batch.groups["agents"].observations[0, 0].tolist() == [0, -1, 5, 4, 0, -1, 0, 2, 0, 1]
    assert batch.groups["adversaries"].observations[0, 0].tolist() == [5, 2, 0, -3, 0, -2, 0, -1]


def test_a_listener_hears_the_word_of_the_step_before():
    batch = make("particles/simple_speaker_listener_v0")
    put(batch, [[9, 9], [1, 0]], landmarks=[[1, 2], [0, 0], [3, 3]])
    batch.load_fields(0, {"goals": np.array([0], np.int32)})
    np.testing.assert_array_equal(batch.groups["speakers"].observations[0, 0], np.float32([0.65, 0.15, 0.15]))
    assert act(batch, speakers=[2], listeners=[LEFT]) == {"speakers": [-4], "listeners": [-4]}
    heard = batch.groups["listeners"].observations[0, 0]
    assert heard.tolist() == [-0.5, 0, 0, 2, -1, 0, 2, 3, 0, 0, 1]
    assert batch.fields(0)["agent_positions"][0].tolist() == [9, 9]  # speakers do not move


def test_words_and_moves_share_one_choice():
    batch = make("particles/simple_reference_v0")
    put(batch, [[0, 0], [1, 1]])
    batch.step(np.array([[5 * 7 + RIGHT, 5 * 0 + DOWN]], np.int32))
    fields = batch.fields(0)
    assert fields["agent_velocities"].tolist() == [[0.5, 0], [0, -0.5]]
    assert np.flatnonzero(fields["messages"]).tolist() == [7, 10]
    assert np.flatnonzero(batch.observations[0, 1, 11:]).tolist() == [7]  # agent 1 hears agent 0


def test_eve_pays_for_what_she_guesses_wrong():
    batch = make("particles/simple_crypto_v0")
    batch.load_fields(0, {"goals": np.array([1, 0], np.int32)})
    assert act(batch, eve=[0], bob=[1], alice=[3]) == {"eve": [-2], "bob": [2], "alice": [2]}
    assert act(batch, eve=[1], bob=[2], alice=[0]) == {"eve": [0], "bob": [-2], "alice": [-2]}
    assert batch.groups["alice"].observations[0, 0].tolist() == [0, 1, 0, 0, 1, 0, 0, 0]
    assert batch.groups["bob"].observations[0, 0].tolist() == [1, 0, 0, 0, 1, 0, 0, 0]


def test_forests_hide_from_all_but_the_leader():
    batch = make("particles/simple_world_comm_v0", num_adversaries=2, num_agents=1, num_forests=1, num_obstacles=0)
    put(batch, [[0, 0], [0.5, 0.5], [3, 3]], landmarks=[[9, 9], [9, 8], [3, 3.1]])  # the agent is in the forest
    offset = slice(4 + 6 + 2, 4 + 6 + 4)  # of the agent, behind the other adversary
    assert batch.groups["leaders"].observations[0, 0, offset].tolist() == [3, 3]
    assert batch.groups["adversaries"].observations[0, 0, offset].tolist() == [0, 0]
    put(batch, [[0, 0], [3, 3.25], [3, 3]], landmarks=[[9, 9], [9, 8], [3, 3.1]])  # both are
    assert batch.groups["adversaries"].observations[0, 0, offset].tolist() == [0, -0.25]


@pytest.mark.parametrize("id", [id for id in games.env_ids() if id.startswith("particles/")])
def test_starts_are_uniform_in_their_squares(id):
    batch = make(id, num_envs=300)
    states = [batch.fields(env) for env in range(300)]
    agents = np.concatenate([state["agent_positions"] for state in states])
    landmarks = np.concatenate([state["landmark_positions"] for state in states])
    area = 0.9 if any(name in id for name in ("tag", "world", "grassland", "adversarial_v0", "food")) else 1
    area = 0.95 if "treasure" in id else area
    for places, half in ((agents, 1), (landmarks, area)):
        assert np.abs(places).max() < half
        assert np.abs(places).max() > 0.97 * half
        np.testing.assert_allclose(places.mean(axis=0), 0, atol=4 * half / np.sqrt(3 * len(places)))
    if "goals" in states[0]:
        counts = np.bincount(np.concatenate([state["goals"] for state in states]), minlength=2)
        assert counts.min() > 0.7 * counts.mean()


@pytest.mark.parametrize("scenario", ["simple_spread", "simple_tag", "simple_push", "simple_world_comm"])
def test_bodies_are_drawn_as_large_as_they_are(scenario):
    """Two discs of the sizes that Python draws push each other with the logarithm of two: they touch, just so."""
    batch = make(f"particles/{scenario}_v0")
    config = batch.config
    sizes = [body.radius for body in config.agent_bodies for _ in range(body.count)]
    for other in range(1, len(sizes)):
        places = np.array([[10.0 * k, 50] for k in range(len(sizes))])
        places[0], places[other] = (0, 0), (sizes[0] + sizes[other], 0)
        put(batch, places, landmarks=np.full_like(batch.fields(0)["landmark_positions"], -50))
        batch.step()
        velocity = batch.fields(0)["agent_velocities"][0]
        np.testing.assert_allclose(velocity, [-100 * 0.001 * np.log(2) * 0.1, 0], rtol=1e-9)


@pytest.mark.parametrize("id", [id for id in games.env_ids() if id.startswith("particles/")])
def test_every_disc_has_a_body_to_draw(id):
    batch = make(id)
    for bodies, places in ((batch.config.agent_bodies, "agent"), (batch.config.landmark_bodies, "landmark")):
        assert sum(body.count for body in bodies) == len(batch.fields(0)[f"{places}_positions"])


# ---- populations ----


def test_populations_are_drawn_from_the_sizes_that_are_named():
    batch = make(num_envs=400, num_agents=6, populations=(2, 5))
    sizes = batch.alive.sum(axis=1)
    assert sorted(set(sizes.tolist())) == [2, 5]
    assert 150 < (sizes == 2).sum() < 250
    for env in range(20):
        fields = batch.fields(env)
        assert fields["population"] == sizes[env] == fields["landmarks_present"].sum()
        assert fields["alive"].tolist() == batch.alive[env].tolist() == [1] * sizes[env] + [0] * (6 - sizes[env])


def test_an_episode_of_a_population_is_that_of_a_smaller_world():
    rng = np.random.default_rng(4)
    large, small = make(num_agents=5, populations=(3,)), make(num_agents=3)
    large.load_fields(0, {"agent_velocities": np.zeros((5, 2))})
    fields = large.fields(0)
    put(small, fields["agent_positions"][:3] * 0.4, landmarks=fields["landmark_positions"][:3])
    large.load_fields(0, {"agent_positions": fields["agent_positions"] * 0.4})
    for _ in range(25):
        choices = rng.integers(0, 5, (1, 5)).astype(np.int32)
        large.step(choices)
        small.step(np.ascontiguousarray(choices[:, :3]))
        np.testing.assert_array_equal(large.rewards[0], [*small.rewards[0], 0, 0])
        assert not large.observations[0, 3:].any()
        seen, expected = large.observations[0, :3], small.observations[0]
        np.testing.assert_array_equal(seen[:, :10], expected[:, :10])  # itself and 3 landmarks
        np.testing.assert_array_equal(seen[:, 14:18], expected[:, 10:14])  # behind 5 landmarks: the 2 others
        assert not seen[:, 18:30].any()
        np.testing.assert_array_equal(seen[:, 30:], [[1, 1, 1, 0, 0, 1, 1, 0, 0]] * 3)  # who is there
    assert large.ended[0]
    assert large.truncations.tolist() == [[1, 1, 1, 0, 0]]


def test_the_nearest_are_seen_first_and_empty_places_are_zero():
    batch = make(num_agents=4, populations=(3,), num_agent_neighbors=3, num_landmark_neighbors=1)
    put(batch, [[0, 0], [0.9, 0], [0, 0.5], [0, 0.1]], landmarks=[[1, 1], [0, 0.25], [2, 2], [0, 0]])
    own = [0, 0, 0, 0]
    assert batch.observations[0, 0].tolist() == [*own, 0, 0.25, 0, 0.5, np.float32(0.9), 0, 0, 0, *[0] * 6, 1, 1, 1, 0]


def test_packs_of_tag_are_drawn_in_pairs():
    batch = make("particles/simple_tag_v0", num_envs=60, num_agents=2, populations=((1, 2), (3, 1)))
    sizes = {
        (int(hunters.sum()), int(agents.sum()))
        for hunters, agents in zip(batch.groups["adversaries"].alive, batch.groups["agents"].alive, strict=True)
    }
    assert sizes == {(1, 2), (3, 1)}


def test_the_goal_is_among_the_landmarks_that_are_there():
    batch = make("particles/simple_adversary_v0", num_envs=60, num_agents=6, populations=(1, 2))
    for env in range(60):
        fields = batch.fields(env)
        assert fields["landmarks_present"].sum() == fields["population"] - 1
        assert fields["landmarks_present"][fields["goals"][0]]


def test_an_episode_without_anybody_is_over():
    batch = make()
    batch.load_fields(0, {"alive": np.zeros(3, np.uint8)})
    assert not batch.observations.any()
    step(batch, RIGHT, RIGHT, RIGHT)
    assert batch.ended[0]
    assert not batch.rewards.any()
    assert not (batch.truncations | batch.terminations).any()


# ---- refusals ----


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_agents": 0}, "num_agents must be a whole number in \\[1, 64\\], got 0"),
        ({"num_agents": 65}, "num_agents"),
        ({"local_ratio": 1.5}, "local_ratio must be a number in \\[0, 1\\]"),
        ({"populations": (4,)}, "populations must be None or a sequence, each a whole number in \\[1, 3\\], got"),
        ({"populations": ()}, "populations"),
        ({"populations": 3}, "populations"),
        ({"populations": (1.5,)}, "populations"),
        ({"num_agent_neighbors": 0}, "num_agent_neighbors"),
        ({"integrator": "euler"}, "integrator"),
        ({"num_landmarks": 2}, "num_landmarks"),
    ],
)
def test_impossible_settings_are_refused(settings, message):
    with pytest.raises((ValueError, KeyError), match=message):
        games.make_batch(SPREAD, **settings)


@pytest.mark.parametrize(
    ("id", "settings", "message"),
    [
        ("simple_tag", {"num_agents": 30, "num_adversaries": 40}, "all agents together must be at most 64, got 70"),
        (
            "simple_tag",
            {"populations": (1, 2)},
            "tuples \\(a whole number in \\[1, 3\\], a whole number in \\[1, 1\\]\\)",
        ),
        ("simple_tag", {"populations": ((3, 2),)}, "populations"),
        ("simple_adversary", {"num_agents": 64}, "num_agents"),
        ("simple_world_comm", {"num_adversaries": 1}, "num_adversaries"),
        ("simple_world_comm", {"num_food": 60, "num_forests": 5}, "at most 64 together, got 66"),
        ("simple_push", {"populations": (1,)}, "populations"),
        ("simple_speaker_listener", {"local_ratio": 0.5}, "local_ratio"),
    ],
)
def test_impossible_casts_are_refused(id, settings, message):
    with pytest.raises((ValueError, KeyError), match=message):
        games.make_batch(f"particles/{id}_v0", **settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("agent_positions", np.full((3, 2), 1001.0)),
        ("landmark_positions", np.full((3, 2), np.nan)),
        ("agent_velocities", np.full((3, 2), -np.inf)),
        ("alive", np.full(3, 2, np.uint8)),
        ("steps", 26),
        ("collisions", -1),
        ("population", 4),
    ],
)
def test_impossible_states_are_refused(name, value):
    batch = make()
    with pytest.raises(ValueError, match="must be"):
        batch.load_fields(0, {name: value})


def test_collisions_stop_counting_before_they_overflow():
    batch = make(num_agents=2)
    put(batch, [[0, 0], [0.1, 0]])
    batch.load_fields(0, {"collisions": 2**31 - 2})
    assert step(batch, STAY, STAY)["collisions"] == 2**31 - 1
    assert step(batch, STAY, STAY)["collisions"] == 2**31 - 1
