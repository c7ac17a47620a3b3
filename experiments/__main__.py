"""`python -m experiments` is the `agora` command."""

from experiments.cli import main

main()
