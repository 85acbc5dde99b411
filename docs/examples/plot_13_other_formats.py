"""
Other file formats
==================

You can write files for other programs in a few lines, from ``model.vectors`` and ``model.vocabulary``. This example
writes a Parquet table, the two files of TensorBoard's projector, and floret's table of hashed n-grams, from which spaCy
gets a vector for any word.
"""

import re
from pathlib import Path
from pydoc_data.topics import topics
from tempfile import mkdtemp

import matplotlib.pyplot as plt
import mmh3
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import scipy.sparse as sp
from scipy.sparse.linalg import lsmr

import wordsparse as ws

text = [re.findall(r"[a-z_]+", line.lower()) for topic in topics.values() for line in topic.splitlines()]
model = ws.train(text, dim=20, epochs=5, progress=False)
words, folder = model.vocabulary.words, Path(mkdtemp())

# %%
# Write a Parquet file with a row for each word, for DuckDB, pandas, Polars and Spark. The last lines of the code read
# the file again.
columns = {"word": words, "count": model.vocabulary.counts, "vector": list(model.vectors)}
pq.write_table(pa.table(columns), folder / "vectors.parquet")
table = pq.read_table(folder / "vectors.parquet")
again = ws.WordVectors(table["word"].to_pylist(), np.stack(table["vector"].to_numpy()), table["count"].to_numpy())
print(again.similar("class", 3))
again.plot("class", n=12, ax=plt.subplots(figsize=(4.4, 3.1), layout="constrained")[1])

# %%
# TensorBoard's projector reads a file of vectors and a file of words. The projector's files have no quoting, so leave
# out words with tabs.
np.savetxt(folder / "vectors.tsv", model.vectors, "%.9g", delimiter="\t")
lines = [f"{word}\t{count}\n" for word, count in zip(words, model.vocabulary.counts, strict=True)]
(folder / "metadata.tsv").write_text("word\tcount\n" + "".join(lines), encoding="utf-8")


# %%
# In floret, the vector of a word is the mean of those rows of a table that the hashes of its n-grams select. The rows
# of the table are fitted by least squares, so that known words keep their vectors as closely as the table allows. spaCy
# reads floret's file with ``python -m spacy init vectors en vectors.floret pipeline --mode floret``.
def places(word: str) -> list[int]:
    """Return the two rows of the whole word and of each of its n-grams of three to five letters."""
    parts = [f"<{word}>", *(f"<{word}>"[i : i + n] for n in (3, 4, 5) for i in range(len(word) + 3 - n))]
    return [place % rows for part in parts for place in np.frombuffer(mmh3.hash_bytes(part), "<u4")[:2].tolist()]


rows = max(4096, len(words))
means = sp.vstack([sp.csr_array(np.bincount(places(word), minlength=rows) / len(places(word))) for word in words])
unit = model.wv.unit.astype(float)
fitted = np.column_stack([lsmr(means, column, damp=0.03)[0] for column in unit.T])
with open(folder / "vectors.floret", "w", encoding="utf-8") as file:
    file.write(f"{rows} {model.dim} 3 5 2 0 < >\n")
    file.writelines(f"{i} {' '.join(map(str, row))}\n" for i, row in enumerate(fitted))
print("largest difference from a known word's vector:", np.abs(means @ fitted - unit).max())
