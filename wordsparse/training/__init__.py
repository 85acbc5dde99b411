"""Training runs: from a text and options to a model, across interruptions.

``runs.py`` is the entry point and ``loop.py`` the training loop. The other modules make a run with an output resumable.
"""
