"""Runs: from a text and options to a model, across interruptions.

``runs.py`` is the way in; ``loop.py`` the training loop. The rest keeps a run that has an output from losing anything.
"""
