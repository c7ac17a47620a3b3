"""From fragments to updates, off-policy: array replay buffers, DQN and SAC."""
