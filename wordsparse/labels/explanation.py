"""Why a label is predicted: the features of a row with their shares of the label's output.

An output is linear in the features x of a row, so it is a sum of one share per feature:

    regression (:mod:`wordsparse.labels.scoring`)   o = Σ_f x_f (B_fl / Δ_f − P_f · R_l)
    head (:mod:`wordsparse.labels.logistic`)        o = Σ_f x_f W_fl, the log-odds
    machine (:mod:`wordsparse.labels.specialists`)  o = Σ_f x_f W_fl

If the output of the regression is larger, its log-odds are larger too. If labels are ranked again, their log-odds also
depend on the output of the machine and on the votes of similar training rows.
"""

import html
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from wordsparse.labels.classification import Classifier, prepared
from wordsparse.types import Array


class Explanation(NamedTuple):
    """One label of a row.

    ``shares`` maps features to their shares of ``output``, largest absolute share first; the shares and ``constant``
    add up to the output. ``machine`` holds shares of the output of the label's support vector machine, and
    ``neighbours`` maps the numbers of similar training rows with the label to their votes; both are empty if the
    label was not ranked again with them.
    """

    label: Any
    probability: float
    output: float
    constant: float
    shares: dict[Any, float]
    machine: dict[Any, float]
    neighbours: dict[int, float]


class Explanations(list[list[Explanation]]):
    """The explanations of the labels of each row. A notebook shows the texts with the words of the first label marked,
    if the rows are texts."""

    def __init__(self, rows: Sequence[list[Explanation]], texts: Sequence[str] | None) -> None:
        super().__init__(rows)
        self.texts = texts

    def _repr_html_(self) -> str | None:
        if self.texts is None:
            return None
        marked = (_marked(text, row[0]) for text, row in zip(self.texts, self, strict=True) if row)
        return "".join(f"<p>{text}</p>" for text in marked)


def explained(classifier: Classifier, X: Any, tops: tuple[Array, Array], names: Sequence[Any]) -> list[list[Any]]:
    """Explain the labels of each row of X: ``tops`` holds columns of labels (n, k), −1 for none, and probabilities.
    ``names`` are the names of features. Labels in the result are columns."""
    rows = prepared(X, classifier.length)
    return [
        [
            Explanation(int(label), float(p), *_outputs(classifier, rows[[i]], int(label), names))
            for label, p in zip(*pair, strict=True)
            if label >= 0
        ]
        for i, pair in enumerate(zip(*tops, strict=True))
    ]


def _outputs(classifier: Classifier, x: Any, label: int, names: Sequence[Any]) -> tuple[Any, ...]:
    """Return the fields of an explanation from ``output`` on, for the row x, CSR (1, f)."""
    shares = x.data * _weights(classifier, x.indices, label)
    output, constant = float(shares.sum()), float(shares[-1])  # the constant column is the last
    machine: dict[Any, float] = {}
    votes: dict[int, float] = {}
    if (reranker := classifier.reranker) is not None:
        place = np.flatnonzero(reranker.specialists.labels == label)
        if place.size:
            weights = reranker.specialists.W[:, place].toarray()[x.indices, 0]
            machine = _largest((x.data * weights)[:-1], x.indices[:-1], names)
        if reranker.neighbours is not None:
            votes = reranker.neighbours.voters(x, label)
    return output, constant, _largest(shares[:-1], x.indices[:-1], names), machine, votes


def _weights(classifier: Classifier, features: Array, label: int) -> Array:
    """Return the weights of the features for the label: of the head, or of the regression, float64."""
    place = np.flatnonzero(classifier.head.labels == label)
    if place.size:
        return np.asarray(classifier.head.W[features, place[0]], np.float64)
    scorer = classifier.scorer
    direct = scorer.B[:, [label]].toarray()[features, 0] * scorer.inverse.scale[features]
    return np.asarray(direct - scorer.inverse.P[features].astype(np.float64) @ scorer.R[label], np.float64)


def _largest(shares: Array, features: Array, names: Sequence[Any]) -> dict[Any, float]:
    order = np.argsort(-np.abs(shares), kind="stable")
    return {names[feature]: float(share) for feature, share in zip(features[order], shares[order], strict=True)}


def _marked(text: str, explanation: Explanation) -> str:
    """Return the text as HTML: green words speak for the label, red words against it."""
    most = max(map(abs, explanation.shares.values()), default=1.0) or 1.0
    parts = [f"<b>{html.escape(str(explanation.label))}</b> {explanation.probability:.2f}: "]
    for part in re.split(r"(\w+)", text):
        share = explanation.shares.get(part.lower(), 0.0)
        colour = f"rgba({'0,160,0' if share > 0 else '200,0,0'},{abs(share) / most:.2f})"
        word = html.escape(part)
        parts.append(f'<span style="background:{colour}">{word}</span>' if share else word)
    return "".join(parts)
