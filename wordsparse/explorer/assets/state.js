// The page's state is the fragment of its address: controls write it, views are drawn from it, links contain it.

/** @typedef {{view: string, word: string, a: string, b: string, c: string}} State */

/** @type {State} */
let defaults;
let viewNames;

/** Draw now, and whenever the address changes. */
function start(initial, names, draw) {
  [defaults, viewNames] = [initial, names];
  addEventListener("hashchange", () => draw(state()));
  draw(state());
}

/** The state in the address; invalid parts are ignored. @returns {State} */
function state() {
  const texts = new URLSearchParams(location.hash.slice(1));
  const parts = Object.keys(defaults).filter((key) => texts.has(key)).map((key) => [key, texts.get(key)]);
  return { ...defaults, ...Object.fromEntries(parts.filter(([key, value]) => key !== "view" || viewNames.includes(value))) };
}

/** The current address with some members of the state changed. @param {Partial<State>} changes */
function address(changes) {
  const differing = Object.entries({ ...state(), ...changes }).filter(([key, value]) => value !== defaults[key]);
  // The whole address: in a notebook's frame, a fragment alone would be read as the notebook's.
  return `${location.href.split("#")[0]}#${new URLSearchParams(differing)}`;
}

/** Go to a changed state, a new entry of the history that the back button leaves. */
function go(changes) {
  location.hash = new URL(address(changes)).hash;
}
