"""The layers for PyTorch, each an output layer with its loss as a ``torch.nn.Module``: :class:`FactoredOutput` with
exact losses, and :class:`SampledOutput` with in-batch cross-entropy.

The modules need PyTorch 2.5 or newer: ``pip install 'wordsparse[torch]'``.
"""

from wordsparse import optional

optional.load("wordsparse.torch", "torch")

from wordsparse.torch.module import FactoredOutput  # noqa: E402
from wordsparse.torch.optimizer import FusedOptimizer  # noqa: E402
from wordsparse.torch.sampled import SampledOutput  # noqa: E402

__all__ = ["FactoredOutput", "FusedOptimizer", "SampledOutput"]
