"""The base class of callbacks, which programs import from gensim.models.callbacks."""

from typing import Any

from wordsparse.gensim.passing import gensims


class CallbackAny2Vec:
    """Does nothing at the ends of training and of epochs; a subclass overrides some methods, which get the model."""

    def on_train_begin(self, model: Any) -> None:
        """Called before the first epoch."""

    def on_epoch_begin(self, model: Any) -> None:
        """Called before each epoch."""

    def on_epoch_end(self, model: Any) -> None:
        """Called after each epoch; ``model.wv`` has the current vectors."""

    def on_train_end(self, model: Any) -> None:
        """Called after the last epoch."""


__getattr__ = gensims(__name__)
