"""
Vectors of a Wikipedia
======================

Wikipedia's dumps are XML with markup: templates, tables, links. ``format="wiki"`` reads Wikipedia's dumps directly.
Each article is read as one sentence. Redirects, discussions and articles of fewer than fifty words are left out.
"""

import bz2
import importlib.util
from html import escape
from pathlib import Path
from pydoc_data.topics import topics
from tempfile import mkdtemp

import matplotlib.pyplot as plt

import wordsparse as ws

# %%
# This example makes a small dump: for each topic of Python's reference, an article that begins with a link; then one
# redirect, and one page of another namespace. Fetch a real dump with ``wordsparse corpora fetch simple-wikipedia -o
# dump``, or download a dump in any language from dumps.wikimedia.org.
page = "<page><title>{}</title><ns>{}</ns><id>{}</id><revision><text>{}</text></revision></page>\n"
articles = [
    page.format(escape(title), 0, number, escape(f"'''{title}''' {{{{stub}}}} [[Python|Python's]] {text}"))
    for number, (title, text) in enumerate(topics.items())
]
others = page.format("Pythons", 0, 1000, "#REDIRECT [[Python]]") + page.format("Talk:Python", 1, 1001, "Why? " * 99)
head = '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/"><siteinfo/>\n'
dump = Path(mkdtemp()) / "pages-articles.xml.bz2"
dump.write_bytes(bz2.compress(f"{head}{''.join(articles)}{others}</mediawiki>".encode()))

# %%
# Encode the dump once, and train on it as often as you like.
if importlib.util.find_spec("wikitextparser"):
    corpus = ws.encode(dump, dump.with_name("encoded"), format="wiki", min_count=5)
    print(f"{corpus.sentences} articles of {len(articles)}, {corpus.tokens:,} words")
    model = ws.train(corpus, model="skipgram", dim=50, epochs=10, progress=False)
    for word in ("class", "exception", "string"):
        print(word, "→", ", ".join(near for near, _ in model.wv.similar(word, 6)))
    model.wv.plot("exception", n=12, ax=plt.subplots(figsize=(4.4, 3.1), layout="constrained")[1])
else:
    print("wikitextparser reads Wikipedia's markup, and is not installed: pip install 'wordsparse[wiki]'")

# %%
# The following commands train a model on a real dump:
#
# .. code-block:: none
#
#     wordsparse corpora fetch simple-wikipedia -o dump
#     wordsparse encode dump --format wiki -o encoded
#     wordsparse train encoded -o model
