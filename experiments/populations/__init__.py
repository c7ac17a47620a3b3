"""Studies that compare ways of PSRO on one world: many runs, then everybody against everybody, and strangers."""
