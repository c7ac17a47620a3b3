"""What stands behind two differences between the runners: `python -m experiments.studies.runner_agreement.causes`.

Prints how many rows of a batch of prioritized replay reach RLlib's learner in the order in which they were sampled,
which is the order that its TD errors are handed back in; and how often each batch of APPO is trained on, on either
runner.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from experiments.studies.runner_agreement.cells import make_config
from experiments.studies.runner_agreement.settings import BATCHED, STEPS, STOCK, Cell
from marl.rllib import register, start_ray, stop_ray

APPO_STEPS = 16_000


def share_of_rows_in_place() -> float:
    """Returns the share of the rows of one batch that RLlib's learner connector leaves where they were sampled."""
    algorithm: Any = make_config(Cell("dqn_prioritized", STOCK, 0, STEPS["dqn_prioritized"])).build_algo()
    for _ in range(3):
        algorithm.train()
    episodes = algorithm.local_replay_buffer.sample(num_items=128, n_step=1, gamma=0.99, beta=0.4, sample_episodes=True)
    learner = algorithm.learner_group._learner
    batch = learner._learner_connector(
        rl_module=learner.module, batch={}, episodes=episodes, explore=True, shared_data={}, metrics=None
    )
    rows = np.asarray(batch["shared"]["obs"]).reshape(len(episodes), -1)
    sampled = np.stack([np.ravel(episode.get_observations(0)) for episode in episodes])
    algorithm.stop()
    return float(np.isclose(rows, sampled).all(axis=1).mean())


def count_updates(runner: str) -> tuple[int, int]:
    """Returns how many batches APPO's learner was given, and how many updates it made of them."""
    algorithm: Any = make_config(Cell("appo", runner, 0, APPO_STEPS)).build_algo()
    learner: Any = algorithm.learner_group._learner
    updates: list[None] = []
    update = learner._update

    def count(*args: Any, **kwargs: Any) -> Any:
        updates.append(None)
        return update(*args, **kwargs)

    learner._update = count
    steps = 0
    while steps < APPO_STEPS:
        steps = int(algorithm.train()["env_runners"]["num_env_steps_sampled_lifetime"])
    batches = int(learner._learner_thread_in_queue.get_stats()["total_puts"])
    algorithm.stop()
    return batches, len(updates)


if __name__ == "__main__":
    start_ray(num_cpus=1)
    register()
    print(f"prioritized replay, RLlib: {share_of_rows_in_place():.0%} of the rows of a batch keep their places")
    for name in (STOCK, BATCHED):
        print("APPO, {}: {} batches, {} updates so far".format(name, *count_updates(name)))
    stop_ray()
