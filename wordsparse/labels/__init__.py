"""Estimators for huge sets of sparse labels, targets and items, and the files of their data."""
