"""RLlib on batches of envs: `register` the ids, `use_batched_runner` to train, `start_ray` for a quiet session.

See README.md beside this file.
"""

from marl.rllib.algorithm_setup import configure_envs, register, use_batched_runner
from marl.rllib.batched_runner import BatchedEnvRunner
from marl.rllib.centralized_critic import CentralizedCriticModule
from marl.rllib.fragment import Fragment, GroupFragment
from marl.rllib.fragment_to_batch import FragmentToBatch
from marl.rllib.fragment_to_trajectories import FragmentToTrajectories
from marl.rllib.learner import FragmentLearner
from marl.rllib.modules import ActorCriticModule
from marl.rllib.multi_agent_env import BatchMultiAgentEnv
from marl.rllib.pettingzoo_env import PettingZooMultiAgentEnv, register_pettingzoo
from marl.rllib.ppo_learner import PPOFragmentLearner
from marl.rllib.q_module import QModule
from marl.rllib.recurrent_module import RecurrentActorCriticModule
from marl.rllib.replay import ReplayBuffer
from marl.rllib.replay_algorithms import BatchedDQN, BatchedSAC
from marl.rllib.replay_learners import ReplayDQNLearner, ReplayLearner, ReplaySACLearner
from marl.rllib.session import start_ray, stop_ray
from marl.rllib.vtrace_learner import APPOFragmentLearner, IMPALAFragmentLearner, VTraceFragmentLearner

__all__ = [
    "APPOFragmentLearner",
    "ActorCriticModule",
    "BatchMultiAgentEnv",
    "BatchedDQN",
    "BatchedEnvRunner",
    "BatchedSAC",
    "CentralizedCriticModule",
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
    "VTraceFragmentLearner",
    "configure_envs",
    "register",
    "register_pettingzoo",
    "start_ray",
    "stop_ray",
    "use_batched_runner",
]
