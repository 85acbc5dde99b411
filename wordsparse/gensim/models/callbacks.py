"""The base class of callbacks, which programs import from gensim.models.callbacks."""

from typing import Any

from wordsparse.gensim.passing import gensims


class CallbackAny2Vec:
    """Callbacks at the start and end of training and of epochs. By default, the methods do nothing."""

    def on_train_begin(self, model: Any) -> None:
        """Run before the first epoch."""

    def on_epoch_begin(self, model: Any) -> None:
        """Run before each epoch."""

    def on_epoch_end(self, model: Any) -> None:
        """Run after each epoch; ``model.wv`` has the current vectors."""

    def on_train_end(self, model: Any) -> None:
        """Run after the last epoch."""


__getattr__ = gensims(__name__)
