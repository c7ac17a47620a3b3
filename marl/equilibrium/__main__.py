"""Prints the README's table of methods."""

from marl.equilibrium.methods import method_table

print(method_table())
