"""GMAH-style subgoal hierarchies over a mixer: `GMAHConfig().environment("grid/trash_v0").build_algo().train()`."""

from marl.gmah import trash_tree  # noqa: F401 - declares its tree
from marl.gmah.algorithm import GMAH, GMAHConfig
from marl.gmah.task_tree import TREES, TaskTree, draw_tree, find_tree, kind_colours

__all__ = ["GMAH", "TREES", "GMAHConfig", "TaskTree", "draw_tree", "find_tree", "kind_colours"]
