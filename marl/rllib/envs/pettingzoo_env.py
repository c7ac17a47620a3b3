"""PettingZooMultiAgentEnv: any parallel PettingZoo environment with RLlib's plain MultiAgentEnv face.

For worlds of others, at the speed of RLlib's own runner; ours are faster on the batched one. RLlib's wrapper of the
same purpose takes agents and spaces from the first reset, orders agents by a set, and leaves masks where no module
finds them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, TypeAlias

import gymnasium
import numpy as np
import pettingzoo
from gymnasium import spaces
from pettingzoo.utils.conversions import aec_to_parallel
from ray.rllib.env.multi_agent_env import MultiAgentEnv
from ray.tune.registry import register_env

from games.names import unknown_name
from marl.rllib.envs.multi_agent_env import rllib_flags

PettingZooEnv: TypeAlias = pettingzoo.ParallelEnv | pettingzoo.AECEnv


def register_pettingzoo(
    name: str, make_env: Callable[..., PettingZooEnv] | str, *, flatten: bool = True, masks_in_infos: bool = False
) -> None:
    """Registers a PettingZoo environment with RLlib, for `config.environment(name, env_config={...})`.

    Args:
        name: Under which configs find it.
        make_env: Called with `env_config` as keyword arguments, once for every copy; or an id of PettingZoo's registry.
        flatten: As in `PettingZooMultiAgentEnv`.
        masks_in_infos: As in `PettingZooMultiAgentEnv`.
    """
    if isinstance(make_env, PettingZooEnv):
        raise TypeError(
            f"register_pettingzoo needs a function or an id that makes copies, got the environment {make_env}"
        )
    options = {"flatten": flatten, "masks_in_infos": masks_in_infos}
    register_env(name, partial(_make_face, make_env, options))


def _make_face(
    make_env: Callable[..., PettingZooEnv] | str, options: dict[str, Any], env_config: Mapping[str, Any]
) -> PettingZooMultiAgentEnv:
    make = partial(pettingzoo.make, "parallel", make_env) if isinstance(make_env, str) else make_env
    return PettingZooMultiAgentEnv(make(**env_config), **options)


class PettingZooMultiAgentEnv(MultiAgentEnv):
    """A parallel PettingZoo environment, shown to RLlib.

    Observations are flat float32 rows: boxes of any shape and dtype unrolled, Discrete one-hot, Dict and Tuple laid end
    to end (`gymnasium.spaces.utils.flatten`). With an action mask they become Dict{"action_mask": [K] float32,
    "observations": row}, which `ActorCriticModule` and RLlib's masking module take. A mask stands beside the
    observation ({"observation": ..., "action_mask": ...}) or in the infos; for a MultiDiscrete action the masks of its
    parts are laid side by side. Discrete actions count from 0, whatever the environment's `start`.

    Agents may join and leave. One that ends is shown a last observation and reward with its flag, and nothing after
    that; what the environment still says of it is dropped, and so are actions for it. One that leaves `agents` without
    a flag has terminated. An agent of which a step says nothing is left out of that step; if it ends so, its last
    observation is shown again, because RLlib wants one for every action. Where everybody ends in the step in which
    others begin, one of them hears of it a step later, because RLlib would end the episode there. The end of an episode
    is told as `marl.rllib.envs.multi_agent_env.rllib_flags` says.

    Args:
        env: A parallel environment; an AEC environment that may be played in parallel; a function that makes one; or an
            id of PettingZoo's registry.
        flatten: False leaves Box observations in their shape and dtype, for convolutional modules.
        masks_in_infos: Takes `infos[agent]["action_mask"]` as the mask of discrete actions; without one all are legal.

    Attributes:
        env: The environment as PettingZoo has it.
        possible_agents: All agents that may ever appear, in the environment's order.
        agents: Those that the last `reset` or `step` spoke of: the live ones, and those that ended in it.
        observation_spaces: By agent, for all possible agents.
        action_spaces: By agent, for all possible agents.

    Raises:
        TypeError: Not a PettingZoo environment.
        ValueError: It has no `possible_agents`, moves agent by agent, or has spaces that no module can see or mask.
    """

    def __init__(
        self,
        env: PettingZooEnv | Callable[[], PettingZooEnv] | str,
        *,
        flatten: bool = True,
        masks_in_infos: bool = False,
    ) -> None:
        self.env = _as_parallel(env)
        self.metadata = dict(getattr(self.env, "metadata", {}))  # RLlib writes into it
        self.render_mode = getattr(self.env, "render_mode", None)
        self.possible_agents = _possible_agents(self.env)
        self._faces = {agent: _AgentFace(self.env, agent, flatten, masks_in_infos) for agent in self.possible_agents}
        self.observation_spaces: dict[Any, gymnasium.Space] = {a: f.observation_space for a, f in self._faces.items()}
        self.action_spaces: dict[Any, gymnasium.Space] = {a: f.action_space for a, f in self._faces.items()}
        self.agents = list(self.possible_agents)
        self._forget_episode()
        super().__init__()

    def _forget_episode(self) -> None:
        self._live: list[Any] = []
        self._ended: set[Any] = set()
        self._last_seen: dict[Any, Any] = {}
        self._waiting: set[Any] = set()  # acted, and have seen nothing since
        self._held: dict[Any, tuple[Any, bool, bool]] = {}

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[Any, Any], dict[Any, Any]]:
        """Starts an episode; seed and options go to the environment as they are."""
        observations, infos = self.env.reset(seed=seed, options=options)
        self._forget_episode()
        self._live = self.agents = self._present()
        if not self._live:
            raise ValueError(f"{self.env} begins an episode without any agent")
        return self._show(observations, infos, self._live), self._pass_on(infos, self._live)

    def step(self, action_dict: dict[Any, Any]) -> tuple[Any, Any, Any, Any, Any]:
        """Steps with the actions of the agents that have not ended.

        Raises:
            UnknownNameError: An action of, or a word about, an agent that is not in `possible_agents`.
            ValueError: An agent that had ended lives again.
        """
        actions = self._actions(action_dict)
        self._waiting.update(actions.keys() & self._last_seen.keys())
        observations, rewards, terminations, truncations, infos = self.env.step(actions)
        present = self._present()
        self._refuse_revived(present, terminations, truncations)
        known = [a for a in self.possible_agents if (a in self._live or a in present) and a not in self._ended]
        cut = {a: bool(truncations.get(a, False)) for a in known}
        over = {a: bool(terminations.get(a, False)) or (a not in present and not cut[a]) for a in known}
        ended = [a for a in known if over[a] or cut[a]]
        familiar = set(self._last_seen)
        seen = self._show(observations, infos, known, ended)
        paid = {a: float(rewards.get(a, 0.0)) for a in known if a in rewards or a in seen}
        self._ended.update(ended)
        self._live = [a for a in present if a not in self._ended]
        self._delay_an_end(familiar, ended, seen, over, cut)
        self.agents = [a for a in self.possible_agents if a in over or a in known]
        return seen, paid, *rllib_flags(over, cut, is_over=not self._live), self._pass_on(infos, known)

    def render(self) -> Any:
        """Returns what the environment draws."""
        return self.env.render()

    def close(self) -> None:
        """Closes the environment."""
        self.env.close()

    def _actions(self, action_dict: Mapping[Any, Any]) -> dict[Any, Any]:
        """Returns the actions in the order of the agents. RLlib's is a set's, another one in every process."""
        for agent in action_dict:
            self._face(agent)
        acting = [agent for agent in self.possible_agents if agent in action_dict and agent not in self._ended]
        return {agent: self._faces[agent].act(action_dict[agent]) for agent in acting}

    def _face(self, agent: Any) -> _AgentFace:
        if agent not in self._faces:
            raise unknown_name(f"agent of {self.env}", agent, map(str, self.possible_agents))
        return self._faces[agent]

    def _present(self) -> list[Any]:
        for agent in self.env.agents:
            self._face(agent)
        return [agent for agent in self.possible_agents if agent in self.env.agents]

    def _show(
        self, observations: Mapping[Any, Any], infos: Mapping[Any, Any], agents: list[Any], ended: Iterable[Any] = ()
    ) -> dict[Any, Any]:
        """Returns what each of these agents sees, where there is anything to see."""
        seen = {}
        for agent in agents:
            if observations.get(agent) is not None:
                seen[agent] = self._faces[agent].show(observations[agent], infos.get(agent) or {})
            elif agent in ended and agent in self._waiting:
                seen[agent] = self._last_seen[agent]
        self._last_seen.update(seen)
        self._waiting.difference_update(seen)
        return seen

    def _delay_an_end(
        self,
        familiar: set[Any],
        ended: list[Any],
        seen: dict[Any, Any],
        over: dict[Any, bool],
        cut: dict[Any, bool],
    ) -> None:
        """Holds one agent's last word back while nobody lives whom RLlib has seen before this step.

        RLlib ends an episode as soon as all agents that it has seen have ended, whoever else begins.
        """
        if self._live and familiar.isdisjoint(self._live):
            if not self._held and ended:
                self._held = {ended[0]: (seen.pop(ended[0], None), over.pop(ended[0]), cut.pop(ended[0]))}
            return
        for agent, (observation, over[agent], cut[agent]) in self._held.items():
            if observation is not None:
                seen[agent] = observation
        self._held = {}

    def _pass_on(self, infos: Mapping[Any, Any], agents: list[Any]) -> dict[Any, Any]:
        """Returns the infos of these agents; what is said to nobody goes where RLlib looks for it."""
        passed = {agent: dict(infos[agent] or {}) for agent in agents if agent in infos}
        shared = {key: value for key, value in infos.items() if key not in self._faces}
        return passed | ({"__common__": shared} if shared else {})

    def _refuse_revived(
        self, present: list[Any], terminations: Mapping[Any, Any], truncations: Mapping[Any, Any]
    ) -> None:
        for agent in present:
            # Some environments keep an ended agent in `agents`, with its flag up.
            if agent in self._ended and not (terminations.get(agent, True) or truncations.get(agent, True)):
                raise ValueError(
                    f"agent {agent!r} of {self.env} has ended and lives again, which RLlib's episodes cannot hold: let "
                    "it come back under another name in possible_agents, or keep it alive and idle in between"
                )


class _AgentFace:
    """One agent's spaces, and the way of its observations and actions between PettingZoo and RLlib."""

    def __init__(self, env: pettingzoo.ParallelEnv, agent: Any, flatten: bool, masks_in_infos: bool) -> None:
        self._name = f"agent {agent!r} of {env}"
        self._acts = env.action_space(agent)
        self._takes_info_masks = masks_in_infos
        self.action_space = _from_zero(self._acts)
        self._sees = env.observation_space(agent)
        # Beside a mask stands one observation, or several that are a Dict of their own.
        self._beside_mask: list[str] | None = None
        if isinstance(self._sees, spaces.Dict) and "action_mask" in self._sees.spaces:
            self._beside_mask = [key for key in self._sees.spaces if key != "action_mask"]
            self._sees = self._without_mask(self._sees.spaces, spaces.Dict)
        self._is_flat = flatten or not isinstance(self._sees, spaces.Box)
        self.observation_space = self._flat_space() if self._is_flat else self._sees
        self._num_choices = _num_choices(self._acts)
        self._has_mask = self._beside_mask is not None or (masks_in_infos and self._num_choices > 0)
        if self._has_mask:
            if self._num_choices == 0:
                raise ValueError(
                    f"{self._name} has an action mask, but the actions are {self._acts}, which have no choices"
                )
            mask = spaces.Box(0, 1, (self._num_choices,), np.float32)
            self.observation_space = spaces.Dict({"action_mask": mask, "observations": self.observation_space})

    def _without_mask(self, entries: Mapping[str, Any], together: Callable[[dict[str, Any]], Any]) -> Any:
        """Returns the only entry beside the mask, or all of them together."""
        assert self._beside_mask is not None
        rest = {key: entries[key] for key in self._beside_mask}
        return next(iter(rest.values())) if len(rest) == 1 else together(rest)

    def _flat_space(self) -> gymnasium.Space:
        if not self._sees.is_np_flattenable:
            raise ValueError(f"{self._name} observes {self._sees}, which has no fixed size and cannot be flattened")
        flat: Any = spaces.utils.flatten_space(self._sees)
        with np.errstate(over="ignore"):  # bounds beyond float32 become infinite
            low, high = flat.low.astype(np.float32), flat.high.astype(np.float32)
        return spaces.Box(low, high, dtype=np.float32)

    def show(self, observation: Any, info: Mapping[str, Any]) -> Any:
        """Returns an observation as RLlib gets it: a copy, with its mask where there is one."""
        mask = info.get("action_mask")
        if self._beside_mask is not None:
            mask, observation = observation["action_mask"], self._without_mask(observation, dict)
        elif mask is not None and self._num_choices > 0 and not self._takes_info_masks:
            raise ValueError(
                f"{self._name} gets its action mask in infos; pass masks_in_infos=True, or it is not obeyed"
            )
        row = self._row(observation)
        return {"action_mask": self._join(mask), "observations": row} if self._has_mask else row

    def _row(self, observation: Any) -> np.ndarray:
        if not self._is_flat:
            return np.array(observation, self._sees.dtype)
        with np.errstate(over="ignore"):
            return np.asarray(spaces.utils.flatten(self._sees, observation)).astype(np.float32)

    def _join(self, mask: Any) -> np.ndarray:
        if mask is None:
            return np.ones(self._num_choices, np.float32)
        parts = mask if isinstance(mask, tuple | list) else (mask,)
        joined = np.concatenate([np.ravel(part) for part in parts]).astype(np.float32)
        if len(joined) != self._num_choices:
            raise ValueError(
                f"the mask of {self._name} has {len(joined)} entries; its actions {self._acts} have "
                f"{self._num_choices} choices"
            )
        return joined

    def act(self, action: Any) -> Any:
        """Returns an action of RLlib's as the environment's own space has it."""
        if isinstance(self._acts, spaces.Discrete):
            return int(np.asarray(action).item()) + int(self._acts.start)
        if isinstance(self._acts, spaces.MultiDiscrete):
            return np.asarray(action, self._acts.dtype) + self._acts.start
        return np.asarray(action, self._acts.dtype) if isinstance(self._acts, spaces.Box) else action


def _as_parallel(env: PettingZooEnv | Callable[[], PettingZooEnv] | str) -> pettingzoo.ParallelEnv:
    if isinstance(env, str):
        return pettingzoo.make("parallel", env)
    made = env if isinstance(env, PettingZooEnv) else env() if callable(env) else env
    if isinstance(made, pettingzoo.ParallelEnv):
        return made
    if not isinstance(made, pettingzoo.AECEnv):
        raise TypeError(f"expected a pettingzoo.ParallelEnv, got {made!r} of type {type(made).__name__}")
    if not getattr(made, "metadata", {}).get("is_parallelizable", False):
        raise ValueError(
            f"{made} moves agent by agent, and its metadata does not say is_parallelizable: use its parallel_env or, "
            "where exactly one agent acts at a time, pettingzoo.utils.conversions.turn_based_aec_to_parallel"
        )
    return aec_to_parallel(made)


def _possible_agents(env: pettingzoo.ParallelEnv) -> list[Any]:
    try:
        return list(env.possible_agents)
    except AttributeError:
        raise ValueError(
            f"{env} has no possible_agents: RLlib must know the spaces of every agent that may ever appear, so give it "
            "a list of their names"
        ) from None


def _from_zero(space: gymnasium.Space) -> gymnasium.Space:
    """Returns the same discrete space counted from 0, which is how RLlib's distributions count."""
    if isinstance(space, spaces.Discrete):
        return space if space.start == 0 else spaces.Discrete(int(space.n))
    if isinstance(space, spaces.MultiDiscrete):
        return space if not space.start.any() else spaces.MultiDiscrete(space.nvec)
    return space


def _num_choices(space: gymnasium.Space) -> int:
    """Returns how long an action mask is; 0 where there can be none."""
    if isinstance(space, spaces.Discrete):
        return int(space.n)
    return int(space.nvec.sum()) if isinstance(space, spaces.MultiDiscrete) else 0
