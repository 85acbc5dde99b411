"""A backend of Annif, which indexes documents with a vocabulary's subjects, on wordsparse's classifier of texts."""

from pathlib import Path

import annif.backend
from annif.backend.backend import AnnifLearningBackend
from annif.exception import NotInitializedException
from annif.suggestion import SubjectSuggestion

from wordsparse.labels import TextClassifier


class WordsparseBackend(AnnifLearningBackend):
    name = "wordsparse"
    classifier = None

    def _train(self, corpus, params, jobs=0):
        self.classifier = TextClassifier(threads=jobs or None)
        self._learn(corpus, params)

    def _learn(self, corpus, params):
        if self.classifier is None:
            self.initialize()
        documents = list(corpus.documents)
        subjects = [set(document.subject_set) for document in documents]
        self.classifier.partial_fit([document.text for document in documents], subjects)
        self.classifier.save(Path(self.datadir, "classifier"), overwrite=True)

    def initialize(self, parallel=False):
        path = Path(self.datadir, "classifier")
        if not path.is_dir():
            raise NotInitializedException(f"{path} not found", backend_id=self.backend_id)
        self.classifier = TextClassifier.load(path)

    def _suggest(self, document, params):
        labels, probabilities = self.classifier.predict_topk([document.text], int(params["limit"]))
        pairs = zip(labels[0], probabilities[0], strict=True)
        return [SubjectSuggestion(label, float(probability)) for label, probability in pairs if label is not None]


annif.backend._backend_fns["wordsparse"] = lambda: WordsparseBackend  # projects.cfg: backend=wordsparse
