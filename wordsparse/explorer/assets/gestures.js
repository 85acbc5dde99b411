// Translates mouse, pen, finger and keyboard input on a canvas to pan, zoom, hover and tap.

const STEP = 60; // pixels for each press of an arrow key
const FACTOR = 1.5;
const STILL = 4; // the maximum number of pixels that a pointer moves in a tap

/** Call the handlers pan(dx, dy), zoom(factor, x, y) (which keeps this pixel in place), fit(), hover(place or null) and tap(place). */
function listenTo(canvas, handlers) {
  listenToPointers(canvas, handlers);
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    handlers.zoom(Math.exp(-event.deltaY * 0.0015), event.offsetX, event.offsetY);
  }, { passive: false });
  const actions = {
    ArrowLeft: () => handlers.pan(STEP, 0),
    ArrowRight: () => handlers.pan(-STEP, 0),
    ArrowUp: () => handlers.pan(0, STEP),
    ArrowDown: () => handlers.pan(0, -STEP),
    "+": () => handlers.zoom(FACTOR),
    "=": () => handlers.zoom(FACTOR),
    "-": () => handlers.zoom(1 / FACTOR),
    0: () => handlers.fit(),
  };
  canvas.addEventListener("keydown", (event) => {
    if (!(event.key in actions) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    actions[event.key]();
  });
}

/** Listen to pointers: one pointer pans or taps, two pointers zoom. */
function listenToPointers(canvas, handlers) {
  const pointers = new Map();
  let travelled = 0;
  const placeOf = (event) => ({ x: event.offsetX, y: event.offsetY });
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, placeOf(event));
    travelled = pointers.size > 1 ? Infinity : 0;
  });
  canvas.addEventListener("pointermove", (event) => {
    const [now, before] = [placeOf(event), pointers.get(event.pointerId)];
    if (!before) return handlers.hover(now);
    const [dx, dy] = [now.x - before.x, now.y - before.y];
    travelled += Math.hypot(dx, dy);
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const spread = (place) => Math.hypot(place.x - other.x, place.y - other.y) || 1;
      handlers.pan(dx / 2, dy / 2);
      handlers.zoom(spread(now) / spread(before), (now.x + other.x) / 2, (now.y + other.y) / 2);
    } else if (travelled > STILL) {
      handlers.pan(dx, dy);
    }
    pointers.set(event.pointerId, now);
  });
  canvas.addEventListener("pointerup", (event) => {
    if (pointers.delete(event.pointerId) && travelled <= STILL) handlers.tap(placeOf(event));
  });
  canvas.addEventListener("pointercancel", (event) => pointers.delete(event.pointerId));
  canvas.addEventListener("pointerleave", () => handlers.hover(null));
}
