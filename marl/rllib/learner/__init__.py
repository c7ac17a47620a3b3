"""From fragments to updates, on-policy: PPO's rows, V-trace's trajectories, several learners in step."""
