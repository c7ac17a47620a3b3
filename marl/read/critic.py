"""Values of what the first robots of a team do: the critic of ReAd, and what it is fitted to.

Zhang et al. 2024, "Towards efficient LLM grounding for embodied multi-agent collaboration" (arXiv 2405.14314). Robots
1..n choose in this order; mu is the planner's joint policy. The value of an ordered subset is the return when the first
k robots' actions are given and mu chooses the others' (their eq. for Q^{1:k}; k = 0 is V, k = n is Q):

    Q(s, a_1..k) = E_{a_k+1..n ~ mu(. | s, a_1..k)} [ Q(s, a_1..n) ]

The advantage of robot k, given those before it, is A(s, a_1..k-1, a_k) = Q(s, a_1..k) - Q(s, a_1..k-1). These sum to
the joint advantage (the decomposition of HAPPO, Kuba et al. 2022, lemma 1):

    sum_k A(s, a_1..k-1, a_k) = Q(s, a) - V(s) = A(s, a)

**Why asking again improves a plan** (multi-agent advantage-weighted regression, after Peng et al. 2019). The policy
that gains most advantage at a KL distance from mu is

    pi*(a | s) ∝ mu(a | s) exp(A(s, a) / beta) = prod_k mu(a_k | s, a_1..k-1) exp(A(s, a_1..k-1, a_k) / beta)

up to the normalisation of each factor, so it can be sampled robot by robot. For beta -> 0, a plan is kept if its
advantage is above a bar eps and dropped otherwise: pi(a | s) ∝ mu(a | s) 1[A(s, a) > eps]. To ask a language model
again until the score passes the bar is to sample from this without knowing mu's probabilities (`refine.py`). With
eps >= 0 and the exact A, no factor of pi is worse than mu's; a learned A promises nothing.

**The joint score without V.** Where all robots' WAIT w changes nothing and earns nothing, Q(s, w) = gamma V(s), and so
A(s, a) = Q(s, a) - Q(s, w) / gamma (ReAd-J). Here every world has a time limit, so waiting costs time: the identity is
off by what a step is worth, and `wait_gap` measures how much.

| symbol | variable | shape |
|---|---|---|
| s | `state`, its rows `states` | [S], [B, S] |
| a_1..k | `actions`, OPEN where mu chooses | [n], [B, n] |
| Q(s, a_1..k) | `values` | [B] |
| gamma | `discount` | |
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from torch import nn

from marl.read.encoders import OPEN, Encoder
from marl.read.experience import Experience


@dataclass(frozen=True)
class CriticSettings:
    """How a critic is fitted.

    Attributes:
        hidden: Widths of the layers; the paper has one of 256 behind frozen sentence features.
        steps: Updates; the paper's are 9e5 of 32 rows.
        batch_size: Rows of an update, each with a random number of its first actions left.
        learning_rate: Of Adam at first, the paper's; it falls to 0 along half a cosine.
        discount: gamma; not given in the paper.
        seed: Of weights and batches.
    """

    hidden: tuple[int, ...] = (128, 128)
    steps: int = 4000
    batch_size: int = 256
    learning_rate: float = 1e-3
    discount: float = 0.95
    seed: int = 0


class Critic:
    """Values of ordered subsets of actions.

    Args:
        encoder: Of states and actions.
        settings: Of the network and gamma.
        scale: What its network's 1 is worth.
    """

    def __init__(self, encoder: Encoder, settings: CriticSettings, scale: float = 1.0) -> None:
        self.encoder, self.settings, self.scale = encoder, settings, scale
        layers, width = list[nn.Module](), encoder.size
        for size in settings.hidden:
            layers += [nn.Linear(width, size), nn.ReLU()]
            width = size
        self.network = nn.Sequential(*layers, nn.Linear(width, 1))

    @torch.inference_mode()
    def values(self, states: np.ndarray, texts: Sequence[str], actions: np.ndarray) -> np.ndarray:
        """Returns Q(s, a_1..k) of rows, [B] float64.

        Args:
            states: [B, S] float32.
            texts: B descriptions; may be empty where the encoder reads none.
            actions: [B, n], OPEN for robots whose actions are not given.
        """
        features = torch.from_numpy(self.encoder(states, texts, actions))
        return self.network(features)[:, 0].double().numpy() * self.scale


def prefixes(actions: np.ndarray) -> np.ndarray:
    """Returns all beginnings of joint actions [..., n]: [..., n + 1, n], from none given to all."""
    num = actions.shape[-1]
    is_given = np.arange(num) < np.arange(num + 1)[:, None]
    return np.where(is_given, actions[..., None, :], OPEN)


def local_advantages(values: np.ndarray) -> np.ndarray:
    """Returns A(s, a_1..k-1, a_k) of each robot, [..., n], from the values of all prefixes, [..., n + 1]."""
    return np.diff(values, axis=-1)


def fit(experience: Experience, encoder: Encoder, settings: CriticSettings) -> Critic:
    """Returns a critic fitted to Monte-Carlo returns by least squares.

    Each row of an update is a step with the actions of its first k robots, k uniform from 0 to n; the target is the
    return that followed. So the others' actions are drawn from what the planner did in such states.

    Args:
        experience: Of the planner.
        encoder: Of states and actions.
        settings: Of the fit.

    Raises:
        ValueError: There is nothing to fit to.
    """
    if not len(experience.returns):
        raise ValueError("a critic needs some experience, got none")
    with torch.random.fork_rng():
        torch.manual_seed(settings.seed)
        critic = Critic(encoder, settings, max(1e-6, float(np.abs(experience.returns).max())))
        optimizer = torch.optim.Adam(critic.network.parameters(), lr=settings.learning_rate)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, settings.steps)
        rng, num = np.random.default_rng(settings.seed), experience.actions.shape[1]
        for _ in range(settings.steps):
            rows = rng.integers(len(experience.returns), size=settings.batch_size)
            given = np.arange(num) < rng.integers(num + 1, size=(settings.batch_size, 1))
            actions = np.where(given, experience.actions[rows], OPEN)
            texts = [experience.texts[row] for row in rows] if experience.texts else []
            features = torch.from_numpy(encoder(experience.states[rows], texts, actions))
            targets = torch.from_numpy(experience.returns[rows] / critic.scale).float()
            optimizer.zero_grad()
            (critic.network(features)[:, 0] - targets).square().mean().backward()
            optimizer.step()
            schedule.step()
    return critic


def save_critic(critic: Critic, folder: Path) -> None:
    """Writes `critic.json` and `critic.safetensors`; the encoder is the caller's to make again."""
    folder.mkdir(parents=True, exist_ok=True)
    document = {"settings": asdict(critic.settings), "scale": critic.scale, "features": critic.encoder.size}
    (folder / "critic.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    safetensors.torch.save_file(critic.network.state_dict(), folder / "critic.safetensors")


def load_critic(folder: Path, encoder: Encoder) -> Critic:
    """Returns what `save_critic` wrote.

    Args:
        folder: Of the critic.
        encoder: As the one it was fitted with.

    Raises:
        FileNotFoundError: There is none.
        ValueError: The encoder has another number of features.
    """
    document = json.loads((folder / "critic.json").read_text(encoding="utf-8"))
    if document["features"] != encoder.size:
        raise ValueError(f"{folder}: the critic has {document['features']} features, the encoder {encoder.size}")
    given = document["settings"]
    critic = Critic(encoder, CriticSettings(**{**given, "hidden": tuple(given["hidden"])}), document["scale"])
    critic.network.load_state_dict(safetensors.torch.load_file(folder / "critic.safetensors"))
    return critic
