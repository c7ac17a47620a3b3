"""Payoff arrays in, profiles and values out."""

from marl.equilibrium.methods import METHODS, solve

__all__ = ["METHODS", "solve"]
