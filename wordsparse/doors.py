"""Tables of the commands, and of the data sources other than text that ``train --for`` accepts.

Each row holds the name of a module and a sentence of help, so that help messages can be shown without importing the
module. Folders of the package that training does not need, the *doors*, can be deleted. A command of a deleted door
reports that its folder is missing.
"""

SOURCES: dict[str, tuple[str, str]] = {
    "graph": ("wordsparse.graphs.source:GraphSource", "the edges of a graph; walks are drawn during training"),
    "counts": ("wordsparse.counts.source:CountSource", "tables of counted pairs: the columns word, context and count"),
}

INDEXES: dict[str, str] = {"search.json": "wordsparse.search:Search"}
"""The manifest of a directory that is not a model, and the class whose ``load`` reads it."""

COMMANDS: dict[str, tuple[str, str]] = {
    "encode": ("wordsparse.cli.encode", "Count the words of a text, and write it as int32 shards."),
    "train": ("wordsparse.cli.train", "Train word vectors on text, or on the output of `encode`."),
    "count": ("wordsparse.counts.command", "Count the pairs of words of a text, for training from counts."),
    "evaluate": ("wordsparse.cli.evaluate", "Evaluate a model, or word vectors from any tool, on test sets."),
    "compare": ("wordsparse.comparison.command", "Train wordsparse and gensim's word2vec on CORPUS, and score both."),
    "advise": ("wordsparse.advice.command", "Tell whether the exact layer suits your data."),
    "export": ("wordsparse.cli.export", "Write vectors in the format of another program."),
    "subwords": ("wordsparse.cli.subwords", "Fit n-grams of characters to finished vectors."),
    "infer": ("wordsparse.cli.infer", "Infer from a text the vectors of words that MODEL does not know."),
    "documents": ("wordsparse.cli.documents", "Write the vector of each line, or of each row, of a text."),
    "similar": ("wordsparse.cli.similar", "Show the words that are nearest to WORD, or to several words."),
    "analogy": ("wordsparse.cli.analogy", "Show the words x such that A is to B as C is to x."),
    "vectors": ("wordsparse.cli.vectors", "Print the vectors of words."),
    "index": ("wordsparse.search.index_command", "Write an index of documents, or change an index."),
    "search": ("wordsparse.search.command", "Show the documents that answer QUESTION best."),
    "next": ("wordsparse.cli.next", "Show the likeliest next items of a basket or session."),
    "explore": ("wordsparse.explorer.command", "Write one HTML page that shows the vectors of MODEL."),
    "labels": ("wordsparse.labels.command", "Train, use and evaluate classifiers for huge sets of labels."),
    "demo": ("wordsparse.demo.command", "Train on the docstrings of the installed NumPy, SciPy and Python."),
    "corpora": ("wordsparse.cards.command", "List and fetch public texts and test sets."),
    "doctor": ("wordsparse.cli.doctor", "Show the installed kernels and packages, and why some are not used."),
}
