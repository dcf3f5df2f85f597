"""Nets compared: each trained for the same time on the same recordings, one line of results for each."""

from audiocnn.comparison.cost import REFERENCE, Cost, build, cost_of
from audiocnn.comparison.results import Result, append_result, read_results
from audiocnn.comparison.trial import run_trial, run_trials

__all__ = [
    "REFERENCE",
    "Cost",
    "Result",
    "append_result",
    "build",
    "cost_of",
    "read_results",
    "run_trial",
    "run_trials",
]
