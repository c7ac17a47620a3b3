"""Who learns: solvers, equilibrium computation, and the glue to RLlib."""

import econ  # noqa: F401 - registers its worlds, in RLlib's processes too
