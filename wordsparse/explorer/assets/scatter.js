// Draws the words of the map as points on a canvas, with zoom, pan and labels, and finds the word nearest to the pointer.

const LARGEST_ZOOM = 200;
const REACH = 14; // greatest distance in pixels at which the pointer finds a point
const MARGIN = 28;
const MARKED = 10; // number of nearest words that are highlighted with the chosen word
const MARKED_RADIUS = 4.5;

/** @typedef {{row: number, x: number, y: number, text: string}} Point a word: x to the right and y upwards, in any unit */

// In a large vocabulary, the most frequent words are mostly function words such as "the", whose labels are drawn last.
const FUNCTION_WORDS = 100, LARGE_VOCABULARY = 5000;
const isFunctionWord = ({ row }) => row < FUNCTION_WORDS && model.vocabSize >= LARGE_VOCABULARY;

class Scatter {
  /** @param {string} label for screen readers */
  constructor(label) {
    /** @type {Point[]} the most frequent words first */
    this.points = Array.from({ length: model.map.length / 2 }, (_, row) => ({ row, x: model.map[2 * row], y: model.map[2 * row + 1], text: readable(model.words[row]) }));
    const range = (values) => [values.reduce((a, b) => Math.min(a, b), Infinity), values.reduce((a, b) => Math.max(a, b), -Infinity)];
    this.bounds = { x: range(this.points.map((point) => point.x)), y: range(this.points.map((point) => point.y)) };
    this.near = new Set();
    this.view = { zoom: 1, x: 0, y: 0 };
    this.canvas = element("canvas", { tabIndex: 0, role: "application", "aria-label": label });
    listenTo(this.canvas, {
      pan: (dx, dy) => this.panBy(dx, dy),
      zoom: (factor, x, y) => this.zoomBy(factor, x, y),
      fit: () => this.fit(),
      hover: (place) => this.hover(place && this.at(place.x, place.y)),
      tap: (place) => this.choose(this.at(place.x, place.y)),
    });
    new ResizeObserver(() => this.draw()).observe(this.canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  /** Highlight a word and its nearest words on the map. @param {string} word */
  show(word) {
    this.chosen = model.rows.get(word);
    const near = this.chosen === undefined ? [] : nearest([[1, this.chosen]], MARKED, this.points.length);
    this.near = new Set(near.map((answer) => answer.row));
    this.draw();
  }

  choose(row) {
    if (row !== null) go({ word: model.words[row] });
  }

  get size() {
    return { width: this.canvas.clientWidth, height: this.canvas.clientHeight };
  }

  /** Return a function from points to pixels. */
  placing() {
    const { width, height } = this.size;
    const { x: [x0, x1], y: [y0, y1] } = this.bounds;
    const scale = this.view.zoom * Math.min((width - 2 * MARGIN) / (x1 - x0 || 1), (height - 2 * MARGIN) / (y1 - y0 || 1));
    return ({ x, y }) => [width / 2 + (x - (x0 + x1) / 2) * scale + this.view.x, height / 2 - (y - (y0 + y1) / 2) * scale + this.view.y];
  }

  /** Return the points that are on the canvas now, most important first. @returns {Point[]} */
  inView() {
    const { width, height } = this.size;
    const place = this.placing();
    return this.points.filter((point) => {
      const [x, y] = place(point);
      return x >= 0 && y >= 0 && x <= width && y <= height;
    });
  }

  draw() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.size.width && this.paint());
  }

  paint() {
    const { width, height } = this.size;
    this.canvas.width = Math.round(width * devicePixelRatio);
    this.canvas.height = Math.round(height * devicePixelRatio);
    const context = this.canvas.getContext("2d");
    context.scale(devicePixelRatio, devicePixelRatio);
    Object.assign(context, { textBaseline: "middle", lineJoin: "round", lineWidth: 3 });
    const style = getComputedStyle(this.canvas);
    const colour = (name) => style.getPropertyValue(name).trim();
    const pen = { context, place: this.placing(), taken: [], family: style.fontFamily, ground: colour("--card") };
    const seen = this.inView();
    // The order is: the word under the pointer, the chosen word, its nearest words, all other words.
    const importance = ({ row }) => (row === this.hovered ? 3 : row === this.chosen ? 2 : this.near.has(row) ? 1 : 0);
    const marked = seen.filter(importance).sort((p, q) => importance(q) - importance(p));
    const plain = seen.filter((point) => !importance(point));
    const radius = Math.min(4, 1.4 + 0.35 * Math.log2(this.view.zoom) + 20 / (this.points.length + 10));
    const markedColour = (point) => colour(importance(point) > 1 ? "--accent" : "--near");
    // Paint all dots first, so that no dot covers a label.
    for (const point of plain) this.paintDot(pen, point, radius, colour("--point"));
    for (const point of marked) {
      this.paintDot(pen, point, MARKED_RADIUS, markedColour(point));
      const [x, y] = pen.place(point);
      pen.taken.push([x - MARKED_RADIUS, y - MARKED_RADIUS, x + MARKED_RADIUS, y + MARKED_RADIUS]);
    }
    for (const point of marked) this.paintLabel(pen, point, { radius: MARKED_RADIUS, colour: markedColour(point), weight: "bold", isForced: importance(point) > 1 });
    const contentFirst = [...plain.filter((point) => !isFunctionWord(point)), ...plain.filter(isFunctionWord)];
    for (const point of contentFirst) this.paintLabel(pen, point, { radius, colour: colour("--ink"), weight: "normal", isForced: false });
  }

  paintDot({ context, place }, point, radius, colour) {
    context.fillStyle = colour;
    context.beginPath();
    context.arc(...place(point), radius, 0, 2 * Math.PI);
    context.fill();
  }

  /** Paint a word next to its point, on the side where it fits; if forced, on the first side even where it overlaps other labels. */
  paintLabel({ context, place, taken, family, ground }, point, { radius, colour, weight, isForced }) {
    const [x, y] = place(point);
    context.font = `${weight} 13px ${family}`;
    const { width } = context.measureText(point.text);
    // A highlighted dot occupies space: its label begins next to it.
    const gap = radius + 5;
    const sides = [x + gap, x - gap - width];
    if (x + gap + width > this.size.width) sides.reverse();
    const takes = (from, forced) => this.take(taken, [from - 2, y - 8, from + width + 2, y + 8], forced);
    const left = sides.find((from) => takes(from, false)) ?? sides.find((from) => isForced && takes(from, true));
    if (left === undefined) return;
    Object.assign(context, { strokeStyle: ground, fillStyle: colour });
    context.strokeText(point.text, left, y);
    context.fillText(point.text, left, y);
  }

  /** Reserve a rectangle for a label if it lies on the canvas and is free; a forced label may overlap other labels. @returns {boolean} */
  take(taken, [left, top, right, bottom], forced) {
    const { width, height } = this.size;
    if (left < 0 || top < 0 || right > width || bottom > height) return false;
    if (!forced && taken.some(([l, t, r, b]) => left < r && l < right && top < b && t < bottom)) return false;
    taken.push([left, top, right, bottom]);
    return true;
  }

  /** Zoom by a factor. The pixel (x, y), by default the centre, stays in place. */
  zoomBy(factor, x = this.size.width / 2, y = this.size.height / 2) {
    const zoom = Math.min(LARGEST_ZOOM, Math.max(0.5, this.view.zoom * factor));
    const ratio = zoom / this.view.zoom;
    const [cx, cy] = [x - this.size.width / 2, y - this.size.height / 2];
    this.view = { zoom, x: cx - (cx - this.view.x) * ratio, y: cy - (cy - this.view.y) * ratio };
    this.draw();
  }

  panBy(dx, dy) {
    this.view = { ...this.view, x: this.view.x + dx, y: this.view.y + dy };
    this.draw();
  }

  fit() {
    this.view = { zoom: 1, x: 0, y: 0 };
    this.draw();
  }

  /** Return the row of the point nearest to a pixel; null if no point is within reach. */
  at(x, y) {
    const place = this.placing();
    let [best, distance] = [null, REACH * REACH];
    for (const point of this.points) {
      const [px, py] = place(point);
      const square = (px - x) ** 2 + (py - y) ** 2;
      if (square < distance) [best, distance] = [point.row, square];
    }
    return best;
  }

  hover(row) {
    if (row === this.hovered) return;
    this.hovered = row;
    this.canvas.title = row === null ? "" : `${readable(model.words[row])}: ${frequency(row)}`;
    this.canvas.style.cursor = row === null ? "" : "pointer";
    this.draw();
  }
}
