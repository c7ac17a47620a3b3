"""Taxes on income: brackets and schedules, Saez's formula, and the settings that worlds with a tax share."""

from econ.taxation.brackets import US_FEDERAL_CUTOFFS, linear_cutoffs, log_cutoffs, us_federal_cutoffs
from econ.taxation.reading import read_schedules
from econ.taxation.saez import SaezTax, estimate_elasticity, saez_rates
from econ.taxation.schedule import US_FEDERAL_RATES, Schedule, TaxError, flat, free_market, us_federal
from econ.taxation.settings import TAX_MODELS, TaxSettings, annealed_limit

__all__ = [
    "TAX_MODELS",
    "US_FEDERAL_CUTOFFS",
    "US_FEDERAL_RATES",
    "SaezTax",
    "Schedule",
    "TaxError",
    "TaxSettings",
    "annealed_limit",
    "estimate_elasticity",
    "flat",
    "free_market",
    "linear_cutoffs",
    "log_cutoffs",
    "read_schedules",
    "saez_rates",
    "us_federal",
    "us_federal_cutoffs",
]
