"""What of a model chance decides: resamples of its text, models of time slices, and the words that moved."""
