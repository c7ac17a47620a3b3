"""A pytest plugin (`make asan`): puts the extension in the folder AGORA_CORE in the place of games._core."""

import os
import sys
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

(path,) = Path(os.environ["AGORA_CORE"]).resolve().glob("_core.*.so")
loader = ExtensionFileLoader("games._core", str(path))
spec = spec_from_loader("games._core", loader, origin=str(path))
assert spec is not None
sys.modules["games._core"] = module_from_spec(spec)
loader.exec_module(sys.modules["games._core"])
