"""Policy-space response oracles; see README.md beside this file."""
