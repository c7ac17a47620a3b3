"""The tiny run, made once and copied by the tests that damage it."""

import sys

import pytest
from tiny_run import run_words, start_agora


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "whole"
    process = start_agora(*run_words(path))
    output, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors
    assert "report" in output
    return path


@pytest.fixture
def agora(monkeypatch, capsys):
    """Calls the command in this process; returns its exit status, output and error output."""
    from experiments.cli import main

    def call(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["agora", *words])
        with pytest.raises(SystemExit) as exit_info:
            main()
        captured = capsys.readouterr()
        return exit_info.value.code or 0, captured.out, captured.err

    return call
