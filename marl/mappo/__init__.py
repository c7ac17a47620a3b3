"""MAPPO and IPPO, on RLlib's new API stack and at the speed of C. See README.md."""

from marl.mappo.algorithm import IPPO, MAPPO, IPPOConfig, MAPPOConfig
from marl.mappo.learner import TeamLearner
from marl.mappo.module import TeamModule
from marl.mappo.settings import TeamSettings

__all__ = ["IPPO", "MAPPO", "IPPOConfig", "MAPPOConfig", "TeamLearner", "TeamModule", "TeamSettings"]
