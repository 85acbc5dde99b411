"""DocumentVectorizer follows scikit-learn's conventions."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator

import wordsparse as ws

TOPICS = ["Sun, moon & star", "bread, MILK and egg"]


@pytest.fixture(scope="module")
def model():
    return ws.train(iter(TOPICS * 100), tokens="simple", dim=4, epochs=3, threads=1, progress=False)


@pytest.mark.filterwarnings("ignore:Can't test estimator")  # X must hold texts
def test_scikit_learns_checks_pass(model):
    check_estimator(ws.DocumentVectorizer(model))


def test_it_is_a_step_of_a_pipeline(model):
    texts, labels = ["The SUN", "a moon!", "star", "milk", "egg?", "bread"] * 3, [0, 0, 0, 1, 1, 1] * 3
    pipeline = make_pipeline(ws.DocumentVectorizer(model), LogisticRegression(C=100))
    search = GridSearchCV(pipeline, {"logisticregression__C": [10, 100]}, cv=3)
    assert search.fit(texts, labels).score(texts, labels) == 1
    assert clone(search).estimator[0].model is model


def test_fit_learns_the_weights_of_a_collection(model):
    vectorizer = ws.DocumentVectorizer(model)
    np.testing.assert_array_equal(vectorizer.transform(TOPICS), model.encode(TOPICS))
    fitted = vectorizer.fit_transform(iter(TOPICS))
    np.testing.assert_array_equal(fitted, model.fit_weights(TOPICS).encode(TOPICS))
    assert not np.allclose(fitted, model.encode(TOPICS))


@pytest.mark.parametrize("column", ["text", ["text"]])
def test_it_takes_a_column_of_a_table(model, column):
    frame = pd.DataFrame({"text": TOPICS, "year": [1, 2]})
    table = ColumnTransformer([("v", ws.DocumentVectorizer(model), column)], remainder="passthrough")
    found = table.set_output(transform="pandas").fit_transform(frame)
    assert [*found.columns] == [*(f"v__documentvectorizer{i}" for i in range(4)), "remainder__year"]
    np.testing.assert_allclose(found.to_numpy()[:, :4], model.fit_weights(TOPICS).encode(TOPICS), atol=1e-6)
