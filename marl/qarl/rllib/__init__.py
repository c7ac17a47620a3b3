"""QARL as an algorithm of RLlib: `QARLConfig().environment(id).training(method="qarl").build_algo().train()`."""

from marl.qarl.rllib.algorithm import QARL, QARLConfig
from marl.qarl.rllib.learner import SoftActorCriticLearner
from marl.qarl.rllib.module import SoftActorCriticModule

__all__ = ["QARL", "QARLConfig", "SoftActorCriticLearner", "SoftActorCriticModule"]
