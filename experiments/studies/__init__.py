"""Studies: a folder each, with settings, training, analysis and a README with the claim and its table."""
