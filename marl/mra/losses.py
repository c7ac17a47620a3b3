"""The losses of MRA, and what they say of themselves: plain functions of a module and a batch of steps.

S. Zhang et al. 2023, as far as the released code shows it (README.md says what is ours).

    symbol                     here                                        shape
    o, o'                      views_t, views_tp1                          [B, N, ...]
    z                          latents                                     [B, N, H] one-hot
    R(o, z)                    relate                                      [B, N, M]
    what is seen, in parts     sight_t, sight_tp1 (parts.py)
    Q_i(o, a)                  Critic                                      [B, N, A]
    y_i                        soft_targets: r + gamma Q' - log pi' / T    [B, N]
    1 / T                      1 / inverse_temperature
    beta, I*                   information_coeff, wanted_information

All means are over agents that are in. Randomness is the generator's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import nn

from games.particles import EntityViews
from marl.mra.critic import relations_within
from marl.mra.module import LATENTS, MRAModule
from marl.mra.parts import Sight, in_order, see
from marl.mra.settings import MRASettings
from marl.rllib.modules.actor_critic import forbid

Numbers = dict[str, torch.Tensor]


@dataclass(frozen=True, eq=False)
class Steps:
    """B steps of a group of N agents, of populations of any sizes.

    Attributes:
        views_t: What was seen before.
        views_tp1: And after.
        mask_t: [B, N, A] legal actions, or None; likewise `mask_tp1`.
        actions: [B, N].
        rewards: [B, N] as they are learned from.
        alive: [B, N] bool; took the step.
        next_alive: [B, N] bool; has a future.
        latents: [B, N, H] under which it was taken.
        games: [B] number of the population among those of the training.
        num_agents: [B] agents that the episode began with.
    """

    views_t: EntityViews
    views_tp1: EntityViews
    mask_t: torch.Tensor | None
    mask_tp1: torch.Tensor | None
    actions: torch.Tensor
    rewards: torch.Tensor
    alive: torch.Tensor
    next_alive: torch.Tensor
    latents: torch.Tensor
    games: torch.Tensor
    num_agents: torch.Tensor

    @cached_property
    def sight_t(self) -> Sight:
        """What was seen before, in parts of like populations."""
        return see(self.views_t, self.alive | self.next_alive, self.num_agents)

    @cached_property
    def sight_tp1(self) -> Sight:
        """And after."""
        return see(self.views_tp1, self.alive | self.next_alive, self.num_agents)


def steps_of(module: MRAModule, columns: Mapping[str, torch.Tensor]) -> Steps:
    """Returns the steps of a batch's columns, in the order of their populations."""
    columns = in_order(columns)
    return Steps(
        views_t=module.views(columns["obs"]),
        views_tp1=module.views(columns["new_obs"]),
        mask_t=columns.get("action_mask"),
        mask_tp1=columns.get("new_action_mask"),
        actions=columns["actions"].long(),
        rewards=columns["rewards"],
        alive=columns["alive"].bool(),
        next_alive=columns["next_alive"].bool(),
        latents=columns[LATENTS],
        games=columns["games"].long(),
        num_agents=columns["num_agents"],
    )


def draw(logits: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Returns draws [...] from softmax of logits [..., K]."""
    return (logits + gumbel(logits.shape, generator)).argmax(dim=-1)


def gumbel(shape: torch.Size, generator: torch.Generator) -> torch.Tensor:
    """Returns Gumbel noise."""
    drawn = torch.rand(shape, generator=generator).clamp(min=torch.finfo(torch.float32).tiny)
    return -(-drawn.log()).clamp(min=torch.finfo(torch.float32).tiny).log()


def mean_of(values: torch.Tensor, alive: torch.Tensor) -> torch.Tensor:
    """Returns the mean of values [B, N] over agents that are in, or of values [B] over steps in which anybody is."""
    return (values * alive).sum() / alive.sum().clamp(min=1)


def relate(module: MRAModule, sight: Sight, latents: torch.Tensor) -> torch.Tensor:
    """Returns relations [B, N, M] under latents [B, N, H]."""
    return sight.ask_of_others(lambda part: module.actor.relation.under(part.views, part.of(latents)))


def relate_all(module: MRAModule, sight: Sight) -> torch.Tensor:
    """Returns the relations of every latent, [B, N, H, M]."""
    return sight.ask_of_others(lambda part: module.actor.relation(part.views))


def log_policy(policy: nn.Module, sight: Sight, relations: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """Returns log-probabilities [B, N, A] for relations [B, N, M]."""
    return log_policies(policy, sight, relations.unsqueeze(-2), mask).squeeze(-2)


def log_policies(policy: nn.Module, sight: Sight, relations: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """Returns log-probabilities [B, N, H, A] under each of relations [B, N, H, M]."""
    logits = sight.ask(lambda part: policy(part.views, part.of_others(relations)))
    return torch.log_softmax(forbid(logits, None if mask is None else mask.unsqueeze(-2)), dim=-1)


def evaluate(critic: nn.Module, sight: Sight, mix: torch.Tensor, actions: torch.Tensor) -> torch.Tensor:
    """Returns values [B, N, A] of actions, given those [B, N] of the others and what they are to each other."""
    return sight.ask(lambda part: critic(part.views, part.within(mix), part.of(actions)))


# ---- critic ----


def soft_targets(
    module: MRAModule, steps: Steps, settings: MRASettings, discount: float, generator: torch.Generator
) -> torch.Tensor:
    """Returns y [B, N]; without the second part where nothing follows."""
    is_late = settings.next_action_from_obs
    sight, mask = (steps.sight_t, steps.mask_t) if is_late else (steps.sight_tp1, steps.mask_tp1)
    relations = relate(module, sight, steps.latents)
    log_probs = log_policy(module.target_policy, sight, relations, mask)
    actions = draw(log_probs, generator)
    values = evaluate(module.target_critic, steps.sight_tp1, relations_within(relations, module.first), actions)
    future = discount * _at(values, actions) - _at(log_probs, actions) / settings.inverse_temperature
    goes_on = steps.alive if settings.ignores_terminations else steps.next_alive
    return steps.rewards + future * goes_on


def critic_loss(
    module: MRAModule, steps: Steps, settings: MRASettings, discount: float, generator: torch.Generator
) -> tuple[torch.Tensor, Numbers]:
    """Returns the squared error of the team, whose value is its agents' together, as in VDN; or of each agent."""
    with torch.no_grad():
        targets = soft_targets(module, steps, settings, discount, generator)
        mix = relations_within(relate(module, steps.sight_t, steps.latents), module.first)
    values = _at(evaluate(module.critic, steps.sight_t, mix, steps.actions), steps.actions)
    errors, is_there = values - targets, steps.alive
    if settings.team_error != "own":
        errors, is_there = (errors * steps.alive).sum(dim=-1), steps.alive.any(dim=-1)
    if settings.team_error == "mean":
        errors = errors / steps.alive.sum(dim=-1).clamp(min=1)
    loss = mean_of(errors.square(), is_there)
    numbers = {"q_mean": mean_of(values, steps.alive), "target_mean": mean_of(targets, steps.alive)}
    return loss, {"critic_loss": loss} | numbers


# ---- policy ----


def policy_loss(
    module: MRAModule, steps: Steps, settings: MRASettings, generator: torch.Generator
) -> tuple[torch.Tensor, Numbers]:
    """Returns the soft policy loss, less what is paid for information.

    Soft: log pi / T less what actions are worth, given others' draws from the policy. Policy and relations go down

        soft - beta min(I(a; z | o), I*)

    together: the penalty form of "as good as can be with I* nats at least", exact for any beta above the multiplier of
    that constraint. Without `relation_follows_policy` the soft part alone, for the policy alone.
    """
    is_joint = settings.relation_follows_policy
    is_paid = is_joint and module.num_latents > 1 and settings.information_coeff > 0
    policy, sight, mask = module.actor.policy, steps.sight_t, steps.mask_t
    with torch.set_grad_enabled(is_joint):
        of_all = relate_all(module, sight)
        relations = (steps.latents.unsqueeze(-2) @ of_all).squeeze(-2)
    if is_paid:
        log_all = log_policies(policy, sight, of_all, mask)
        log_probs = _of_latent(log_all, steps.latents)
    else:  # policies under the other latents would be computed for nothing
        log_probs = log_policy(policy, sight, relations, mask)
    relations = relations.detach()
    with torch.no_grad():
        actions = draw(log_probs, generator)
        mix = relations_within(relations, module.first)
        values = evaluate(module.critic, sight, mix, actions)
    probs, temperature = log_probs.exp(), 1 / settings.inverse_temperature
    if settings.policy_gradient == "expected":
        each = (probs * (log_probs * temperature - values)).sum(dim=-1)
    else:
        chosen = _at(log_probs, actions)
        each = chosen * (chosen * temperature - _at(values, actions)).detach()
    soft = mean_of(each, steps.alive)
    loss = soft
    if is_paid:
        known = mean_of(information(_prior(module, steps), log_all), steps.alive)
        loss = soft - settings.information_coeff * known.clamp(max=settings.wanted_information)
    numbers = {
        "policy_loss": soft,
        "entropy": mean_of(-(probs * log_probs).sum(dim=-1), steps.alive),
        "attention_entropy": attention_entropy(relations, steps),
    }
    return loss, numbers


def attention_entropy(relations: torch.Tensor, steps: Steps) -> torch.Tensor:
    """Returns the mean entropy of relations over that of equal weights, in [0, 1], where there are two others or more.

    Args:
        relations: [B, N, M].
        steps: Of which they are.
    """
    count = steps.views_t.other_mask.sum(dim=-1)
    disorder = -(relations * relations.clamp(min=1e-12).log()).sum(dim=-1)
    return mean_of(disorder / count.clamp(min=2).log(), steps.alive & (count > 1))


# ---- information ----


def information_bound(
    module: MRAModule, steps: Steps, settings: MRASettings, generator: torch.Generator
) -> torch.Tensor:
    """Returns the released bound of the information that actions carry on latents, which trains relations alone.

    a* is drawn from the policy as it is now, under z; log(K pi(a*|z) / sum_k pi(a*|z_k)) of the target policy is raised
    through the relations. With z among the z_k it is at most log K, and a lower bound (contrastive).
    """
    relations = relate_all(module, steps.sight_t)
    log_probs = log_policies(module.target_policy, steps.sight_t, relations, steps.mask_t)
    prior = _prior(module, steps)
    with torch.no_grad():
        now = log_policies(module.actor.policy, steps.sight_t, relations, steps.mask_t)
        actions = draw(_of_latent(now, steps.latents), generator)
    # [B, N, H], of every latent
    of_action = log_probs.gather(-1, actions[..., None, None].expand(*log_probs.shape[:-1], 1)).squeeze(-1)
    own = (of_action * steps.latents).sum(dim=-1, keepdim=True)
    count = settings.num_contrasts - settings.contrasts_with_itself
    others = draw(prior.unsqueeze(-2).expand(*prior.shape[:-1], count, -1), generator)
    rivals = of_action.gather(-1, others)
    if settings.contrasts_with_itself:
        rivals = torch.cat([own, rivals], dim=-1)
    bound = math.log(settings.num_contrasts) + own.squeeze(-1) - rivals.logsumexp(dim=-1)
    return mean_of(bound, steps.alive)


@torch.no_grad()
def information_numbers(module: MRAModule, steps: Steps) -> Numbers:
    """Returns I(action; latent | what is seen) of the policy as it is, and its ceiling, in nats.

    The ceiling is the information there would be if a latent named one other agent, each that is there as likely, and
    the policy saw that one alone: how much it heeds whom it attends to, whatever the relations are.
    """
    policy, sight = module.actor.policy, steps.sight_t
    own = information(_prior(module, steps), log_policies(policy, sight, relate_all(module, sight), steps.mask_t))
    there = (steps.views_t.other_mask > 0).to(torch.float32)
    single = torch.eye(there.shape[-1]).expand(*there.shape, -1)
    even = (there / there.sum(dim=-1, keepdim=True).clamp(min=1)).log()
    most = information(even, log_policies(policy, sight, single, steps.mask_t))
    return {"information": mean_of(own, steps.alive), "information_ceiling": mean_of(most, steps.alive)}


def information(prior: torch.Tensor, log_probs: torch.Tensor) -> torch.Tensor:
    """Returns I(action; latent) [...] in nats, exact.

    Args:
        prior: [..., H] log-probabilities of latents.
        log_probs: [..., H, A] of actions under each.
    """
    joint = prior.unsqueeze(-1) + log_probs
    mixture = joint.logsumexp(dim=-2, keepdim=True)
    terms = joint.exp() * (log_probs - mixture)
    return terms.masked_fill(joint == -torch.inf, 0).sum(dim=(-2, -1))


# ---- games ----


def game_loss(
    module: MRAModule, steps: Steps, settings: MRASettings, generator: torch.Generator
) -> tuple[torch.Tensor, Numbers]:
    """Returns the cross-entropy of the predictor, which through drawn latents also teaches the prior.

    Latents are drawn hard, with the gradient of soft ones (Gumbel-softmax, temperature 1). Less, times `usage_coeff`,
    the entropy of latents in all steps together: else the prior comes to a few latents, the same in all populations.
    """
    prior = module.actor.prior(_population(steps))
    soft = torch.softmax(prior + gumbel(prior.shape, generator), dim=-1)
    hard = nn.functional.one_hot(soft.argmax(dim=-1), module.num_latents).to(soft.dtype)
    latents = hard + soft - soft.detach()
    with torch.no_grad():
        of_all = relate_all(module, steps.sight_t)
    relations = (latents.unsqueeze(-2) @ of_all).squeeze(-2)
    told = steps.sight_t.ask(lambda part: module.predictor(part.views, part.of_others(relations), part.of(latents)))
    logits = (told * steps.alive[..., None]).sum(dim=1)
    error = nn.functional.cross_entropy(logits, steps.games)
    shares = (prior.exp() * steps.alive[..., None]).sum(dim=(0, 1)) / steps.alive.sum().clamp(min=1)
    loss = error + settings.usage_coeff * (shares * shares.clamp(min=1e-12).log()).sum()
    is_right = (logits.argmax(dim=-1) == steps.games).to(torch.float32)
    used = (hard * steps.alive[..., None]).sum(dim=(0, 1)) / steps.alive.sum().clamp(min=1)
    numbers = {
        "game_loss": error,
        "game_accuracy": is_right.mean(),
        "prior_entropy": mean_of(_entropy(prior.detach()), steps.alive),
        "latent_entropy": -(used * used.clamp(min=1e-12).log()).sum(),
    }
    return loss, numbers


def latent_usage(module: MRAModule) -> Numbers:
    """Returns how likely each latent is in each population of the training: `latent_<z>_of_<n>`.

    Also `game_information`: I(latent; population) in nats, if all populations are as likely.
    """
    with torch.no_grad():
        prior = module.actor.prior(torch.tensor(module.games))
        even = prior.new_full((len(module.games),), -math.log(len(module.games)))
        told = {"game_information": information(even, prior)}
    pairs = [(n, z) for n in range(len(module.games)) for z in range(module.num_latents)]
    return told | {f"latent_{z}_of_{module.games[n]}": prior[n, z].exp() for n, z in pairs}


def _population(steps: Steps) -> torch.Tensor:
    """Returns the number of agents that the episode began with, [B, N], by which latents were drawn."""
    return steps.num_agents[:, None].expand_as(steps.alive)


def _prior(module: MRAModule, steps: Steps) -> torch.Tensor:
    """Returns log-probabilities [B, N, H] of latents, which no gradient reaches: the prior is about games."""
    with torch.no_grad():
        prior: torch.Tensor = module.actor.prior(_population(steps))
    return prior


def _of_latent(values: torch.Tensor, latents: torch.Tensor) -> torch.Tensor:
    """Returns [B, N, A], the rows of values [B, N, H, A] that latents [B, N, H] choose; the first where none is."""
    chosen = latents.argmax(dim=-1)[..., None, None]
    return values.gather(-2, chosen.expand(*chosen.shape[:-1], values.shape[-1])).squeeze(-2)


def _entropy(log_probs: torch.Tensor) -> torch.Tensor:
    return -(log_probs.exp() * log_probs).sum(dim=-1)


def _at(values: torch.Tensor, actions: torch.Tensor) -> torch.Tensor:
    """Returns [...] the values [..., A] of actions [...]."""
    return values.gather(-1, actions.unsqueeze(-1)).squeeze(-1)
