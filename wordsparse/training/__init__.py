"""Training runs. A run makes a model from a text and options, and can be interrupted and resumed.

``runs.py`` is the entry point, and ``loop.py`` the training loop. Most other modules serve runs with an output, which
can be resumed.
"""
