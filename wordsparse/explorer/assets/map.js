// The map of the vocabulary, on which similar words lie near each other.

const METHODS = {
  "t-SNE": "t-SNE: nearby words are similar, long distances mean little",
  PCA: "their first two principal components: many differences between words are hidden",
};

class MapView {
  constructor() {
    this.name = "Map";
    this.search = new Search("Word", (word) => go({ word }));
    this.scatter = new Scatter("Map of the vocabulary. Arrow keys move it, plus and minus zoom, 0 shows all.");
    const button = (text, name, onclick) => element("button", { type: "button", textContent: text, "aria-label": name, title: name, onclick });
    const buttons = element("div", { className: "zoom" },
      button("+", "Zoom in", () => this.scatter.zoomBy(1.5)),
      button("−", "Zoom out", () => this.scatter.zoomBy(1 / 1.5)),
      button("⤢", "Show all", () => this.scatter.fit()));
    this.chosen = element("p", { className: "chosen" });
    this.caption = element("p", { className: "quiet" });
    const plot = element("div", { className: "plot" }, this.scatter.canvas);
    this.node = element("div", {}, element("div", { className: "question" }, this.search.node), buttons, plot, this.chosen, this.caption);
  }

  update({ word }) {
    this.search.show(word);
    const row = model.rows.get(word);
    this.chosen.replaceChildren(...(row === undefined ? [] : [wordLink(word), ` ${frequency(row)}`]));
    this.caption.textContent = `The ${whole(this.scatter.points.length)} most frequent words, laid out by ${METHODS[model.mapMethod]}. The chosen word and its ten nearest words on the map are highlighted.`;
    this.scatter.show(word);
  }
}
