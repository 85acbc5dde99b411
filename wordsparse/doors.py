"""The tables of what the shell can call: commands, and the sources that ``train --for`` names beside kinds of text.

Each has its module and its sentence, so that help imports none.
A command beside the core lives in the folder of its door: without the folder the row says what is missing.
"""

SOURCES: dict[str, tuple[str, str]] = {
    "graph": ("wordsparse.graphs.source:GraphSource", "the edges of a graph: walks are made while it trains"),
    "counts": ("wordsparse.counts.source:CountSource", "tables of counted pairs: the columns word, context and count"),
}

COMMANDS: dict[str, tuple[str, str]] = {
    "encode": (
        "wordsparse.cli.encode",
        "Count the words of a text and write it as int32 shards, for use in any number of trainings.",
    ),
    "train": (
        "wordsparse.cli.train",
        "Train word vectors on text files, or on a directory written by `encode`.",
    ),
    "count": (
        "wordsparse.counts.command",
        "Count the pairs of words of a text, for training from counts.",
    ),
    "evaluate": (
        "wordsparse.cli.evaluate",
        "Evaluate a model, or word vectors of any tool in word2vec, GloVe, npz or safetensors format.",
    ),
    "compare": (
        "wordsparse.comparison.command",
        "Train wordsparse and gensim's word2vec on CORPUS, evaluate both on the same test sets, and write REPORT.",
    ),
    "advise": (
        "wordsparse.advice.command",
        "Tell whether the exact layer suits CORPUS, or the rows of --features.",
    ),
    "export": (
        "wordsparse.cli.export",
        "Write the vectors of a model, or of any file that evaluate reads, in another format.",
    ),
    "subwords": (
        "wordsparse.cli.subwords",
        "Fit n-grams of characters to finished vectors, and blend what they tell of each word into its vector.",
    ),
    "infer": (
        "wordsparse.cli.infer",
        "Infer vectors of words that MODEL does not know from the sentences of a text; the model stays as it is.",
    ),
    "documents": (
        "wordsparse.cli.documents",
        "Write the vector of each line of a text, or with --column of each row, a row of float32 numbers, by MODEL.",
    ),
    "similar": (
        "wordsparse.cli.similar",
        "Show the words whose vectors have the largest cosine with that of WORD, or with the mean of several words.",
    ),
    "analogy": (
        "wordsparse.cli.analogy",
        "Show the words x such that A is to B as C is to x; for man, king, woman the expected answer is queen.",
    ),
    "vectors": (
        "wordsparse.cli.vectors",
        "Print the vectors of words, composed from n-grams where MODEL does not know a word.",
    ),
    "next": (
        "wordsparse.cli.next",
        "Show the likeliest next items of a basket or session, by a MODEL of baskets or sessions.",
    ),
    "explore": (
        "wordsparse.explorer.command",
        "Write one self-contained HTML page that shows the vectors of MODEL.",
    ),
    "labels": (
        "wordsparse.labels.command",
        "Train, use and judge classifiers for huge sets of sparse labels, of texts or of rows of numbers.",
    ),
    "corpora": (
        "wordsparse.cards.command",
        "List and fetch public texts and test sets.",
    ),
    "doctor": (
        "wordsparse.cli.doctor",
        "Show the compiled parts, the threads, BLAS, GPU and extras found, and why some of them are not used.",
    ),
}
