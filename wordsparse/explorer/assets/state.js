// The state of the page is the fragment of its address. Controls write the state, views are drawn from the state, and links contain the state.

/** @typedef {{view: string, word: string, a: string, b: string, c: string}} State */

/** @type {State} */
let defaults;
let viewNames;

/** Draw the page now, and whenever the address changes. */
function start(initial, names, draw) {
  [defaults, viewNames] = [initial, names];
  addEventListener("hashchange", () => draw(state()));
  draw(state());
}

/** Return the state in the address; invalid parts are ignored. @returns {State} */
function state() {
  const texts = new URLSearchParams(location.hash.slice(1));
  const parts = Object.keys(defaults).filter((key) => texts.has(key)).map((key) => [key, texts.get(key)]);
  return { ...defaults, ...Object.fromEntries(parts.filter(([key, value]) => key !== "view" || viewNames.includes(value))) };
}

/** Return the current address with some members of the state changed. @param {Partial<State>} changes */
function address(changes) {
  const differing = Object.entries({ ...state(), ...changes }).filter(([key, value]) => value !== defaults[key]);
  // Return the whole address: in the frame of a notebook, a bare fragment would be applied to the notebook's address.
  return `${location.href.split("#")[0]}#${new URLSearchParams(differing)}`;
}

/** Go to a changed state. The changed state becomes a new entry of the browser's history, so the back button undoes the change. */
function go(changes) {
  location.hash = new URL(address(changes)).hash;
}
