"""Trained policies as two small files, JSON and safetensors: nothing in them can execute.

`policy.json` says what the network is and where it was trained, `policy.safetensors` holds its weights. They are what
`agora evaluate` and `agora render` read; a solver's own checkpoint is not needed to play.
"""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import gymnasium
import numpy as np
import pydantic
import safetensors
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from agents.memory import GeneratorAlone
from agents.protocol import find_agent
from games.batch import Batch, Group

ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh, "silu": nn.SiLU}
FORBIDDEN_LOGIT = -1e9
LEAST_LOG_DEVIATION, MOST_LOG_DEVIATION = -20.0, 2.0  # of squashed normals


class PolicyError(ValueError):
    """Policy files that are missing, damaged, or for another world."""


class PolicyDescription(pydantic.BaseModel, extra="forbid"):
    """What `policy.json` holds.

    Attributes:
        format: Grows whenever these files change.
        env_id: Where the policy was trained.
        settings: Of the world, beyond the id's.
        observation_size: Numbers that the network sees: one observation, flattened, and the context.
        hidden_sizes: Widths of the hidden layers.
        num_actions: Logits of the last layer, those of all parts together where an action has several; or numbers of a
            continuous action.
        activation: Between the layers.
        observation_scale: Multiplies what the network sees.
        is_greedy: What is most probable is played instead of a draw: the largest of the network's numbers, as of action
            values, or the mean of a squashed normal.
        distribution: What the last layer holds. "categorical": logits. "squashed_normal": means and then logarithms of
            deviations of numbers whose hyperbolic tangents are the action.
        context: A constant that is put after every observation, as of a policy that was told its opponent's
            rationality and plays in a world that tells nobody; None: nothing is.
    """

    format: Literal["agora-policy-1"] = "agora-policy-1"
    env_id: str
    settings: dict[str, Any] = {}
    observation_size: int = pydantic.Field(ge=1)
    hidden_sizes: list[pydantic.PositiveInt]
    num_actions: int = pydantic.Field(ge=1)
    activation: Literal["relu", "tanh", "silu"] = "relu"
    observation_scale: float = 1.0
    is_greedy: bool = False
    distribution: Literal["categorical", "squashed_normal"] = "categorical"
    context: float | None = pydantic.Field(default=None, allow_inf_nan=False)

    def make_network(self) -> nn.Sequential:
        """Builds the network with random weights: linear layers with the activation between them."""
        layers: list[nn.Module] = []
        last = self.num_actions * (2 if self.distribution == "squashed_normal" else 1)
        for width_in, width_out in pairwise([self.observation_size, *self.hidden_sizes, last]):
            layers += [nn.Linear(width_in, width_out), ACTIVATIONS[self.activation]()]
        return nn.Sequential(*layers[:-1])


def save_policy(folder: Path, description: PolicyDescription, weights: list[tuple[torch.Tensor, torch.Tensor]]) -> None:
    """Writes the two files.

    Args:
        folder: Exists already.
        description: Of the network.
        weights: Weight [out, in] and bias [out] of each linear layer, first to last.
    """
    network = description.make_network()
    linear = [layer for layer in network if isinstance(layer, nn.Linear)]
    with torch.no_grad():
        for layer, (weight, bias) in zip(linear, weights, strict=True):
            layer.weight.copy_(weight)
            layer.bias.copy_(bias)
    save_file(network.state_dict(), folder / "policy.safetensors")
    (folder / "policy.json").write_text(description.model_dump_json(indent=2) + "\n", encoding="utf-8")


def load_policy(folder: Path) -> tuple[PolicyDescription, nn.Sequential]:
    """Reads the two files.

    Raises:
        PolicyError: A file is missing or damaged; the message names it.
    """
    description_path, weights_path = folder / "policy.json", folder / "policy.safetensors"
    for path in (description_path, weights_path):
        if not path.is_file():
            raise PolicyError(f"no policy file {path}")
    try:
        description = PolicyDescription.model_validate_json(description_path.read_text(encoding="utf-8"))
    except (pydantic.ValidationError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise PolicyError(f"{description_path} is damaged: {str(error).splitlines()[0]}") from error
    network = description.make_network()
    try:
        network.load_state_dict(load_file(weights_path))
    except (safetensors.SafetensorError, RuntimeError, OSError) as error:
        message = " ".join(str(error).split())
        raise PolicyError(f"{weights_path} is damaged, or not of {description_path.name}: {message}") from error
    return description, network.eval()


class TrainedPlayer(GeneratorAlone):
    """Plays a saved policy.

    Args:
        folder: With `policy.json` and `policy.safetensors`.
        seed: Of the player's own generator.
        is_greedy: Always the most probable action, instead of a draw from the policy; a greedy policy is it anyway.
        context: Put after every observation in place of the policy's own; None: the policy's own, if it has one.

    Raises:
        PolicyError: A file is missing or damaged.
    """

    def __init__(self, folder: Path, seed: int = 0, is_greedy: bool = False, context: float | None = None) -> None:
        self.description, self._network = load_policy(folder)
        self._rng = np.random.default_rng(seed)
        self._is_greedy = is_greedy or self.description.is_greedy
        self._context = self.description.context if context is None else context

    def act(self, batch: Batch, agent: str) -> np.ndarray:
        """Returns actions, [E] or [E, A] int32, or [E, A] float32 of a squashed normal."""
        return self.act_rows(batch, agent, np.arange(batch.num_envs))

    def act_rows(self, batch: Batch, agent: str, envs: np.ndarray) -> np.ndarray:
        """Returns actions in some envs, [n] or [n, A]."""
        name, row = find_agent(batch, agent)
        group = batch.groups[name]
        features = self._features(batch, group.observations[envs, row])
        if self.description.distribution == "squashed_normal":
            return self._draw_squashed(group, agent, features)
        masks = None if group.action_masks is None else group.action_masks[envs, row]
        return self._draw_choices(group, agent, features, masks)

    def _features(self, batch: Batch, observations: np.ndarray) -> np.ndarray:
        """Returns [n, D] what the network sees."""
        features = observations.reshape(len(observations), -1)
        added = 0 if self._context is None else 1
        if features.shape[1] + added != self.description.observation_size:
            context = "" if self._context is None else f" besides the context {self._context:g}"
            raise PolicyError(
                f"the policy was trained on {self.description.env_id} with {self.description.observation_size - added} "
                f"numbers per observation{context}; {batch.spec.id} shows {features.shape[1]}"
            )
        if self._context is None:
            return features
        return np.hstack([features, np.full((len(features), 1), self._context, np.float32)])

    def _draw_choices(self, group: Group, agent: str, features: np.ndarray, masks: np.ndarray | None) -> np.ndarray:
        space: Any = group.action_space
        choices = [int(n) for n in np.atleast_1d(getattr(space, "nvec", getattr(space, "n", 0)))]
        if sum(choices) != self.description.num_actions:
            raise PolicyError(f"the policy has {self.description.num_actions} actions, {agent} {space}")
        logits = self.logits(features)
        if masks is not None:
            logits = np.where(masks, logits, FORBIDDEN_LOGIT)
        if not self._is_greedy:
            logits = logits + self._rng.gumbel(size=logits.shape)  # the largest is a draw from the softmax
        parts = np.split(logits, np.cumsum(choices)[:-1], axis=1)
        actions = np.stack([part.argmax(axis=1) for part in parts], axis=-1)
        return actions.reshape(len(features), *group.actions.shape[2:]).astype(np.int32)

    def _draw_squashed(self, group: Group, agent: str, features: np.ndarray) -> np.ndarray:
        space, count = group.action_space, self.description.num_actions
        is_unit = isinstance(space, gymnasium.spaces.Box) and bool((space.low == -1).all() and (space.high == 1).all())
        if not is_unit or space.shape != (count,):
            raise PolicyError(f"the policy's actions are {count} numbers in [-1, 1], those of {agent} are {space}")
        mean, log_deviation = np.split(self._outputs(features), 2, axis=1)
        if not self._is_greedy:
            deviation = np.exp(log_deviation.clip(LEAST_LOG_DEVIATION, MOST_LOG_DEVIATION))
            mean = mean + deviation * self._rng.standard_normal(mean.shape, np.float32)
        return np.tanh(mean)

    def logits(self, observations: np.ndarray) -> np.ndarray:
        """Returns the network's logits [n, K] for observations [n, D], before any mask.

        Raises:
            PolicyError: The policy's actions are continuous, so it has none.
        """
        if self.description.distribution != "categorical":
            raise PolicyError(f"a policy of distribution {self.description.distribution!r} has no logits")
        return self._outputs(observations)

    def _outputs(self, observations: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            inputs = torch.from_numpy(observations.astype(np.float32)) * self.description.observation_scale
            return self._network(inputs).numpy()
