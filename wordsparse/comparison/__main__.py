"""One training run: see :mod:`wordsparse.comparison.worker`."""

import sys

from wordsparse.comparison.worker import main

sys.exit(main())
