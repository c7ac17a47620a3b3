"""The generator against NumPy's implementation of the same function."""

import numpy as np
import pytest

import games
from games import _core

WORD = 2**64


def numpy_philox(counter: int, key: int) -> list[int]:
    """The block at a 256-bit counter; NumPy steps the counter before it makes a block."""
    before = (counter - 1) % 2**256
    words = np.array([(before >> (64 * i)) % WORD for i in range(4)], np.uint64)
    return [int(word) for word in np.random.Philox(counter=words, key=key).random_raw(4)]


def words(number: int, count: int) -> list[int]:
    return [(number >> (64 * i)) % WORD for i in range(count)]


def draws(seed: int, env: int, episode: int, count: int) -> list[int]:
    """The first numbers of an episode, as rng.h defines them, by NumPy."""
    blocks = [numpy_philox(block + (episode << 64), seed + (env << 64)) for block in range(-(-count // 4))]
    return [number for block in blocks for number in block][:count]


def beacon(seed: int, env: int, episode: int) -> np.ndarray:
    """The probe's beacon: its first two draws."""
    units = [(number >> 11) * 2.0**-53 for number in draws(seed, env, episode, 2)]
    return np.array([2 * unit - 1 for unit in units]).astype(np.float32)


def test_blocks_equal_those_of_numpy():
    numbers = np.random.default_rng(0)
    edges = [(0, 0), (1, 0), (2**256 - 1, 2**128 - 1), (2**64 - 1, 1), (2**64, 2**64)]
    drawn = [(int.from_bytes(numbers.bytes(32)), int.from_bytes(numbers.bytes(16))) for _ in range(200)]
    for counter, key in edges + drawn:
        assert _core.philox4x64(words(counter, 4), words(key, 2)) == numpy_philox(counter, key)


def test_wrong_numbers_of_words_are_refused():
    with pytest.raises(ValueError, match="4 counter words and 2 key words"):
        _core.philox4x64([0] * 3, [0] * 2)
    with pytest.raises(TypeError):
        _core.philox4x64([0, 0, 0, -1], [0] * 2)


@pytest.mark.parametrize("seed", [0, 1, 2**64 - 1])
def test_an_env_draws_by_seed_index_and_episode_alone(seed):
    batch = games.make_batch("probe/everything_v0", num_envs=5, seed=seed, num_threads=3)
    for episode in range(3):
        batch.reset()
        for env in range(5):
            np.testing.assert_array_equal(batch.fields(env)["beacon"], beacon(seed, env, episode))


def test_neighbours_do_not_change_what_an_env_draws():
    few = games.make_batch("probe/everything_v0", num_envs=2, seed=3)
    many = games.make_batch("probe/everything_v0", num_envs=9, seed=3, num_threads=4)
    few.reset()
    many.reset()
    for _ in range(90):
        few.step()
        many.step()
        for name, group in few.groups.items():
            np.testing.assert_array_equal(group.observations, many.groups[name].observations[:2])
    assert few.state_bytes(1) == many.state_bytes(1)


def test_envs_and_seeds_differ():
    beacons = set()
    for seed in range(4):
        batch = games.make_batch("probe/everything_v0", num_envs=8, seed=seed)
        batch.reset()
        beacons |= {batch.fields(env)["beacon"].tobytes() for env in range(8)}
    assert len(beacons) == 32
