"""The economy: worlds of labour, trade and taxation, tax schedules and welfare measures."""

from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

# One rule finds the worlds here as in CMakeLists.txt: a folder with a source of its own name.
for _module in iter_modules(__path__):
    if (Path(__file__).parent / _module.name / f"{_module.name}.c").exists():
        import_module(f"econ.{_module.name}")
