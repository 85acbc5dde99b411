"""``python -m wordsparse``."""

from wordsparse.cli import run

run()
