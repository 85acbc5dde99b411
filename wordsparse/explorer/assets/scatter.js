// Thousands of words as points on a canvas: zoom, pan, labels, a pointer that finds the nearest word.

const LARGEST_ZOOM = 200;
const REACH = 14; // pixels from a point at which the pointer still finds it
const MARGIN = 28;
const MARKED_RADIUS = 4.5;

/**
 * A word on the plane. x to the right and y upwards, in any unit.
 * @typedef {{row: number, x: number, y: number, text: string, colour?: string}} Point
 */

/**
 * @typedef {object} Scene
 * @property {Point[]} points the most important first
 * @property {{text: string, x: number, y: number, colour: string}[]} regions names of parts of the plane
 * @property {Map<number, string>} marked rows that stand out, with the colour variable of each
 * @property {boolean} stretched whether each axis has a scale of its own
 * @property {{left: string, right: string, down: string, up: string} | null} poles
 */

class Scatter {
  /**
   * @param {string} label for screen readers
   * @param {{select: (row: number) => void, describe: (row: number) => string, moved: () => void}} callbacks
   */
  constructor(label, callbacks) {
    this.callbacks = callbacks;
    /** @type {Scene} */
    this.scene = { points: [], regions: [], marked: new Map(), stretched: false, poles: null };
    this.view = { zoom: 1, x: 0, y: 0 };
    this.hovered = null;
    this.widths = new Map();
    this.canvas = document.createElement("canvas");
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "application");
    this.canvas.setAttribute("aria-label", label);
    new Gestures(this.canvas, {
      pan: (dx, dy) => this.panBy(dx, dy),
      zoom: (factor, x, y) => this.zoomBy(factor, x, y),
      fit: () => this.fit(),
      hover: (place) => this.hover(place && this.at(place.x, place.y)),
      tap: (place) => this.tapped(this.at(place.x, place.y)),
    });
    new ResizeObserver(() => this.draw()).observe(this.canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  /** @param {Scene} scene @param {boolean} fit whether to show all of it */
  show(scene, fit) {
    this.scene = scene;
    const xs = scene.points.map((point) => point.x);
    const ys = scene.points.map((point) => point.y);
    const range = (values) => [values.reduce((a, b) => Math.min(a, b), Infinity), values.reduce((a, b) => Math.max(a, b), -Infinity)];
    this.bounds = scene.points.length ? { x: range(xs), y: range(ys) } : { x: [0, 1], y: [0, 1] };
    if (fit) this.view = { zoom: 1, x: 0, y: 0 };
    this.draw();
    this.callbacks.moved();
  }

  /** Pixels for each unit on both axes, at the present zoom. */
  scales() {
    const { width, height } = this.size;
    const { x, y } = this.bounds;
    let sx = (width - 2 * MARGIN) / (x[1] - x[0] || 1);
    let sy = (height - 2 * MARGIN) / (y[1] - y[0] || 1);
    if (!this.scene.stretched) sx = sy = Math.min(sx, sy);
    return { sx: sx * this.view.zoom, sy: sy * this.view.zoom };
  }

  /** A function from points to pixels. */
  placing() {
    const { width, height } = this.size;
    const { sx, sy } = this.scales();
    const [mx, my] = [(this.bounds.x[0] + this.bounds.x[1]) / 2, (this.bounds.y[0] + this.bounds.y[1]) / 2];
    return (x, y) => [width / 2 + (x - mx) * sx + this.view.x, height / 2 - (y - my) * sy + this.view.y];
  }

  get size() {
    return { width: this.canvas.clientWidth, height: this.canvas.clientHeight };
  }

  /** The points on the canvas now, the most important first. @returns {Point[]} */
  inView() {
    const { width, height } = this.size;
    const place = this.placing();
    return this.scene.points.filter((point) => {
      const [x, y] = place(point.x, point.y);
      return x >= 0 && y >= 0 && x <= width && y <= height;
    });
  }

  draw() {
    if (this.scheduled) return;
    this.scheduled = true;
    requestAnimationFrame(() => {
      this.scheduled = false;
      if (this.size.width) this.paint();
    });
  }

  paint() {
    const { width, height } = this.size;
    const ratio = devicePixelRatio || 1;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    const context = this.canvas.getContext("2d");
    context.scale(ratio, ratio);
    this.paintOn(context);
  }

  /** The picture as a document of SVG. @returns {string} */
  svg() {
    const context = new SvgContext(this.size, this.canvas.getContext("2d"));
    this.paintOn(context);
    return context.document();
  }

  /** @param {CanvasRenderingContext2D | SvgContext} context */
  paintOn(context) {
    const { width, height } = this.size;
    const style = getComputedStyle(this.canvas);
    const colour = (name) => style.getPropertyValue(name).trim();
    context.fillStyle = colour("--card");
    context.fillRect(0, 0, width, height);
    context.textBaseline = "middle";
    context.lineJoin = "round";
    const grid = new OccupancyGrid(width, height);
    const pen = { context, place: this.placing(), colour, grid, family: style.fontFamily };
    if (this.scene.poles) this.paintAxes(pen);
    const { marked, points } = this.scene;
    const isMarked = (point) => marked.has(point.row) || point.row === this.hovered;
    const seen = this.inView();
    const plain = seen.filter((point) => !isMarked(point));
    const radius = Math.min(4, 1.4 + 0.35 * Math.log2(this.view.zoom) + 20 / (points.length + 10));
    for (const point of plain) {
      context.fillStyle = colour(point.colour ?? "--point");
      this.paintDot(pen, point, radius);
    }
    // Dots first, so that none covers a label; then labels, that of the word under the pointer before the others.
    const importance = (point) => (point.row === this.hovered ? 2 : marked.get(point.row) === "--accent" ? 1 : 0);
    const standingOut = seen.filter(isMarked).sort((p, q) => importance(q) - importance(p));
    const paint = (point) => (context.fillStyle = colour(marked.get(point.row) ?? "--accent"));
    for (const point of standingOut) {
      paint(point);
      this.paintDot(pen, point, MARKED_RADIUS);
      pen.grid.take(...pen.place(point.x, point.y), 0, 0, true);
    }
    for (const point of standingOut) {
      paint(point);
      this.paintLabel(pen, point, MARKED_RADIUS, true, importance(point) > 0);
    }
    for (const region of this.scene.regions) {
      context.fillStyle = colour(region.colour);
      this.paintLabel(pen, region, 0, true);
    }
    context.fillStyle = colour("--ink");
    for (const point of plain) this.paintLabel(pen, point, radius, false);
  }

  paintDot({ context, place }, point, radius) {
    const [x, y] = place(point.x, point.y);
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.fill();
  }

  /** The word beside its point, on the side where it fits; on the right in any case if it is forced. */
  paintLabel({ context, place, colour, grid, family }, point, radius, isBold, isForced = false) {
    const [x, y] = place(point.x, point.y);
    context.font = `${isBold ? "bold " : ""}13px ${family}`;
    const text = shortened(point.text);
    const width = this.widthOf(context, text, isBold);
    // A marked dot occupies its cell of the grid: its label begins in the next one.
    const gap = radius + 5;
    const sides = [x + gap, x - gap - width];
    if (x + gap + width > this.size.width) sides.reverse();
    const takes = (from, forced) => grid.take(from - 2, y - 8, width + 4, 16, forced);
    const left = sides.find((from) => takes(from, false)) ?? (isForced && takes(sides[0], true) ? sides[0] : undefined);
    if (left === undefined) return;
    context.lineWidth = 3;
    context.strokeStyle = colour("--card");
    context.strokeText(text, left, y);
    context.fillText(text, left, y);
  }

  widthOf(context, text, isBold) {
    const key = (isBold ? "b" : "n") + text;
    if (!this.widths.has(key)) this.widths.set(key, context.measureText(text).width);
    return this.widths.get(key);
  }

  paintAxes({ context, place, colour, family }) {
    const { width, height } = this.size;
    const { left, right, down, up } = this.scene.poles;
    const [x0, y0] = place(0, 0);
    context.strokeStyle = colour("--line");
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(x0, 0);
    context.lineTo(x0, height);
    context.moveTo(0, y0);
    context.lineTo(width, y0);
    context.stroke();
    context.font = `13px ${family}`;
    context.fillStyle = colour("--quiet");
    context.fillText(`← ${shortened(left)}`, 8, height - 12);
    context.fillText(`↓ ${shortened(down)}`, 8, height - 32);
    context.fillText(`↑ ${shortened(up)}`, 8, 14);
    context.textAlign = "right";
    context.fillText(`${shortened(right)} →`, width - 8, height - 12);
    context.textAlign = "left";
  }

  /** Zoom by a factor, keeping a pixel in its place; by default the middle. */
  zoomBy(factor, x = this.size.width / 2, y = this.size.height / 2) {
    const zoom = Math.min(LARGEST_ZOOM, Math.max(0.5, this.view.zoom * factor));
    const ratio = zoom / this.view.zoom;
    const [cx, cy] = [x - this.size.width / 2, y - this.size.height / 2];
    this.view = { zoom, x: cx - (cx - this.view.x) * ratio, y: cy - (cy - this.view.y) * ratio };
    this.changed();
  }

  panBy(dx, dy) {
    this.view = { ...this.view, x: this.view.x + dx, y: this.view.y + dy };
    this.changed();
  }

  fit() {
    this.view = { zoom: 1, x: 0, y: 0 };
    this.changed();
  }

  changed() {
    this.draw();
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.callbacks.moved(), 150);
  }

  /** The row of the point nearest to a pixel, within reach; null if there is none. */
  at(x, y) {
    const place = this.placing();
    let [best, distance] = [null, REACH * REACH];
    for (const point of this.scene.points) {
      const [px, py] = place(point.x, point.y);
      const square = (px - x) ** 2 + (py - y) ** 2;
      if (square < distance) [best, distance] = [point.row, square];
    }
    return best;
  }

  tapped(row) {
    if (row !== null) this.callbacks.select(row);
  }

  hover(row) {
    if (row === this.hovered) return;
    this.hovered = row;
    this.canvas.title = row === null ? "" : this.callbacks.describe(row);
    this.canvas.classList.toggle("pointing", row !== null);
    this.draw();
  }
}
