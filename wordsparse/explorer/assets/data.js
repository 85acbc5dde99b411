// The models that the page holds, decoded from the JSON beside the scripts.

/**
 * One model's words, most frequent first: a word's row is its rank less one.
 * @typedef {object} Model
 * @property {number} index place among the page's models
 * @property {string} name
 * @property {number} dim d
 * @property {number} vocabSize number of words in the whole model; the page holds the most frequent ones
 * @property {string[]} words n words
 * @property {number[] | null} counts how often each occurred, where that is known
 * @property {Map<string, number>} rows
 * @property {Int8Array} vectors (n, d)
 * @property {Float32Array} inverseNorms 1 / |vector| of each row; 0 for a vector of zeros
 * @property {Returned | null} returned how often neighbours came back in resamples of the text
 * @property {Uint16Array} map (m, 2): places of the first m words
 * @property {"t-SNE" | "PCA"} mapMethod
 * @property {Uint8Array} groups (m,): the group of each word of the map
 * @property {string[][]} groupNames words that name each group; none where there is one group
 */

/**
 * Of each of the first m words, the `count` nearest words and in how many of the resamples each is among them again.
 * @typedef {object} Returned
 * @property {number} resamples
 * @property {number} count
 * @property {Uint32Array} near (m, count) rows
 * @property {Uint16Array} counts (m, count)
 */

/**
 * How far common words lie apart in two models.
 * @typedef {object} Moved
 * @property {number} first
 * @property {number} second
 * @property {number} common
 * @property {Float32Array} distances one for each row of the first model; NaN where the second lacks the word
 * @property {{expected: Float32Array, q: Float32Array} | null} beyond for each row, how far resamples of one text lie apart,
 *   and the share of words like it that would be there by chance; NaN where that is not known
 */

/** @param {string} base64 @returns {ArrayBuffer} */
function bytes(base64) {
  const text = atob(base64);
  const array = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) array[i] = text.charCodeAt(i);
  return array.buffer;
}

/** @returns {Model} */
function decodedModel(stored, index) {
  const { name, dim, vocabSize, words, counts, mapMethod, groupNames } = stored;
  const vectors = new Int8Array(bytes(stored.vectors));
  const inverseNorms = new Float32Array(words.length);
  for (let row = 0; row < words.length; row++) {
    let sum = 0;
    for (let k = row * dim; k < (row + 1) * dim; k++) sum += vectors[k] * vectors[k];
    inverseNorms[row] = sum && 1 / Math.sqrt(sum);
  }
  const rows = new Map(words.map((word, row) => [word, row]));
  const map = new Uint16Array(bytes(stored.map));
  const returned = stored.returned && { ...stored.returned, near: new Uint32Array(bytes(stored.returned.near)), counts: new Uint16Array(bytes(stored.returned.counts)) };
  const groups = new Uint8Array(bytes(stored.groups));
  return { index, name, dim, vocabSize, words, counts, rows, vectors, inverseNorms, returned, map, mapMethod, groups, groupNames };
}

/** In how many resamples a neighbour of a word came back, by the neighbour's row. @returns {Map<number, number>} */
function returnedOf({ returned }, row) {
  const found = new Map();
  if (!returned) return found;
  const { count, near, counts } = returned;
  for (let k = row * count; k < Math.min((row + 1) * count, near.length); k++) found.set(near[k], counts[k]);
  return found;
}

const stored = JSON.parse(document.getElementById("data").textContent);

/** @type {Model[]} */
const models = stored.models.map(decodedModel);

/** @type {Moved[]} */
const alignments = stored.moved.map((pair) => ({
  ...pair,
  distances: new Float32Array(bytes(pair.distances)),
  beyond: pair.beyond && { expected: new Float32Array(bytes(pair.beyond.expected)), q: new Float32Array(bytes(pair.beyond.q)) },
}));

/** @type {number} words of the largest model */
const largest = Math.max(...models.map((model) => model.words.length));

/** The model that a state shows, and the one beside it where there is one. @returns {Model[]} */
function shownModels({ model, beside }) {
  return beside === null ? [models[model]] : [models[model], models[beside]];
}

/** The alignment of the two models, in either order. @returns {Moved | undefined} */
function alignmentOf(a, b) {
  return alignments.find(({ first, second }) => (first === a && second === b) || (first === b && second === a));
}
