"""Who plays: scripted policies, trained checkpoints, language-model planners. Nothing here learns."""

import econ  # noqa: F401 - registers its worlds
