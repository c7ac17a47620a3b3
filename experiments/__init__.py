"""Studies and the `agora` command that runs them."""
