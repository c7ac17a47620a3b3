"""Quantal adversarial reinforcement learning (Reddi et al. 2024): robustness by adversaries of bounded rationality."""
