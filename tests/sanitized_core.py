"""A pytest plugin (`make asan`): puts the extension in the folder AGORA_CORE in the place of games._core."""

import importlib.util
import os
import sys
from pathlib import Path

(path,) = Path(os.environ["AGORA_CORE"]).glob("_core.*.so")
_spec = importlib.util.spec_from_file_location("games._core", path)
assert _spec is not None and _spec.loader is not None
sys.modules["games._core"] = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(sys.modules["games._core"])
