"""MRA, policies for populations of any size, as an algorithm of RLlib: `MRAConfig().environment(id).build_algo()`."""

from marl.mra.algorithm import MRA, MRAConfig
from marl.mra.settings import RELEASED, MRASettings

__all__ = ["MRA", "RELEASED", "MRAConfig", "MRASettings"]
