"""What MRA is told beyond what RLlib's configs hold, with ranges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from agents.relations import KEYS
from games.names import unknown_name
from marl.checks import check_count, check_number

PRIORS = ("learned", "uniform")
LANDMARKS = ("set", "row")
GRADIENTS = ("expected", "sampled")
TEAM_ERRORS = ("mean", "sum", "own")


RELEASED: dict[str, Any] = {
    "sees_itself": False,
    "landmarks": "row",
    "own_action_in_critic": True,
    "policy_gradient": "sampled",
    "team_error": "sum",
    "next_action_from_obs": True,
    "ignores_terminations": True,
    "contrasts_with_itself": False,
    "relation_follows_policy": False,
    "prior_updates": 1,
    "prior_steps": 256,
    "usage_coeff": 0.0,
    "prior_temperature": 4.0,
    "decouples_decay": False,
}
"""Settings that bring the released code's choices back (README.md has what each is)."""


@dataclass(frozen=True, kw_only=True)
class MRASettings:
    """Settings of MRA. RLlib's `lr`, `gamma` and `grad_clip` stand in the config.

    Attributes:
        num_latents: H, from how many relations an agent has one; 1: no latent.
        prior: Of the latents: "learned" from the number of agents, or "uniform".
        prior_temperature: By which the prior's logits are divided.
        prior_updates: Updates of prior and predictor after every round, at most `updates_per_round`.
        prior_steps: Steps of such an update, at most `batch_steps`: it learns a function of the number of agents alone.
        usage_coeff: What a nat of entropy of the latents that all populations use together is paid in the loss of prior
            and predictor; the release pays none. It leaves room for a latent of each population's own.
        information_coeff: What a nat of information between actions and latents is paid in the loss of policy and
            relations, in the unit of values; 0: nothing. Without `relation_follows_policy`, relations learn the
            released bound with an Adam of their own, which heeds no factor.
        wanted_information: Nats that are paid for, on average over agents; what goes beyond is not.
        num_contrasts: K, draws of the latent in the released bound, which is at most log K.
        contrasts_with_itself: Whether the latent itself is one of them, without which it is no bound.
        relation_follows_policy: Whether policy and relations learn together, from values and information. In the
            release the policy learns from values alone, and relations, once a round, from information alone.
        sees_itself: Whether policy and critic see the agent itself, and not through its relation to others alone.
        landmarks: "set": pooled by attention, any number of them; "row": side by side, always as many.
        own_action_in_critic: Whether an agent's values see the action they are values of; if not, they see the others'
            actions alone, and say what each own action is worth.
        policy_gradient: "expected" over the own actions, or of the one that was "sampled".
        team_error: The team's error is the "mean" of its agents', so that all populations count alike, or their "sum";
            "own": there is none, and each agent's values are of its own rewards.
        next_action_from_obs: Whether next actions are chosen from what was seen before the step.
        ignores_terminations: Whether agents that are out for good are bootstrapped all the same.
        standardize_rewards: Whether rewards have mean 0 and deviation 1 over all that a population was ever paid.
        inverse_temperature: A reward of 1 weighs as much as so many nats of entropy.
        capacity: Moments that are kept for replay; an episode of n steps takes n + 1.
        batch_steps: Steps of an update, of all populations together.
        updates_per_round: Updates of critic and policy after every round, in which each env plays an episode. One of
            the targets follows.
        learning_starts: Steps that are stored before the first update.
        tau: Share of the online weights that goes into the targets; 1: a copy.
        weight_decay: Of Adam.
        decouples_decay: Whether weights decay by themselves, as in AdamW. If not, decay is part of the gradient, as in
            the release, and stronger than that of the information, which is minute at first: relations stay equal.
    """

    num_latents: int = 6
    prior: str = "learned"
    prior_temperature: float = 1.0
    prior_updates: int = 10
    prior_steps: int = 64
    usage_coeff: float = 1.0
    information_coeff: float = 1.0
    wanted_information: float = 0.2
    num_contrasts: int = 5
    contrasts_with_itself: bool = True
    relation_follows_policy: bool = True
    sees_itself: bool = True
    landmarks: str = "set"
    own_action_in_critic: bool = False
    policy_gradient: str = "expected"
    team_error: str = "mean"
    next_action_from_obs: bool = False
    ignores_terminations: bool = False
    standardize_rewards: bool = True
    inverse_temperature: float = 30.0
    capacity: int = 20_000
    batch_steps: int = 256
    updates_per_round: int = 10
    learning_starts: int = 1000
    tau: float = 1.0
    weight_decay: float = 3e-4
    decouples_decay: bool = True

    def __post_init__(self) -> None:
        for name, known in (
            ("prior", PRIORS),
            ("landmarks", LANDMARKS),
            ("policy_gradient", GRADIENTS),
            ("team_error", TEAM_ERRORS),
        ):
            if getattr(self, name) not in known:
                raise unknown_name(name, getattr(self, name), known)
        for name in (
            "num_latents",
            "capacity",
            "batch_steps",
            "updates_per_round",
            "prior_updates",
            "prior_steps",
            "learning_starts",
        ):
            check_count(name, getattr(self, name))
        if self.num_latents > KEYS:
            raise ValueError(f"num_latents must be at most {KEYS}, the numbers of all keys, got {self.num_latents!r}")
        check_count("num_contrasts", self.num_contrasts, least=2)
        for name in ("usage_coeff", "information_coeff", "wanted_information", "weight_decay"):
            check_number(name, getattr(self, name), least=0)
        for name in ("inverse_temperature", "prior_temperature"):
            check_number(name, getattr(self, name), above=0)
        check_number("tau", self.tau, above=0, most=1)
        if self.own_action_in_critic and self.policy_gradient == "expected":
            raise ValueError(
                "values that see the own action (own_action_in_critic=True) say nothing of the others, which "
                "policy_gradient='expected' needs; set it to 'sampled'"
            )


def check_rates(lr: Any, gamma: Any, grad_clip: Any) -> None:
    """Checks what RLlib takes unseen; a schedule of `lr` is RLlib's to check.

    Raises:
        ValueError: Out of range.
    """
    if not isinstance(lr, list):
        check_number("lr", lr, above=0)
    check_number("gamma", gamma, least=0, most=1)
    if grad_clip is not None:
        check_number("grad_clip", grad_clip, above=0)
