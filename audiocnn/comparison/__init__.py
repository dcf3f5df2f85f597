"""Nets compared: each trained for the same time on the same recordings, one line of results for each."""

from audiocnn.comparison.cost import REFERENCE, Cost, cost_of, cost_of_run
from audiocnn.comparison.results import Result, append_result, read_results
from audiocnn.comparison.speakers import leave_one_speaker_out, summarize_speakers
from audiocnn.comparison.svm import SVM_SETTINGS, SVMSetting, svm_without_each_speaker
from audiocnn.comparison.table import write_comparison
from audiocnn.comparison.trial import run_trial, run_trials

__all__ = [
    "REFERENCE",
    "SVM_SETTINGS",
    "Cost",
    "Result",
    "SVMSetting",
    "append_result",
    "cost_of",
    "cost_of_run",
    "leave_one_speaker_out",
    "read_results",
    "run_trial",
    "run_trials",
    "summarize_speakers",
    "svm_without_each_speaker",
    "write_comparison",
]
