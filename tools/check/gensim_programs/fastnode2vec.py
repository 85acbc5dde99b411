"""The usage of fastnode2vec's README, whose argument ``context`` is called ``window`` since 0.0.6."""

from fastnode2vec import Graph, Node2Vec

graph = Graph([("a", "b", 1), ("b", "c", 2), ("c", "a", 3), ("a", "d", 4)], directed=False, weighted=True)
model = Node2Vec(graph, dim=10, walk_length=100, window=10, p=2.0, q=0.5, workers=2)
model.train(epochs=100, verbose=False)
assert model.wv["a"].shape == (10,)
