"""Advantage feedback for planners that answer in words (ReAd). See README.md."""
