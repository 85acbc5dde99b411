"""Training runs, which make a model from a text and options, and can be interrupted and resumed.

``runs.py`` is the entry point, ``loop.py`` the training loop. The other modules make runs with an output resumable.
"""
