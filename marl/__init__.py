"""Who learns: solvers, equilibrium computation, and the glue to RLlib."""
