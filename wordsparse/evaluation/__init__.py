"""How good word vectors are: test sets, scores and their confidence intervals."""
