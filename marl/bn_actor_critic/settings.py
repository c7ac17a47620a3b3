"""What policies over a graph of agents are told beyond MAPPO."""

from __future__ import annotations

from dataclasses import dataclass, fields

from games.names import unknown_name
from marl.checks import check_count, check_flag, check_number
from marl.mappo.settings import TeamSettings

GRAPHS = ("learned", "complete", "empty")
GRAPH_GRADIENTS = ("straight_through", "none")
# Settings that say nothing unless a graph is learned, or unless there is one.
OF_LEARNED = (
    *("graph_hidden_size", "graph_gradient", "graph_lr", "edge_bias", "fixed_order", "batch_mean_edges"),
    *("clip_graph_net", "annealing_steps"),
)
OF_GRAPHS = ("parent_observations", "resample_context")


@dataclass(frozen=True, kw_only=True)
class GraphSettings(TeamSettings):
    """Settings of `BNMAPPOConfig.training`, beside MAPPO's. Deviations of the release of Chen and Zhang 2023 are named.

    Attributes:
        graph: "learned", "complete" (each agent sees all with smaller numbers: auto-regressive) or "empty" (MAPPO).
        graph_hidden_size: Of the two networks that make graphs from the context; the release's.
        graph_gradient: "straight_through", or "none": graphs are drawn from networks that never learn.
        graph_lr: Of the graph networks; None: the actor's, with whose optimizer they share one.
        edge_bias: Added to the logits of all edges; 0 starts with half of them, 4 with nearly all.
        parent_observations: Whether an agent sees what its parents see, beside what they do; as the release on Aloha.
        fixed_order: Agents act in the order of their numbers, only edges are learned; the release's on SMAC.
        batch_mean_edges: One matrix of edge logits for all rows of a pass, their mean; the release's in its
            coordination game.
        resample_context: An update draws new graphs and new actions of parents instead of those that were played; the
            release's but on SMAC. Ratios are then not 1 before the first step.
        clip_graph_net: Whether the graph networks' gradients count in the clipped norm; the release left them out.
        annealing_steps: Env steps of the whole run, of which edges are taken away from 40 % on (`annealing.py`). None:
            they are not.
        annealing_weight: Of the pull towards the wanted density until then.
        annealing_last_weight: Of the pull at the end.
    """

    graph: str = "learned"
    graph_hidden_size: int = 64
    graph_gradient: str = "straight_through"
    graph_lr: float | None = None
    edge_bias: float = 0.0
    parent_observations: bool = False
    fixed_order: bool = False
    batch_mean_edges: bool = False
    resample_context: bool = False
    clip_graph_net: bool = True
    annealing_steps: int | None = None
    annealing_weight: float = 0.1
    annealing_last_weight: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, known in (("graph", GRAPHS), ("graph_gradient", GRAPH_GRADIENTS)):
            if getattr(self, name) not in known:
                raise unknown_name(name, str(getattr(self, name)), known)
        check_count("graph_hidden_size", self.graph_hidden_size)
        check_number("edge_bias", self.edge_bias)
        for name in ("annealing_weight", "annealing_last_weight"):
            check_number(name, getattr(self, name), least=0)
        if self.graph_lr is not None:
            check_number("graph_lr", self.graph_lr, above=0)
        if self.annealing_steps is not None:
            check_count("annealing_steps", self.annealing_steps)
        for name in ("parent_observations", "fixed_order", "batch_mean_edges", "resample_context", "clip_graph_net"):
            check_flag(name, getattr(self, name))
        self._check_together()

    def _check_together(self) -> None:
        """Checks that no setting is without effect beside the others."""
        silent = (() if self.graph == "learned" else OF_LEARNED) + (OF_GRAPHS if self.graph == "empty" else ())
        for field in fields(self):
            if field.name in silent and getattr(self, field.name) != field.default:
                needed = "a graph" if field.name in OF_GRAPHS else "a learned graph"
                raise ValueError(f"{field.name} has no effect without {needed}, got graph={self.graph!r}")
        if self.graph_gradient == "none" and self.annealing_steps is not None:
            raise ValueError('annealing_steps has no effect with graph_gradient="none": the graph never changes')
