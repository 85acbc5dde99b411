"""An adapter through which device kernels take NumPy arrays, so that the same tests cover all kernels."""

import numpy as np

from wordsparse.kernels import Csr, Windows, mapped


class HostAdapter:
    """An adapter that copies arguments to the device, and copies results and changed arrays back."""

    def __init__(self, kernels):
        self.kernels = kernels

    def __getattr__(self, name):
        method = getattr(self.kernels, name)

        def call(*arguments, **named):
            there = [self._to_device(argument) for argument in arguments]
            result = method(*there, **named)
            # Copy arguments to the host before results: a result may be one of the arguments.
            for here, argument in zip(arguments, there, strict=True):
                if isinstance(here, np.ndarray) and here.flags.writeable:
                    here[...] = self.kernels.to_host(argument)
            same = [here for here, argument in zip(arguments, there, strict=True) if argument is result]
            return same[0] if result is not None and same else self._to_host(result)

        return call

    def _to_device(self, value):
        if isinstance(value, (Csr, Windows)):
            return mapped(value, self.kernels.to_device)
        return self.kernels.to_device(value) if isinstance(value, np.ndarray) else value

    def _to_host(self, value):
        if isinstance(value, (Csr, Windows)):
            return mapped(value, self.kernels.to_host)
        if isinstance(value, tuple):
            return tuple(map(self._to_host, value))
        return None if value is None else self.kernels.to_host(value)
