// Mouse, pen, fingers and keys on a canvas, as pan, zoom, hover and tap.

const STEP = 60; // pixels for each press of an arrow key
const FACTOR = 1.5;
const STILL = 4; // a pointer that travelled no more pixels has tapped

/**
 * @typedef {object} Handlers
 * @property {(dx: number, dy: number) => void} pan
 * @property {(factor: number, x?: number, y?: number) => void} zoom keeping a pixel in its place
 * @property {() => void} fit
 * @property {(place: {x: number, y: number} | null) => void} hover
 * @property {(place: {x: number, y: number}) => void} tap
 */

class Gestures {
  /** @param {HTMLCanvasElement} canvas @param {Handlers} handlers */
  constructor(canvas, handlers) {
    this.canvas = canvas;
    this.handlers = handlers;
    this.pointers = new Map();
    this.travelled = 0;
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.moved(event));
    canvas.addEventListener("pointerup", (event) => this.up(event));
    canvas.addEventListener("pointercancel", (event) => this.pointers.delete(event.pointerId));
    canvas.addEventListener("pointerleave", () => handlers.hover(null));
    canvas.addEventListener("keydown", (event) => this.pressed(event));
    canvas.addEventListener("wheel", (event) => this.turned(event), { passive: false });
  }

  down(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, { x: event.offsetX, y: event.offsetY });
    this.travelled = this.pointers.size > 1 ? Infinity : 0;
  }

  moved(event) {
    const now = { x: event.offsetX, y: event.offsetY };
    const before = this.pointers.get(event.pointerId);
    if (!before) {
      this.handlers.hover(now);
      return;
    }
    const [dx, dy] = [now.x - before.x, now.y - before.y];
    this.travelled += Math.hypot(dx, dy);
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const spread = (point) => Math.hypot(point.x - other.x, point.y - other.y) || 1;
      this.handlers.pan(dx / 2, dy / 2);
      this.handlers.zoom(spread(now) / spread(before), (now.x + other.x) / 2, (now.y + other.y) / 2);
    } else if (this.travelled > STILL) {
      this.handlers.pan(dx, dy);
    }
    this.pointers.set(event.pointerId, now);
  }

  up(event) {
    if (this.pointers.delete(event.pointerId) && this.travelled <= STILL) {
      this.handlers.tap({ x: event.offsetX, y: event.offsetY });
    }
  }

  turned(event) {
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE;
    this.handlers.zoom(Math.exp(-event.deltaY * (lines ? 0.03 : 0.0015)), event.offsetX, event.offsetY);
  }

  pressed(event) {
    const actions = {
      ArrowLeft: () => this.handlers.pan(STEP, 0),
      ArrowRight: () => this.handlers.pan(-STEP, 0),
      ArrowUp: () => this.handlers.pan(0, STEP),
      ArrowDown: () => this.handlers.pan(0, -STEP),
      "+": () => this.handlers.zoom(FACTOR),
      "=": () => this.handlers.zoom(FACTOR),
      "-": () => this.handlers.zoom(1 / FACTOR),
      0: () => this.handlers.fit(),
    };
    if (!(event.key in actions) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    actions[event.key]();
  }
}
