"""A planner that taxes by Saez's formula, from the incomes that it has seen."""

from __future__ import annotations

from typing import Any

import numpy as np

from agents.protocol import find_agent
from econ.taxation import SaezTax
from games.batch import Batch


class SaezPlanner:
    """Sets rates by `SaezTax` where the tax_model is "planner_rates"; leaves them to chance before it has seen enough.

    All envs of a batch share one model: it takes up the incomes of every tax day and gives rates once for all envs
    whose period begins.

    Args:
        saez: The model; it brings the brackets.
    """

    def __init__(self, saez: SaezTax) -> None:
        self.saez = saez

    def act(self, batch: Batch, agent: str) -> np.ndarray:
        """Returns the rates, [E, B] float32; -1 leaves a bracket to chance."""
        config: Any = batch.config
        name, row = find_agent(batch, agent)
        planner, workers = batch.groups[name], batch.groups["workers"]
        if planner.action_masks is not None:
            raise ValueError(f"Saez's formula needs tax_model='planner_rates', got {config.tax_model!r}")
        num_brackets = len(config.cutoffs)
        if num_brackets != len(self.saez.cutoffs) or (self.saez.cutoffs != config.cutoffs).any():
            raise ValueError(f"the model has other brackets than {batch.spec.id}: {self.saez.cutoffs}")
        is_taxed = planner.infos["tax_day"][:, row] > 0
        self.saez.add(workers.infos["income"][is_taxed], workers.infos["marginal_rate"][is_taxed])
        begins = planner.observations[:, row, config.first_day_feature] == 1
        rates = self.saez.next_rates(config.rate_min, config.rate_max) if begins.any() else None
        actions = np.zeros((batch.num_envs, num_brackets), np.float32)
        actions[begins] = -1 if rates is None else rates
        return actions

    def get_state(self) -> dict[str, Any]:
        """Returns the model's state."""
        return self.saez.get_state()

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes over a model's state."""
        self.saez.set_state(state)
