// The vocabulary's map: near words lie near each other.

const MARKED = 10;

class MapView {
  constructor() {
    this.name = "Map";
    this.search = new Combobox("Word", (word) => go({ word }));
    this.plot = new Plot("Map of the vocabulary");
    this.shown = null;
    this.legend = element("ul", { className: "words" });
    this.node = element("div", {}, element("div", { className: "asked" }, this.search.node), this.plot.node, this.legend);
  }

  update({ model: index, word, top }) {
    const [model] = shownModels({ model: index, beside: null });
    this.search.show(model, word);
    const n = Math.min(top, model.map.length / 2);
    const isGrouped = model.groupNames.length > 1;
    const points = Array.from({ length: n }, (_, row) => ({
      row, x: model.map[2 * row], y: model.map[2 * row + 1], text: readable(model.words[row]),
      colour: isGrouped ? `--group-${model.groups[row]}` : "--point",
    }));
    const regions = isGrouped ? model.groupNames.map((names, group) => region(names, group, points)).filter((found) => found) : [];
    const marked = new Map();
    const row = model.rows.get(word);
    if (row !== undefined) {
      for (const found of neighbours(model, row, MARKED, n)) marked.set(found.row, "--near");
      marked.set(row, "--accent");
    }
    const caption =
      `The ${whole(n)} most frequent words, laid out by ${METHODS[model.mapMethod]}. ` +
      (isGrouped ? "Colours are groups of like words (k-means on the vectors), each named by central words of it. " : "") +
      "The word chosen stands out, and so do its ten nearest words on the map.";
    this.legend.replaceChildren(...regions.map(({ text, colour }) => {
      const swatch = element("span", { className: "swatch" });
      swatch.style.setProperty("--swatch", `var(${colour})`);
      return element("li", {}, swatch, element("bdi", {}, text));
    }));
    this.plot.show(model, { points, regions, marked, stretched: false, poles: null }, { fit: this.shown !== index, caption, word });
    this.shown = index;
  }
}

/** A group's names at the median of its points; null where none of them is shown. */
function region(names, group, points) {
  const own = points.filter(({ colour }) => colour === `--group-${group}`);
  if (!own.length) return null;
  const middle = (axis) => own.map((point) => point[axis]).sort((a, b) => a - b)[Math.floor(own.length / 2)];
  return { text: names.map(readable).join(", "), x: middle("x"), y: middle("y"), colour: `--group-${group}` };
}

const METHODS = {
  "t-SNE": "t-SNE: near words are alike, long distances say little",
  PCA: "their first two principal components: much of what sets words apart is not seen",
};
