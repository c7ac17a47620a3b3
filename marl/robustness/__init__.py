"""The robustness bench: policies in other bodies, under other pushes, and against each other; see README.md."""
