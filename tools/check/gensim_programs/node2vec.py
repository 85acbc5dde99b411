"""The example of node2vec's README: walks, nodes, similar nodes, files, and edges by the Hadamard product."""

import networkx as nx
from node2vec import Node2Vec
from node2vec.edges import HadamardEmbedder

graph = nx.fast_gnp_random_graph(n=100, p=0.5, seed=1)
walks = Node2Vec(graph, dimensions=64, walk_length=30, num_walks=200, workers=1, quiet=True)
model = walks.fit(window=10, min_count=1, batch_words=4)
assert len(model.wv.most_similar("2")) == 10
model.wv.save_word2vec_format("nodes.txt")
model.save("nodes.model")
edges = HadamardEmbedder(keyed_vectors=model.wv, quiet=True)
assert edges[("1", "2")].shape == (64,)
pairs = edges.as_keyed_vectors()
assert pairs.most_similar(str(("1", "2")))
pairs.save_word2vec_format("edges.txt")
