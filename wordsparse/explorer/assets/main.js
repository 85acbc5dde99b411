// The page: a slider above, one view below, drawn anew whenever the address changes.

const views = { neighbours: new NeighboursView(), analogy: new AnalogyView(), map: new MapView() };

// Positions of the slider: 100, 200, 500, 1,000 … and every word.
const ALL = model.words.length;
const STOPS = [];
for (let power = 100; power < ALL; power *= 10) STOPS.push(...[1, 2, 5].map((digit) => digit * power).filter((n) => n < ALL));
STOPS.push(ALL);

// Of a word that occurs less often, a neighbour says little.
const LEAST_COUNT = 5;

/** The last stop of the slider up to which each word occurs often enough; all words where counts are not known. */
function oftenSeen() {
  const enough = model.counts ? model.counts.findIndex((count) => count < LEAST_COUNT) : -1;
  return enough < 0 ? ALL : STOPS.findLast((n) => n <= enough) ?? STOPS[0];
}

/** The view of an address without a fragment. @returns {State} */
function initial() {
  const { words, rows } = model;
  const top = oftenSeen();
  // A word that is frequent, yet says something: long ones seldom serve grammar alone.
  const [word, other] = [...words.filter((text, row) => row >= 300 && text.length >= 5).slice(0, 2), words[0], words.at(1) ?? words[0]];
  const [near] = nearest([[1, rows.get(word)]], 1, top);
  const isKnown = ["man", "king", "woman"].every((text) => rows.has(text));
  const [a, b, c] = isKnown ? ["man", "king", "woman"] : [word, near ? words[near.row] : word, other];
  return { view: "neighbours", word, top, a, b, c };
}

function build() {
  byId("top").max = STOPS.length - 1;
  byId("top").addEventListener("input", () => adjust({ top: STOPS[byId("top").value] }));
  for (const [key, view] of Object.entries(views)) {
    byId("views").append(view.node);
    byId("tabs").append(element("a", { id: `tab-${key}` }, view.name));
  }
  byId("about").append(`${whole(ALL)} of ${whole(model.vocabSize)} words, ${model.dim} dimensions, rounded to 8 bits. This page is complete: it asks nothing of the network. Its address keeps what you see.`);
}

function draw(state) {
  const text = state.top >= ALL ? `${whole(ALL)} words` : `${whole(state.top)} most frequent words`;
  const stop = STOPS.findIndex((n) => n >= state.top);
  byId("top").value = stop < 0 ? STOPS.length - 1 : stop;
  byId("top").setAttribute("aria-valuetext", text);
  byId("top-text").textContent = text;
  for (const [key, view] of Object.entries(views)) {
    view.node.hidden = key !== state.view;
    byId(`tab-${key}`).href = address({ view: key });
    byId(`tab-${key}`).ariaCurrent = view.node.hidden ? "false" : "page";
  }
  views[state.view].update(state);
}

build();
start(initial(), Object.keys(views), draw);
