"""Single environments with RLlib's plain MultiAgentEnv face: ours, and PettingZoo's."""
