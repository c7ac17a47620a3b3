"""Who plays: scripted policies, trained checkpoints, language-model planners. Nothing here learns."""
