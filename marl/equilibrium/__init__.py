"""Equilibria and exact values: payoff arrays in, profiles and values out. No torch here. See README.md."""
