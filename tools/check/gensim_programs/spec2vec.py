"""The example of spec2vec's README on artificial spectra: callbacks save the model during training; the loaded model
then scores queries against the training spectra."""

import gensim
import numpy as np
from matchms import Spectrum, calculate_scores
from spec2vec import Spec2Vec, SpectrumDocument
from spec2vec.model_building import train_new_word2vec_model

random = np.random.default_rng(1)
families = [np.sort(random.choice(np.arange(5000, 50000), 40, replace=False)) / 100 for _ in range(10)]


def spectrum(family: int) -> Spectrum:
    peaks = np.sort(random.choice(families[family], 20, replace=False))
    return Spectrum(mz=peaks, intensities=random.uniform(0.1, 1, 20), metadata={"precursor_mz": 500.0})


documents = [SpectrumDocument(spectrum(number % 10), n_decimals=2) for number in range(200)]
train_new_word2vec_model(documents, iterations=[10, 20, 30], filename="references.model", workers=2)
model = gensim.models.Word2Vec.load("references.model")
similarity = Spec2Vec(model=model, intensity_weighting_power=0.5, allowed_missing_percentage=5.0)
queries = [SpectrumDocument(spectrum(3), n_decimals=2)]
scores = np.array([similarity.pair(reference, queries[0]) for reference in documents])
# The best scores must belong to spectra of the same family as the query.
assert sorted(np.argsort(-scores)[:20] % 10) == [3] * 20, scores
scores = calculate_scores(documents, queries, similarity)
assert scores.scores.shape[:2] == (200, 1)
