"""QMIX, VDN and independent Q-learning as algorithms of RLlib: `QMIXConfig().environment(id).build_algo().train()`."""

from marl.qmix.algorithm import IQL, QMIX, VDN, IQLConfig, QMIXConfig, VDNConfig

__all__ = ["IQL", "QMIX", "VDN", "IQLConfig", "QMIXConfig", "VDNConfig"]
