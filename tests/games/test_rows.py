"""Rows that C finds by their bytes, beside a dictionary of the same."""

import numpy as np
import pytest

from games import _core

NO_MASKS, NO_CHOICES = np.zeros((0, 0, 0), np.uint8), np.zeros(0, np.int32)


def index(rows):
    slots = np.zeros(1 << (2 * len(rows)).bit_length(), np.int32)
    _core.index_rows(rows, slots)
    return slots


@pytest.mark.parametrize("size", [1, 7, 8, 9, 16, 17, 24, 31, 120])
@pytest.mark.parametrize("num_rows", [0, 1, 300])
def test_rows_are_found_as_a_dictionary_finds_them(size, num_rows):
    generator = np.random.default_rng(size)
    rows = generator.integers(0, 3, (num_rows, size)).astype(np.uint8)
    numbers = {}
    for number, row in enumerate(rows):
        numbers.setdefault(row.tobytes(), number)
    seen = generator.integers(0, 3, (700, 2, size)).astype(np.uint8)
    if num_rows:
        seen[:350] = rows[generator.integers(0, num_rows, (350, 2))]
    envs = generator.permutation(700)[:600]
    found = np.empty(600, np.int32)
    unknown = _core.find_rows(rows, index(rows), seen, NO_MASKS, 1, envs, NO_CHOICES, found)
    expected = [numbers.get(seen[env, 1].tobytes(), -1) for env in envs]
    assert found.tolist() == expected
    assert unknown == expected.count(-1)


def test_who_has_one_legal_action_is_not_looked_up():
    rows = np.arange(4, dtype=np.uint8)[:, None]
    seen = np.array([[[3]], [[3]], [[9]], [[2]]], np.uint8)
    masks = np.array([[[0, 1, 0]], [[1, 1, 0]], [[0, 0, 1]], [[0, 0, 0]]], np.uint8)
    envs, found = np.arange(4), np.empty(4, np.int32)
    assert _core.find_rows(rows, index(rows), seen, masks, 0, envs, NO_CHOICES, found) == 0
    assert found.tolist() == [-2 - 1, 3, -2 - 2, 2]
    choices = np.array([0, 0, 1, 2], np.int32)
    assert _core.find_rows(rows, index(rows), seen, masks, 0, envs, choices, found) == 0
    assert found.tolist() == [1, 2, 2, 1]


def test_numbers_that_stand_in_no_table_are_no_rows():
    rows = np.arange(4, dtype=np.uint8)[:, None]
    seen, found = np.zeros((2, 1, 1), np.uint8), np.empty(2, np.int32)
    for spoilt in (np.full(8, 77, np.int32), np.full(8, -5, np.int32)):
        assert _core.find_rows(rows, spoilt, seen, NO_MASKS, 0, np.arange(2), NO_CHOICES, found) == 2


def test_what_does_not_fit_is_refused():
    rows, found = np.arange(4, dtype=np.uint8)[:, None], np.empty(2, np.int32)
    seen, envs, slots = np.zeros((2, 1, 1), np.uint8), np.arange(2), index(rows)
    wrong = [
        (ValueError, (rows, slots[:4], seen, NO_MASKS, 0, envs, NO_CHOICES, found)),
        (ValueError, (rows, slots[:7], seen, NO_MASKS, 0, envs, NO_CHOICES, found)),
        (ValueError, (rows, slots, np.zeros((2, 1, 2), np.uint8), NO_MASKS, 0, envs, NO_CHOICES, found)),
        (ValueError, (rows, slots, seen, NO_MASKS, 1, envs, NO_CHOICES, found)),
        (ValueError, (rows, slots, seen, np.ones((3, 1, 2), np.uint8), 0, envs, NO_CHOICES, found)),
        (ValueError, (rows, slots, seen, NO_MASKS, 0, envs, np.zeros(3, np.int32), found)),
        (ValueError, (rows, slots, seen, NO_MASKS, 0, envs, NO_CHOICES, found[:1])),
        (IndexError, (rows, slots, seen, NO_MASKS, 0, envs + 1, NO_CHOICES, found)),
        (IndexError, (rows, slots, seen, NO_MASKS, 0, envs - 1, NO_CHOICES, found)),
        (TypeError, (rows, slots, seen.astype(float), NO_MASKS, 0, envs, NO_CHOICES, found)),
    ]
    for error, arguments in wrong:
        with pytest.raises(error):
            _core.find_rows(*arguments)
