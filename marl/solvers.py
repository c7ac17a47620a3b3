"""The list of solvers; `python -m marl.solvers` prints the README's table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Solver:
    """A learning algorithm that this package offers.

    Attributes:
        name: As the literature has it.
        made_by: What a user calls, `module:name`.
        source: Paper.
        study: The study that shows it at work.
    """

    name: str
    made_by: str
    source: str
    study: str


SOLVERS = (
    Solver(
        "PPO on the batched runner (self-play, or a module for each agent)",
        "marl.rllib:use_batched_runner",
        "Schulman et al. 2017; de Witt et al. 2020 (independent PPO)",
        "overcooked",
    ),
    Solver(
        "Two-level PPO (workers, and a planner who acts once a tax period)",
        "marl.two_level:two_level_config",
        "Zheng et al. 2022",
        "econ_one_step",
    ),
    Solver(
        "MAPPO and IPPO (central or own critics and credit, value normalisation, heads or weights of an agent's own)",
        "marl.mappo:MAPPOConfig",
        "Yu et al. 2022; de Witt et al. 2020",
        "bnac_sampled",
    ),
    Solver(
        "BN-MAPPO and auto-regressive MAPPO (agents that see others' actions along a learned or complete graph)",
        "marl.bn_actor_critic:BNMAPPOConfig",
        "Chen and Zhang 2023",
        "bnac_sampled",
    ),
    Solver(
        "IMPALA and APPO on the batched runner",
        "marl.rllib:use_batched_runner",
        "Espeholt et al. 2018; Luo et al. 2019",
        "runner_agreement",
    ),
    Solver(
        "DQN (double, dueling, distributional, prioritized, n-step) on array replay",
        "marl.rllib:use_batched_runner",
        "Mnih et al. 2015; Hessel et al. 2018",
        "runner_agreement",
    ),
    Solver(
        "SAC (continuous and discrete) on array replay",
        "marl.rllib:use_batched_runner",
        "Haarnoja et al. 2018; Christodoulou 2019",
        "runner_agreement",
    ),
    Solver(
        "QMIX, VDN and independent Q-learning (GRU or not, masks, groups, agents that leave)",
        "marl.qmix:QMIXConfig",
        "Rashid et al. 2018; Sunehag et al. 2018; Tan 1993",
        "qmix_benchmarks",
    ),
    Solver(
        "MRA (relations by latent, one network for populations of any size, mixed in a batch)",
        "marl.mra:MRAConfig",
        "Zhang et al. 2023",
        "mra_populations",
    ),
    Solver(
        "GMAH-style subgoals over a mixer (task trees, hindsight, novelty; re-implemented from the description)",
        "marl.gmah:GMAHConfig",
        "after GMAH, arXiv 2408.11416",
        "gmah_trash",
    ),
    Solver(
        "PSRO (meta-solvers by name, exact or PPO responses, aversion to risk)",
        "marl.psro.psro:Psro",
        "Lanctot et al. 2017; Marris et al. 2021; after Slumbers et al. 2023",
        "psro",
    ),
    Solver(
        "QARL, RARL and rivals: soft actor-critics with an adversary, under RLlib or many seeds at once",
        "marl.qarl.rllib:QARLConfig",
        "Reddi et al. 2024; Pinto et al. 2017; Sheng et al. 2022; Kamalaruban et al. 2020",
        "qarl",
    ),
    Solver(
        "ReAd (advantage feedback to planners that answer in words, robot by robot or at once)",
        "marl.read.methods:choose_by",
        "Zhang et al. 2024",
        "read_planning",
    ),
    Solver(
        "Policy gradient over a graph of agents, exact, in tables",
        "marl.bayesian_network:ascend",
        "Chen and Zhang 2023",
        "bnac_coordination",
    ),
)


def solver_table() -> str:
    """Returns a Markdown table with a row for each solver."""
    rows = [f"| {s.name} | `{s.made_by}` | {s.source} | `agora run {s.study}` |" for s in SOLVERS]
    return "\n".join(["| solver | made by | source | study |", "|---|---|---|---|", *rows])


if __name__ == "__main__":
    print(solver_table())
