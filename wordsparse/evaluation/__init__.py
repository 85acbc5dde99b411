"""The evaluation of word vectors: test sets, scores and their confidence intervals."""
