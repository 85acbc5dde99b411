"""All models of karateclub that train a Word2Vec, used as in its README: fit, then get_embedding."""

import networkx as nx
from karateclub import DeepWalk, Diff2Vec, Node2Vec, Walklets

for model in (DeepWalk(), Node2Vec(), Walklets(), Diff2Vec()):
    model.fit(nx.newman_watts_strogatz_graph(100, 20, 0.05, seed=1))
    assert len(model.get_embedding()) == 100, model
