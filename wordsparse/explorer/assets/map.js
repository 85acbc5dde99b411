// The vocabulary's map: near words lie near each other.

const MARKED = 10;

class MapView {
  constructor() {
    this.name = "Map";
    this.search = new Combobox("Word", (word) => go({ word }));
    this.plot = new Plot("Map of the vocabulary");
    this.shown = null;
    this.node = element("div", {}, element("div", { className: "asked" }, this.search.node), this.plot.node);
  }

  /** @param {import("./state.js").State} state */
  update({ model: index, word, top }) {
    const [model] = shownModels({ model: index, beside: null });
    this.search.show(model, word);
    const n = Math.min(top, model.map.length / 2);
    const points = Array.from({ length: n }, (_, row) => ({ row, x: model.map[2 * row], y: model.map[2 * row + 1], text: readable(model.words[row]) }));
    const marked = new Map();
    const row = model.rows.get(word);
    if (row !== undefined) {
      for (const found of neighbours(model, row, MARKED, n)) marked.set(found.row, "--near");
      marked.set(row, "--accent");
    }
    const caption =
      `The ${whole(n)} most frequent words, laid out by ${METHODS[model.mapMethod]}. ` +
      "The word chosen stands out, and so do its ten nearest words on the map.";
    this.plot.show(model, { points, marked, stretched: false, poles: null }, { fit: this.shown !== index, caption, word });
    this.shown = index;
  }
}

const METHODS = {
  "t-SNE": "t-SNE: near words are alike, long distances say little",
  PCA: "their first two principal components: much of what sets words apart is not seen",
};
