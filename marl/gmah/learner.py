"""RLlib's learner of GMAH: value factorization over subgoals, and what is below it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cached_property
from typing import Any

import numpy as np
import torch

from marl.gmah.goals import allowed_subgoals, intrinsic_rewards
from marl.gmah.module import CAUSES, SUBGOALS, GoalModule
from marl.gmah.settings import GoalSettings
from marl.qmix.learner import MIXER, Batch, FactorizationLearner, Worth
from marl.qmix.values import masked_loss, next_values, td_targets, values_of

LOW_LEVEL, INDEPENDENT, JOINT = range(3)
PHASES = ("low level", "independent", "joint")
GENERATOR = "generator"
# [T, P], the subgoal that an agent completes next; -1: none any more.
UPCOMING = "upcoming"

Columns = Mapping[str, torch.Tensor]


class GoalLearner(FactorizationLearner):
    """Adds to `FactorizationLearner`, whose choices are subgoals here, the low level and what triggers new subgoals.

    A batch has, beside its columns, SUBGOALS and CAUSES [B, T+1, n], which say after an episode's last step that
    everybody chooses, and UPCOMING [B, T, n].

    Attributes:
        phase: What is learned: LOW_LEVEL, INDEPENDENT or JOINT.
    """

    phase = LOW_LEVEL

    @cached_property
    def settings(self) -> GoalSettings:
        """What the config says."""
        config: Any = self.config
        return config.factorization_settings()

    @cached_property
    def _rng(self) -> np.random.Generator:
        config: Any = self.config
        return np.random.default_rng(None if config.seed is None else [config.seed, 2])

    @property
    def mixes(self) -> bool:
        """Whether agents learn from the team's mixed value: in the last phase, where there is a mixer."""
        return super().mixes and self.phase == JOINT

    def factorization_loss(self, batch: Batch) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Returns the loss of what this phase learns, and numbers for the log."""
        losses, numbers = [], dict[str, torch.Tensor]()
        for module_id, module in self._modules().items():
            if isinstance(module, GoalModule):
                for loss, own in self._losses_below(module, batch[module_id]):
                    losses.append(loss)
                    numbers |= own
        if self.phase != LOW_LEVEL and self.settings.chooser == "learned":
            choices = {
                module_id: as_choices(module, batch[module_id])
                for module_id, module in self._modules().items()
                if isinstance(module, GoalModule)
            }
            loss, own = self._loss_above(self._worth(choices))
            losses.append(loss)
            numbers |= own
        return torch.stack(losses).sum(), numbers

    def _loss_above(self, worth: Worth) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Returns the high level's loss.

        While agents learn by themselves the mixer learns what their values amount to, and tells them nothing: joint
        learning is not to begin with what a mixer of random weights makes of them.
        """
        if self.mixes:
            return self._team_loss(worth)
        loss, numbers = self._own_losses(worth)
        if MIXER not in self.module:
            return loss, numbers
        mixed, _ = self._team_loss(worth._replace(q_t=worth.q_t.detach()))
        return loss + mixed, numbers | {"mixer_loss": mixed.detach()}

    def _losses_below(self, module: GoalModule, columns: Columns) -> list[tuple[torch.Tensor, dict[str, torch.Tensor]]]:
        steps = draw_steps(module, columns, self.settings, self._rng)
        losses = [self._trigger_loss(module, steps)]
        if self.phase != INDEPENDENT:
            losses.append(self._low_loss(module, steps))
        return losses

    def _low_loss(self, module: GoalModule, steps: Columns) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Returns the loss of double Q-learning on the way to subgoals [R], many of them seen in hindsight.

        Of an agent that could do nothing there is nothing to learn.
        """
        settings, network, target = self.settings, module.goal_network, module.goal_target
        seen, goals = steps["observations"], steps["goals"]
        is_achieved = values_of(module.tree.achievements(seen, steps["next_observations"]), goals)
        is_void = ~values_of(module.tree.admissible(steps["next_observations"]), goals) & ~is_achieved
        progress = module.tree.distance(seen, goals) - module.tree.distance(steps["next_observations"], goals)
        amounts = settings.completion_reward, settings.progress_reward, settings.step_cost
        rewards = intrinsic_rewards(is_achieved, is_void, progress, amounts)
        values = values_of(network.act(module.tree.features(seen, goals, steps["around"])), steps["actions"])
        with torch.no_grad():
            features = module.tree.features(steps["next_observations"], goals, steps["next_around"])
            online = network.act(features) if settings.double_q else None
            then = next_values(target.act(features), online, steps.get("next_masks"))
            targets = td_targets(rewards, then, is_achieved | is_void, settings.low_discount)
        has_goal = values_of(module.tree.admissible(seen), goals)
        loss = masked_loss(values - targets, has_goal, settings.loss)
        return loss, {"low_loss": loss.detach(), "low_q_mean": values.detach().mean()}

    def _trigger_loss(self, module: GoalModule, steps: Columns) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Returns the loss of autoencoder and successor features, whose limits it moves."""
        network, target = module.goal_network, module.goal_target
        seen, following = (steps[name] * module.scale for name in ("observations", "next_observations"))
        features = module.tree.features(steps["observations"], steps["subgoals"], steps["around"])
        foretold = network.foretell(seen, features)
        with torch.no_grad():
            next_features = module.tree.features(steps["next_observations"], steps["subgoals"], steps["next_around"])
            codes, discount = network.encode(following), self.settings.low_discount
            sums = codes + discount * target.foretell(following, next_features)
            # What a runner will find, which has no target network.
            missed = codes + discount * network.foretell(following, next_features) - foretold
        novelty, surprise = network.novelty(seen), (sums - foretold).square().mean(dim=-1)
        rates = self.settings.novelty if network.has_autoencoder else 0.0, self.settings.surprise
        network.note_errors(novelty, missed.square().mean(dim=-1), rates)
        loss = novelty.mean() + surprise.mean()
        return loss, {"novelty": novelty.detach().mean(), "surprise": surprise.detach().mean()}

    # ---- state ----

    def get_state(
        self,
        components: str | Collection[str] | None = None,
        *,
        not_components: str | Collection[str] | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Returns the learner's state and that of what draws steps for the low level."""
        state = super().get_state(components, not_components=not_components, **kwargs)
        if self._check_component(GENERATOR, components, not_components):
            state[GENERATOR] = self._rng.bit_generator.state
        return state

    def set_state(self, state: dict[str, Any]) -> None:
        """Restores what `get_state` returned, or the part of it that is there."""
        super().set_state(state)
        if GENERATOR in state:
            self._rng.bit_generator.state = state[GENERATOR]


def as_choices(module: GoalModule, columns: Columns) -> dict[str, torch.Tensor]:
    """Returns the columns of a batch in which subgoals are the actions, and masks say which could be chosen."""
    allowed = allowed_subgoals(module.tree.choices(columns["obs"].float()), columns[SUBGOALS], columns[CAUSES])
    return {**columns, "actions": columns[SUBGOALS][:, :-1].long(), "action_mask": allowed}


def draw_steps(
    module: GoalModule, columns: Columns, settings: GoalSettings, rng: np.random.Generator
) -> dict[str, torch.Tensor]:
    """Returns R steps of agents, all as likely.

    "goals" are the subgoals that the low level learns from: those in force ("subgoals"), or with chance
    `settings.hindsight` the one that the agent completed next in its episode, where it was admissible by then.
    """
    acted = (columns["mask"].unsqueeze(-1) & columns["alive"].bool()).nonzero()
    rows, times, agents = acted[torch.from_numpy(rng.integers(len(acted), size=settings.low_batch_size))].unbind(-1)
    seen, following = (columns["obs"][rows, times + later, agents].float() for later in (0, 1))
    subgoals, upcoming = (columns[name][rows, times, agents].long() for name in (SUBGOALS, UPCOMING))
    is_known = values_of(module.tree.admissible(seen), upcoming.clamp(min=0)) & (upcoming >= 0)
    is_hindsight = torch.from_numpy(rng.random(len(rows)) < settings.hindsight) & is_known
    steps = {
        "observations": seen,
        "next_observations": following,
        "around": module.tree.around(seen),
        "next_around": module.tree.around(following),
        "actions": columns["actions"][rows, times, agents].long(),
        "subgoals": subgoals,
        "goals": torch.where(is_hindsight, upcoming.clamp(min=0), subgoals),
    }
    if "action_mask" in columns:
        steps["next_masks"] = columns["action_mask"][rows, times + 1, agents]
    return steps
