// Words on two axes of one's choice, each from one word to another.

const MOST_POINTS = 3000;
const FIELDS = { left: "Left", right: "Right", down: "Bottom", up: "Top" };

class AxesView {
  constructor() {
    this.name = "Axes";
    this.fields = Object.fromEntries(Object.entries(FIELDS).map(([key, label]) => [key, new Combobox(label, (word) => go({ [key]: word }))]));
    const { left, right, down, up } = this.fields;
    this.only = element("input", { type: "text", id: "only", autocomplete: "off", autocapitalize: "off", spellcheck: false });
    this.only.addEventListener("change", () => adjust({ only: this.only.value.trim() }));
    const only = element("div", { className: "field wide" }, element("label", { htmlFor: "only" }, "Only these words, separated by spaces"), this.only);
    this.plot = new Plot("Words on two axes");
    this.shown = null;
    this.node = element("div", {}, element("div", { className: "asked pairs" }, left.node, right.node, down.node, up.node, only), this.plot.node);
  }

  update(state) {
    const { model: index, word, top, only } = state;
    const [model] = shownModels({ model: index, beside: null });
    Object.entries(this.fields).forEach(([key, field]) => field.show(model, state[key]));
    if (document.activeElement !== this.only) this.only.value = only;
    const poles = { left: state.left, right: state.right, down: state.down, up: state.up };
    const rows = Object.values(poles).map((pole) => model.rows.get(pole));
    const areKnown = !rows.includes(undefined);
    const caption = areKnown
      ? "A word’s place on an axis is its cosine with the difference of the axis’s two words, each vector of length one."
      : "Give four words of this model: two for each axis, such as she and he, poor and rich.";
    const points = areKnown ? this.points(model, rows, this.wanted(model, top, only)) : [];
    const marked = new Map(points.filter(({ row }) => rows.includes(row)).map(({ row }) => [row, "--near"]));
    if (model.rows.has(word)) marked.set(model.rows.get(word), "--accent");
    const shown = JSON.stringify([index, poles, only]);
    const scene = { points, regions: [], marked, stretched: true, poles: areKnown ? mapValues(poles, readable) : null };
    this.plot.show(model, scene, { fit: this.shown !== shown, caption: `${caption} ${this.note(points.length, only)}`, word });
    this.shown = shown;
  }

  /** The rows to show: the chosen words, else the most frequent ones. */
  wanted(model, top, only) {
    if (only) return only.split(/\s+/).map((word) => model.rows.get(word)).filter((row) => row !== undefined);
    return Array.from({ length: Math.min(top, MOST_POINTS, model.words.length) }, (_, row) => row);
  }

  note(n, only) {
    if (!n) return "";
    return only ? `${whole(n)} of the ${only.split(/\s+/).length} words asked for are in this model.` : `The ${whole(n)} most frequent words are shown.`;
  }

  points(model, [left, right, down, up], wanted) {
    const n = wanted.reduce((most, row) => Math.max(most, row + 1), 0);
    const x = cosines(model, combination(model, [[1, right], [-1, left]]), n);
    const y = cosines(model, combination(model, [[1, up], [-1, down]]), n);
    const points = wanted.map((row) => ({ row, x: x[row], y: y[row], text: readable(model.words[row]) }));
    // Words far from the middle say most about the axes: they are labelled first.
    return points.sort((p, q) => Math.hypot(q.x, q.y) - Math.hypot(p.x, p.y));
  }
}

function mapValues(object, change) {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));
}
