"""From envs to fragments: the batched env runner and what it is made of."""
