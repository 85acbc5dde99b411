// The page's state is the fragment of its address: controls write it, views are drawn from it, links carry it.

/**
 * @typedef {object} State
 * @property {string} view
 * @property {string} word
 * @property {number} model index of the model shown
 * @property {number | null} beside index of the model shown beside it
 * @property {number} top number of most frequent words among which answers are sought
 * @property {number} count how many rows a table shows
 * @property {string} a @property {string} b @property {string} c the analogy's words
 * @property {string} left @property {string} right poles of the horizontal axis
 * @property {string} down @property {string} up poles of the vertical axis
 * @property {string} only words that the axes show, separated by spaces; empty: the most frequent ones
 */

/** @type {State} */
let defaults;
/** @type {(state: State) => boolean} */
let accepts;

/** Draw now and whenever the address changes. */
function start(initial, { valid, draw }) {
  defaults = initial;
  accepts = valid;
  addEventListener("hashchange", () => draw(state()));
  draw(state());
}

/** The state of the address; parts of it that are not valid are left out, one by one. @returns {State} */
function state() {
  const texts = new URLSearchParams(location.hash.slice(1));
  const given = Object.keys(defaults).filter((key) => texts.has(key)).map((key) => {
    const text = texts.get(key);
    const isNumber = typeof defaults[key] === "number" || key === "beside";
    return [key, isNumber ? (text === "" ? null : Number(text)) : text];
  });
  const whole = { ...defaults, ...Object.fromEntries(given) };
  if (accepts(whole)) return whole;
  return given.reduce((found, [key, value]) => (accepts({ ...found, [key]: value }) ? { ...found, [key]: value } : found), defaults);
}

/** The present state with some members changed, as a fragment. @param {Partial<State>} changes */
function fragment(changes) {
  const wanted = { ...state(), ...changes };
  const differing = Object.entries(wanted).filter(([key, value]) => value !== defaults[key]);
  return "#" + new URLSearchParams(differing.map(([key, value]) => [key, value === null ? "" : String(value)]));
}

/** The whole address: in a notebook's frame, a fragment alone would be taken for one of the notebook. */
function address(changes) {
  return location.href.split("#")[0] + fragment(changes);
}

/** Go to a changed state: a new entry of the history, which the back button leaves. */
function go(changes) {
  location.hash = fragment(changes);
}

/** Change the state in place, for a control that is being dragged or typed in. */
function adjust(changes) {
  location.replace(address(changes));
}
