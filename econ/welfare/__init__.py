"""Measures of an economy: inequality, utilities and social welfare, in NumPy. The C worlds have the same in social.c.

The formulas are those of the AI Economist (Zheng et al. 2022); so is the use of two estimators of the Gini index.
"""

from __future__ import annotations

from typing import Any

import numpy as np

OBJECTIVES = (
    "equality_productivity",
    "inverse_income_coin",
    "inverse_income_utility",
    "utilitarian",
    "rawlsian",
)
"""What a planner may want, in the order of WelfareObjective in social.h."""

MANY = 30  # agents from which on the Gini index comes from the Lorenz curve


def gini(coin: Any) -> np.ndarray:
    """Returns the Gini index of [..., N] amounts that are not negative; 1 where one of N has everything."""
    amounts = np.sort(np.asarray(coin, np.float64), axis=-1)
    count = amounts.shape[-1]
    if count < 2:
        return np.zeros(amounts.shape[:-1])
    if count >= MANY:
        shares = np.cumsum(amounts, axis=-1) / (amounts.sum(axis=-1, keepdims=True) + 1e-10)
        return 1 - 2 / (count + 1) * shares.sum(axis=-1)
    gaps = np.abs(amounts[..., :, None] - amounts[..., None, :]).sum(axis=(-2, -1))
    return gaps / (2 * count * amounts.sum(axis=-1) + 1e-10) / ((count - 1) / count)


def equality(coin: Any) -> np.ndarray:
    """Returns 1 - the Gini index of [..., N] amounts."""
    return 1 - gini(coin)


def productivity(coin: Any) -> np.ndarray:
    """Returns the sum of [..., N] amounts."""
    return np.asarray(coin, np.float64).sum(axis=-1)


def isoelastic(coin: Any, eta: float) -> np.ndarray:
    """Returns (c^(1 - eta) - 1) / (1 - eta); log(max(c, 1)) for eta = 1."""
    amounts = np.asarray(coin, np.float64)
    return np.log(np.maximum(amounts, 1)) if eta == 1 else (amounts ** (1 - eta) - 1) / (1 - eta)


def welfare(objective: str, coin: Any, incomes: Any, utilities: Any, equality_weight: float = 1.0) -> np.ndarray:
    """Returns social welfare.

    Args:
        objective: One of OBJECTIVES.
        coin: [..., N] what each agent has.
        incomes: [..., N] before taxes; weighs utilities in "inverse_income_utility".
        utilities: [..., N].
        equality_weight: In [0, 1]: how much equality counts in "equality_productivity".
    """
    if objective == "equality_productivity":
        per_agent = productivity(coin) / np.asarray(coin).shape[-1]
        return (equality_weight * equality(coin) + 1 - equality_weight) * per_agent
    if objective == "utilitarian":
        return np.asarray(utilities, np.float64).mean(axis=-1)
    if objective == "rawlsian":
        return np.asarray(utilities, np.float64).min(axis=-1)
    by, values = (coin, coin) if objective == "inverse_income_coin" else (incomes, utilities)
    weights = 1 / np.maximum(np.asarray(by, np.float64), 1)
    return (weights * np.asarray(values, np.float64)).sum(axis=-1) / weights.sum(axis=-1)
