"""Worlds and the engine that steps them.

`make_batch` gives arrays, `parallel_env` and `aec_env` PettingZoo's faces, `vector_env` Gymnasium's; `env_ids` lists
what there is. PettingZoo's own `make` finds the same ids once this package is imported.
"""

from importlib import import_module
from pkgutil import iter_modules

from games.spec import EnvSpec, aec_env, env_ids, make_batch, parallel_env, register, spec, vector_env

# One rule finds the worlds here as in CMakeLists.txt: a package inside this one is a world and registers its ids.
for _module in iter_modules(__path__):
    if _module.ispkg and _module.name != "core":
        import_module(f"games.{_module.name}")

__all__ = ["EnvSpec", "aec_env", "env_ids", "make_batch", "parallel_env", "register", "spec", "vector_env"]
