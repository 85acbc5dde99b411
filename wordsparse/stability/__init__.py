"""What of a model chance decides: resamples of its text, models of time slices, and the words that moved."""

from wordsparse.stability.bootstrap import resample
from wordsparse.stability.model import ResampledModel, resampled_model
from wordsparse.stability.slice_runs import train_slices

__all__ = ["ResampledModel", "resample", "resampled_model", "train_slices"]
