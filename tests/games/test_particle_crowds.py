"""Rules of the particle worlds with populations of many sizes, worked by hand from the tables of their README."""

import numpy as np
import pytest

import games
from games.particles import set_populations

STAY, LEFT, RIGHT, DOWN, UP = range(5)
IDS = [
    f"particles/{name}_v0"
    for name in ("resource_occupation", "treasure_collection", "grassland", "adversarial", "food_collection")
]


def make(id, num_envs=1, **settings):
    """A batch in which places stay where they are put for one step, since they follow the velocity before it."""
    batch = games.make_batch(f"particles/{id}_v0", num_envs, autoreset="disabled", **{"integrator": "mpe2"} | settings)
    batch.reset()
    return batch


def put(batch, agents, landmarks, **fields):
    places = {"agent_positions": np.array(agents, float), "landmark_positions": np.array(landmarks, float)}
    batch.load_fields(0, places | {name: np.array(value, np.uint8) for name, value in fields.items()})


def stay(batch):
    """Steps with everybody standing still; returns the rewards of env 0 by group."""
    batch.step({name: np.zeros(group.actions.shape, np.int32) for name, group in batch.groups.items()})
    return {name: group.rewards[0].tolist() for name, group in batch.groups.items()}


# ---- resource_occupation ----

FAR = [5, 5]
RESOURCES = [[0.2, 0], FAR, FAR, FAR, FAR, [0, 0]]  # the smallest, radius 0.05, on the largest, 0.3
SETTLERS = [[0.2, 0], [0, 0.3], [0.36, 0]]  # in both; in the large one; in none


@pytest.mark.parametrize(("is_shared", "expected"), [(False, [2, 1.5, 0]), (True, [3.5] * 3)])
def test_an_occupied_resource_pays_ten_radii_to_all_inside_together(is_shared, expected):
    batch = make("resource_occupation", num_agents=3, shared_reward=is_shared)
    put(batch, SETTLERS, RESOURCES)
    assert stay(batch)["agents"] == pytest.approx(expected)
    assert batch.infos["own"][0].tolist() == pytest.approx([2, 1.5, 0])
    assert batch.infos["occupied"].tolist() == [[2, 2, 2]]
    assert batch.fields(0)["collected"] == 2


def test_a_team_gets_ten_times_the_radii_of_what_it_occupies():
    rng, radii = np.random.default_rng(2), 0.05 * np.arange(1, 7)
    batch = make("resource_occupation", 40, num_agents=12, populations=range(3, 13), shared_reward=False)
    for _ in range(20):
        batch.step(rng.integers(0, 5, batch.actions.shape, dtype=np.int32))
        for env in range(0, 40, 5):
            fields = batch.fields(env)
            agents = fields["agent_positions"][fields["alive"] == 1]
            distances = np.linalg.norm(agents[:, None] - fields["landmark_positions"], axis=-1)
            occupied = (distances < radii + 0.05).any(axis=0)
            assert batch.rewards[env].sum() == pytest.approx(10 * radii[occupied].sum(), abs=1e-5)


def test_others_are_seen_with_what_they_see():
    batch = make("resource_occupation", num_agents=3)
    put(batch, SETTLERS, RESOURCES)
    batch.load_fields(0, {"agent_velocities": np.array([[0, 0], [0.5, -0.25], [0, 0]])})
    views = batch.config.layout.split(batch.observations)
    assert views.own[0, 1].tolist() == [0.5, -0.25, 0, np.float32(0.3)]
    np.testing.assert_allclose(views.landmarks[0, 0, [0, 5]], [[0, 0, 0.05], [-0.2, 0, 0.3]], rtol=1e-6)
    other = views.others[0, 0, 0]  # agent 1 as agent 0 sees it
    np.testing.assert_allclose(other[:4], [-0.2, 0.3, 0.5, -0.25], rtol=1e-6)
    np.testing.assert_array_equal(other[4:].reshape(6, 3), views.landmarks[0, 1])
    assert make("resource_occupation", shows_others_views=False).config.layout.others == (5, 4)


def test_an_episode_of_a_population_is_that_of_a_smaller_world():
    rng = np.random.default_rng(4)
    large, small = (
        make("resource_occupation", num_agents=n, populations=p, integrator="mpe") for n, p in ((5, (3,)), (3, None))
    )
    fields = large.fields(0)
    put(small, fields["agent_positions"][:3] * 0.3, fields["landmark_positions"])
    large.load_fields(0, {"agent_positions": fields["agent_positions"] * 0.3})
    for _ in range(20):
        choices = rng.integers(0, 5, (1, 5)).astype(np.int32)
        large.step(choices)
        small.step(np.ascontiguousarray(choices[:, :3]))
        np.testing.assert_array_equal(large.rewards[0], [*small.rewards[0], 0, 0])
        assert not large.observations[0, 3:].any()
        seen, expected = (batch.config.layout.split(batch.observations[0, :3]) for batch in (large, small))
        for name in ("own", "landmarks", "landmark_mask"):
            np.testing.assert_array_equal(getattr(seen, name), getattr(expected, name))
        np.testing.assert_array_equal(seen.others[:, :2], expected.others)
        assert not seen.others[:, 2:].any()
        assert seen.other_mask.tolist() == [[1, 1, 0, 0]] * 3
    assert large.truncations.tolist() == [[1, 1, 1, 0, 0]]


# ---- treasure_collection ----

MARKET = {"num_collectors": 3, "num_banks": 2, "num_treasures": 1}
BANKS = [[0, 4], [0, -4]]


def test_the_nearest_collector_picks_up_and_all_who_touch_are_paid_for():
    batch = make("treasure_collection", **MARKET)
    put(batch, [[0.12, 0], [0, 0], [3, 0], *BANKS], [[0.05, 0]], landmark_kinds=[2])
    rewards = stay(batch)  # two touch the treasure (radii 0.075), which counts twice, as in the original
    assert rewards["collectors"] == pytest.approx([10 - 0.007, 10 - 0.005, 10 - 0.295], rel=1e-6)
    idle = 10 - 0.1 * np.hypot(1.04, 4)  # from the middle of the three collectors
    assert rewards["banks"] == pytest.approx([idle, idle])
    fields = batch.fields(0)
    assert fields["holding"].tolist() == [0, 2, 0, 0, 0]
    assert np.abs(fields["landmark_positions"]).max() <= 0.95
    assert (fields["collected"], fields["collisions"]) == (1, 0)


def test_only_the_bank_of_its_kind_takes_a_treasure():
    batch = make("treasure_collection", **MARKET)
    put(batch, [[0.1, 4], [0.1, -4], [3, 0], *BANKS], [[-3, 0]], holding=[2, 2, 0, 0, 0])
    rewards = stay(batch)
    away = np.hypot(0.1, 8)  # from the bank that collector 0 should be at
    assert rewards["collectors"] == pytest.approx([5 - 0.1 * away, 5 - 0.01, 5 - 0.6])
    assert rewards["banks"][1] == pytest.approx(5 - 0.01)  # the nearest who brings something
    assert batch.fields(0)["holding"].tolist() == [2, 0, 0, 0, 0]
    assert [batch.groups["banks"].infos[name][0, 0] for name in ("pick_ups", "deposits")] == [0, 1]


def test_each_is_paid_for_its_own_deals_where_rewards_are_not_shared():
    """The two markets above: who touches the treasure, who is at its bank, and that bank get 5; shaping stays."""
    batch = make("treasure_collection", **MARKET, shared_reward=False)
    put(batch, [[0.12, 0], [0, 0], [3, 0], *BANKS], [[0.05, 0]], landmark_kinds=[2])
    rewards = stay(batch)
    assert rewards["collectors"] == pytest.approx([5 - 0.007, 5 - 0.005, -0.295], rel=1e-6)
    assert rewards["banks"] == pytest.approx([-0.1 * np.hypot(1.04, 4)] * 2)
    put(batch, [[0.1, 4], [0.1, -4], [3, 0], *BANKS], [[-3, 0]], holding=[2, 2, 0, 0, 0])
    rewards = stay(batch)
    assert rewards["collectors"] == pytest.approx([-0.1 * np.hypot(0.1, 8), 5 - 0.01, -0.6])
    assert rewards["banks"][1] == pytest.approx(5 - 0.01)
    assert rewards["banks"][0] < 0


def test_a_heavy_bank_is_pushed_less():
    batch = make("treasure_collection", **MARKET)
    put(batch, [[0.1, 4], [3, 1], [3, 0], *BANKS], [[-3, 0]])
    stay(batch)
    force, velocities = 100 * 0.025, batch.fields(0)["agent_velocities"]  # radii 0.125, 0.1 apart
    assert velocities[0, 0] == pytest.approx(0.1 * force * 2.25)
    assert velocities[3, 0] == pytest.approx(-0.1 * force / 2.25 / 2.25)


def test_collectors_pay_for_each_other_collector_they_touch():
    batch = make("treasure_collection", **MARKET)
    put(batch, [[0, 0], [0.08, 0], [-0.08, 0], *BANKS], [[-3, 0]])
    rewards = stay(batch)["collectors"]
    assert rewards == pytest.approx([-10 - 0.3, -5 - 0.308, -5 - 0.292])
    assert batch.fields(0)["collisions"] == 2


def test_treasures_are_of_kinds_that_have_a_bank():
    batch = make("treasure_collection", 60, num_banks=3, populations=((4, 1), (6, 2)))
    seen = set()
    for env in range(60):
        fields = batch.fields(env)
        collectors, banks = fields["alive"][:6].sum(), fields["alive"][6:].sum()
        kinds = fields["landmark_kinds"][fields["landmarks_present"] == 1]
        assert len(kinds) == collectors
        assert 1 <= kinds.min() <= kinds.max() <= banks
        seen |= {(int(banks), int(kind)) for kind in kinds}
    assert seen == {(1, 1), (2, 1), (2, 2)}


# ---- grassland, adversarial, food_collection ----

CORNERS = [[-1, -1], [-1, -1], [-1, -1]]


@pytest.mark.parametrize(("sharing", "wolves", "sheep"), [(0, (5, 5), (-10, 2, 0)), (0.5, (7.5, 7.5), (-9, -3, -4))])
def test_wolves_catch_sheep_and_sheep_graze(sharing, wolves, sheep):
    batch = make("grassland", sharing=sharing)
    put(batch, [[0, 0], [0.2, 0], [0.1, 0], [0.5, 0.5], [-1, 1]], [[0.5, 0.5], *CORNERS])
    rewards = stay(batch)  # both wolves are 0.1 from the first sheep, radii 0.125
    assert rewards["wolves"] == pytest.approx(np.array(wolves) - 0.01)
    shaping = 0.1 * np.array([np.hypot(0.4, 0.5), 0, np.hypot(1.5, 0.5)])
    assert rewards["sheep"] == pytest.approx(np.array(sheep) - shaping)
    flock = batch.groups["sheep"]
    assert (flock.terminations.tolist(), flock.alive.tolist()) == ([[1, 0, 0]], [[0, 1, 1]])
    assert not batch.groups["wolves"].terminations.any()
    fields = batch.fields(0)
    assert (fields["collected"], fields["collisions"]) == (1, 2)
    assert np.abs(fields["landmark_positions"][0]).max() <= 0.9
    assert fields["landmark_positions"][0].tolist() != [0.5, 0.5]


def test_a_hunt_is_over_when_no_sheep_is_left():
    batch = make("grassland", num_wolves=1, num_sheep=1)
    put(batch, [[0, 0], [0.1, 0]], [[0.5, 0.5], *CORNERS])
    stay(batch)
    assert batch.ended[0]
    assert all(group.terminations.all() for group in batch.groups.values())


def test_two_opponents_take_out_an_agent_and_one_does_not():
    batch = make("adversarial", num_reds=2, num_blues=2)
    put(batch, [[0, 0], [1, -1], [0.1, 0], [-0.1, 0]], [[0, 1]] * 4)
    rewards = stay(batch)  # radii 0.16: both blues touch red 0, who touches each of them alone
    pellet, foe = np.hypot(0.1, 1), 0.1
    assert rewards["blues"] == pytest.approx([6 - 0.1 * pellet - 0.04 * foe] * 2)
    lost = [-6 - 0.1 - 0.04 * foe, -6 - 0.1 * np.hypot(1, 2) - 0.04 * np.hypot(0.9, 1)]
    assert rewards["reds"] == pytest.approx(lost)
    assert batch.groups["reds"].alive.tolist() == [[0, 1]]
    assert batch.groups["blues"].alive.all()
    own = make("adversarial", num_reds=2, num_blues=2, sharing=0.0)
    put(own, [[0, 0], [1, -1], [0.1, 0], [-0.1, 0]], [[0, 1]] * 4)
    assert stay(own)["blues"] == pytest.approx([3 - 0.1 * pellet - 0.04 * foe] * 2)


def test_food_pays_most_when_all_of_it_is_occupied():
    batch = make("food_collection")
    put(batch, [[0, 0], [0.5, 0], [1, 0]], [[0, 0], [0.5, 0], [1, 0.5]])
    assert stay(batch)["agents"] == pytest.approx([4, 4, 4 - 0.5])  # 6 / 3 for each of two
    put(batch, [[0, 0], [0.5, 0], [1, 0]], [[0, 0], [0.5, 0], [1, 0]])
    assert stay(batch)["agents"] == pytest.approx([6 + 10 - 2 * 2 / 26] * 3)  # in the second step


@pytest.mark.parametrize(("sharing", "costs"), [(0, (1, 1, 0)), (1, (2, 2, 2))])
def test_collisions_over_food_cost_their_share(sharing, costs):
    batch = make("food_collection", sharing=sharing)
    put(batch, [[0, 0], [0.08, 0], [1, 0]], [[0, 1], [0, 1], [0, 1]])
    away = [1, np.hypot(0.08, 1), np.hypot(1, 1)]
    assert stay(batch)["agents"] == pytest.approx(-np.array(costs) - away)


def test_the_fence_holds():
    batch = make("food_collection", num_agents=1, integrator="mpe")
    put(batch, [[0.99, 0]], [[0, 0]])
    for _ in range(3):
        batch.step(np.array([[RIGHT]], np.int32))
    assert batch.fields(0)["agent_positions"].tolist() == [[1, 0]]
    with pytest.raises(ValueError, match="must be in \\[-1, 1\\]"):
        put(batch, [[1.01, 0]], [[0, 0]])


def test_teams_are_told_apart():
    batch = make("grassland", num_wolves=2, num_sheep=2)
    for name, expected in (("wolves", [[1, 0, 0]] * 2), ("sheep", [[0, 0, 1]] * 2)):
        views = batch.config.layout.split(batch.groups[name].observations[0])
        assert views.others[..., 4].tolist() == expected


# ---- what they have in common ----


@pytest.mark.parametrize("id", IDS)
def test_observations_are_as_long_as_their_layout(id):
    for settings in ({}, {"num_agent_neighbors": 2, "num_landmark_neighbors": 1}):
        batch = games.make_batch(id, **settings)
        for group in batch.groups.values():
            assert group.observations.shape[2] == batch.config.layout.size
    with pytest.raises(ValueError, match="observations must be"):
        batch.config.layout.split(np.zeros(3))


@pytest.mark.parametrize("id", IDS)
def test_limits_show_the_nearest_first(id):
    batch = games.make_batch(id, num_agent_neighbors=9, num_landmark_neighbors=2, seed=5)
    batch.reset()
    for group in batch.groups.values():
        views = batch.config.layout.split(group.observations[0])
        near = np.linalg.norm(views.landmarks[..., :2], axis=-1)
        assert (near[:, 0] <= near[:, 1]).all()
        there = views.other_mask.sum(axis=-1)
        assert there.tolist() == [sum(len(group.agents) for group in batch.groups.values()) - 1] * len(group.agents)
        assert not views.others[:, int(there[0]) :].any()


def test_one_batch_holds_any_population_in_any_env():
    sizes = [3 + env % 46 for env in range(92)]
    batch = make("resource_occupation", 92, num_agents=48, populations=range(3, 49), shows_others_views=False)
    set_populations(batch, sizes)
    assert batch.alive.sum(axis=1).tolist() == sizes
    views = batch.config.layout.split(batch.observations)
    for env, size in enumerate(sizes):
        assert views.other_mask[env].sum() == size * (size - 1)
        assert not batch.observations[env, size:].any()
    for _ in range(20):
        stay(batch)
    assert batch.truncations.sum(axis=1).tolist() == sizes


def test_chosen_populations_are_the_same_every_time():
    starts = []
    for _ in range(2):
        batch = make("grassland", 6, num_wolves=4, num_sheep=6, populations=((1, 2), (2, 3), (4, 6)))
        set_populations(batch, [(1, 2), (4, 6), (2, 3)] * 2)
        starts.append([batch.state_bytes(env) for env in range(6)])
        alive = [batch.groups[name].alive.sum(axis=1).tolist() for name in ("wolves", "sheep")]
        assert alive == [[1, 4, 2] * 2, [2, 6, 3] * 2]
    assert starts[0] == starts[1]
    decoys = games.make_batch("particles/simple_adversary_v0", 2, num_agents=5, populations=(1, 5))
    decoys.reset()
    set_populations(decoys, [5, 1])
    assert decoys.groups["agents"].alive.sum(axis=1).tolist() == [5, 1]


@pytest.mark.parametrize(
    ("rows", "message"),
    [([3], "a row of 1 for each of 2 envs, got \\[1\\]"), ([3, 4], "among \\[\\[3\\], \\[5\\]\\], got \\[4\\]")],
)
def test_impossible_populations_are_refused(rows, message):
    batch = make("resource_occupation", 2, num_agents=5, populations=(3, 5))
    with pytest.raises(ValueError, match=message):
        set_populations(batch, rows)
    with pytest.raises(ValueError, match="must have been made with the setting"):
        set_populations(make("resource_occupation", 2), [3, 3])


def test_a_parallel_env_has_the_agents_of_its_episode_only():
    env = games.parallel_env("particles/grassland_v0", num_wolves=4, num_sheep=6, populations=((1, 2),))
    observations, _ = env.reset(seed=1)
    assert env.agents == list(observations) == ["wolf_0", "sheep_0", "sheep_1"]
    assert len(env.possible_agents) == 10
    *_, infos = env.step(dict.fromkeys(env.agents, STAY))
    assert list(infos) == ["wolf_0", "sheep_0", "sheep_1"]


@pytest.mark.parametrize(
    ("id", "settings", "message"),
    [
        ("resource_occupation", {"num_agents": 65}, "num_agents"),
        ("resource_occupation", {"populations": (7,)}, "populations"),
        ("treasure_collection", {"num_banks": 9}, "num_banks"),
        ("treasure_collection", {"num_collectors": 63, "num_banks": 8}, "at most 64, got 71"),
        ("grassland", {"num_pellets": 0}, "num_pellets"),
        ("grassland", {"populations": ((3, 3),)}, "populations"),
        ("adversarial", {"sharing": 1.5}, "sharing"),
        ("food_collection", {"populations": ()}, "populations"),
    ],
)
def test_impossible_settings_are_refused(id, settings, message):
    with pytest.raises(ValueError, match=message):
        make(id, **settings)


def test_impossible_goods_are_refused():
    batch = make("treasure_collection")
    for name in ("holding", "landmark_kinds"):
        kinds = batch.fields(0)[name]
        kinds[0] = 3
        with pytest.raises(ValueError, match="must be in \\[0, 2\\], got 3"):
            batch.load_fields(0, {name: kinds})
