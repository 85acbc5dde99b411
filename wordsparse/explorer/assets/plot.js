// A scatter plot with its buttons, and the words in view as a list for keyboards and screen readers.

const LISTED = 40;

class Plot {
  /** @param {string} label */
  constructor(label) {
    const keys = "Arrow keys move it, plus and minus zoom, 0 shows all. The words in view are listed below.";
    this.model = null;
    this.scatter = new Scatter(`${label}. ${keys}`, {
      select: (row) => go({ word: this.model.words[row] }),
      describe: (row) => `${readable(this.model.words[row])}: ${frequency(this.model, row)}`,
      moved: () => this.list(),
    });
    const button = (text, name, act) => {
      const made = element("button", { type: "button", textContent: text, "aria-label": name, title: name });
      made.addEventListener("click", act);
      return made;
    };
    const buttons = element("div", { className: "zoom" },
      button("+", "Zoom in", () => this.scatter.zoomBy(1.5)),
      button("−", "Zoom out", () => this.scatter.zoomBy(1 / 1.5)),
      button("⤢", "Show all", () => this.scatter.fit()),
      button("PNG", "Save the picture as PNG", () => this.scatter.canvas.toBlob((blob) => saved(blob, `${label}.png`))),
      button("SVG", "Save the picture as SVG", () => saved(new Blob([this.scatter.svg()], { type: "image/svg+xml" }), `${label}.svg`)));
    this.caption = element("p", { className: "quiet" });
    this.chosen = element("p", { className: "chosen" });
    this.inView = element("ul", { className: "words" });
    const listed = element("details", {}, element("summary", {}, "The most frequent words in view"), this.inView);
    this.node = element("div", {}, element("div", { className: "plot" }, this.scatter.canvas, buttons), this.chosen, this.caption, listed);
  }

  show(model, scene, { fit, caption, word }) {
    this.model = model;
    this.caption.textContent = caption;
    const row = model.rows.get(word);
    this.chosen.replaceChildren(...(row === undefined ? [] : [wordLink(word), ` ${frequency(model, row)}`]));
    this.scatter.show(scene, fit);
  }

  list() {
    const rows = this.scatter.inView().map((point) => point.row).sort((a, b) => a - b);
    this.inView.replaceChildren(...rows.slice(0, LISTED).map((row) => element("li", {}, wordLink(this.model.words[row]))));
    if (document.activeElement === this.scatter.canvas) {
      announce(`${rows.length} words in view: ${rows.slice(0, 5).map((row) => this.model.words[row]).join(", ")}`);
    }
  }
}

/** Save a file from the page. */
function saved(blob, name) {
  const link = element("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
