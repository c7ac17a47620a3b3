"""RLlib on batches of envs: `register` the ids, `use_batched_runner` to train, `start_ray` for a quiet session.

See README.md beside this file.
"""

from marl.rllib.algorithm_setup import configure_envs, register, stagger_envs, use_batched_runner
from marl.rllib.envs.multi_agent_env import BatchMultiAgentEnv
from marl.rllib.envs.pettingzoo_env import PettingZooMultiAgentEnv, register_pettingzoo
from marl.rllib.errors import DivergedError, TrainingError, explain, explain_errors
from marl.rllib.learner.fragment_learner import FragmentLearner
from marl.rllib.learner.fragment_to_batch import FragmentToBatch
from marl.rllib.learner.fragment_to_trajectories import FragmentToTrajectories
from marl.rllib.learner.ppo_learner import PPOFragmentLearner
from marl.rllib.learner.vtrace_learner import APPOFragmentLearner, IMPALAFragmentLearner, VTraceFragmentLearner
from marl.rllib.modules.actor_critic import ActorCriticModule
from marl.rllib.modules.centralized_critic import CentralizedCriticModule
from marl.rllib.modules.q_module import QModule
from marl.rllib.modules.recurrent import RecurrentActorCriticModule
from marl.rllib.replay.replay_algorithms import BatchedDQN, BatchedSAC
from marl.rllib.replay.replay_buffer import ReplayBuffer
from marl.rllib.replay.replay_learners import ReplayDQNLearner, ReplayLearner, ReplaySACLearner
from marl.rllib.runner.batched_runner import BatchedEnvRunner
from marl.rllib.runner.fragment import Fragment, GroupFragment
from marl.rllib.session import start_ray, stop_ray

__all__ = [
    "APPOFragmentLearner",
    "ActorCriticModule",
    "BatchMultiAgentEnv",
    "BatchedDQN",
    "BatchedEnvRunner",
    "BatchedSAC",
    "CentralizedCriticModule",
    "DivergedError",
    "Fragment",
    "FragmentLearner",
    "FragmentToBatch",
    "FragmentToTrajectories",
    "GroupFragment",
    "IMPALAFragmentLearner",
    "PPOFragmentLearner",
    "PettingZooMultiAgentEnv",
    "QModule",
    "RecurrentActorCriticModule",
    "ReplayBuffer",
    "ReplayDQNLearner",
    "ReplayLearner",
    "ReplaySACLearner",
    "TrainingError",
    "VTraceFragmentLearner",
    "configure_envs",
    "explain",
    "explain_errors",
    "register",
    "register_pettingzoo",
    "stagger_envs",
    "start_ray",
    "stop_ray",
    "use_batched_runner",
]
