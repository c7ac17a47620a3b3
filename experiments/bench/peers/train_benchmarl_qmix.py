"""benchmarl's QMIX (torchrl), in its own environment: one torch thread, a world of ours through PettingZoo.

Lines: `<id> <num_envs> <steps>`, the same every time; each is a round of training: so many frames of all envs together,
and an update of 32 episodes' frames for every episode of them. The answer is the CPU seconds of collection and updates.
The first answer has what was built as well. AGORA_SITE_PACKAGES says where `games` is installed.
"""

import os
import site
import sys
import tempfile
import time

import torch

site.addsitedir(os.environ["AGORA_SITE_PACKAGES"])  # behind the peer's own packages

from benchmarl.algorithms import QmixConfig
from benchmarl.environments.pettingzoo.common import PettingZooClass
from benchmarl.experiment import Callback, Experiment, ExperimentConfig
from benchmarl.models.mlp import MlpConfig
from torchrl.envs import PettingZooWrapper

import games

torch.set_num_threads(1)
HIDDEN, LR, MIXING = [64, 64], 5e-4, 32
BATCH_EPISODES = 32


class OurWorld(PettingZooClass):
    """A world of ours as a task."""

    def get_env_fun(self, num_envs, continuous_actions, seed, device):
        """Returns what makes an env."""
        return lambda: PettingZooWrapper(
            games.parallel_env(self.config["id"]), categorical_actions=True, device=device, seed=seed, return_state=True
        )

    def supports_continuous_actions(self):
        """Says no."""
        return False

    def supports_discrete_actions(self):
        """Says yes."""
        return True

    def has_state(self):
        """Says yes: what all agents see."""
        return True

    def max_steps(self, env):
        """Returns the length of an episode."""
        return self.config["horizon"]


def make_experiment(id, num_envs, steps):
    """Returns an experiment whose iteration is a round."""
    horizon = games.spec(id).properties.horizon
    config = ExperimentConfig.get_from_yaml()
    config.gamma, config.lr, config.prefer_continuous_actions = 0.99, LR, False
    config.clip_grad_val, config.soft_target_update, config.polyak_tau = 10.0, True, 0.01
    config.off_policy_collected_frames_per_batch, config.off_policy_n_envs_per_worker = steps, num_envs
    config.off_policy_n_optimizer_steps = steps // horizon
    config.off_policy_train_batch_size = BATCH_EPISODES * horizon
    config.off_policy_memory_size, config.max_n_frames = 100_000, 10**9
    config.evaluation, config.render, config.loggers, config.create_json = False, False, [], False
    config.save_folder = tempfile.mkdtemp()
    task = OurWorld(name="OURS", config={"id": id, "horizon": horizon})
    model = MlpConfig(num_cells=HIDDEN, layer_class=torch.nn.Linear, activation_class=torch.nn.ReLU)
    algorithm = QmixConfig(mixing_embed_dim=MIXING, delay_value=True, loss_function="l2")
    parts = {"task": task, "algorithm_config": algorithm, "model_config": model, "config": config}
    return Experiment(**parts, seed=0, callbacks=[Rounds()])


class Rounds(Callback):
    """Lets an iteration of the experiment begin with a line, and answers it at its end."""

    def __init__(self):
        super().__init__()
        self.start = time.process_time()

    def on_train_end(self, training_td, group):
        """Answers, and waits for the next line."""
        print("seconds", time.process_time() - self.start, flush=True)
        if not sys.stdin.readline():
            sys.exit()
        self.start = time.process_time()


id, num_envs, steps = sys.stdin.readline().split()
make_experiment(id, int(num_envs), int(steps)).run()
