// The page has tabs at the top and one view below, which is redrawn whenever the address changes.

const views = { neighbours: new NeighboursView(), analogy: new AnalogyView(), map: new MapView() };

/** Return the view for an address without a fragment. @returns {State} */
function initial() {
  const { words, rows } = model;
  // Choose frequent words that carry meaning: long words are seldom function words.
  const [word, other] = [...words.filter((text, row) => row >= 300 && text.length >= 5).slice(0, 2), words[0], words.at(1) ?? words[0]];
  const [near] = nearest([[1, rows.get(word)]], 1);
  const isKnown = ["man", "king", "woman"].every((text) => rows.has(text));
  const [a, b, c] = isKnown ? ["man", "king", "woman"] : [word, near ? words[near.row] : word, other];
  return { view: "neighbours", word, a, b, c };
}

function build() {
  for (const [key, view] of Object.entries(views)) {
    byId("views").append(view.node);
    byId("tabs").append(element("a", { id: `tab-${key}` }, view.name));
  }
  byId("about").append(`${whole(model.words.length)} of ${whole(model.vocabSize)} words, ${model.dim} dimensions, rounded to 8 bits. This page is self-contained: it requests nothing from the network. Its address stores the current view.`);
}

function draw(state) {
  for (const [key, view] of Object.entries(views)) {
    view.node.hidden = key !== state.view;
    byId(`tab-${key}`).href = address({ view: key });
    byId(`tab-${key}`).ariaCurrent = view.node.hidden ? "false" : "page";
  }
  views[state.view].update(state);
}

build();
start(initial(), Object.keys(views), draw);
