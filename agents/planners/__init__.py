"""Planners: who is asked in words what a team should do next, and answers in words.

`protocol` says what a planner is; `endpoint`, `local_model`, `small_model` and `noisy_script` are kinds of them;
`recording` keeps conversations and repeats them; `plans` turns replies into actions, and refuses what is none;
`prompts` asks.
"""
