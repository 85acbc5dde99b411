"""Tables of word vectors: neighbours, analogies, vectors of texts, n-grams and file formats."""
