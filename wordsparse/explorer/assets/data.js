// The page's model, decoded from a JSON element of the page, and exact cosines of its int8 vectors.

/**
 * Words, most frequent first: a word's row is its rank minus one.
 * @typedef {object} Model
 * @property {string} name @property {number} dim d
 * @property {number} vocabSize number of words in the whole model; the page holds only the n most frequent words
 * @property {string[]} words @property {number[] | null} counts how often each word occurred, or null if unknown
 * @property {{share: number, most: number, answers: number} | null} doubt see `nearest`; null to rank by cosine
 * @property {Map<string, number>} rows
 * @property {Int8Array} vectors (n, d)
 * @property {Float32Array} inverseNorms 1 / |vector| of each row; 0 for a vector of zeros
 * @property {Uint16Array} map (m, 2): positions of the first m words on the map
 * @property {"t-SNE" | "PCA"} mapMethod
 */

/** @param {string} base64 @returns {ArrayBuffer} */
function bytes(base64) {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)).buffer;
}

/** @returns {Model} */
function decoded(stored) {
  const vectors = new Int8Array(bytes(stored.vectors));
  const inverseNorms = Float32Array.from(stored.words, (_, row) => {
    let sum = 0;
    for (let k = row * stored.dim; k < (row + 1) * stored.dim; k++) sum += vectors[k] * vectors[k];
    return sum && 1 / Math.sqrt(sum);
  });
  const rows = new Map(stored.words.map((word, row) => [word, row]));
  return { ...stored, rows, vectors, inverseNorms, map: new Uint16Array(bytes(stored.map)) };
}

const model = decoded(JSON.parse(document.getElementById("data").textContent));

/** Return Σ weight · unit vector, normalised to unit length. @param {[number, number][]} terms pairs of weight and row */
function combination(terms) {
  const { dim, vectors, inverseNorms } = model;
  const sum = new Float32Array(dim);
  for (const [weight, row] of terms) for (let k = 0; k < dim; k++) sum[k] += weight * inverseNorms[row] * vectors[row * dim + k];
  const length = Math.hypot(...sum) || 1;
  return sum.map((x) => x / length);
}

/** Return the cosines of the first n rows with a query of unit length. @returns {Float32Array} (n,) */
function cosines(query, n) {
  const { dim, vectors, inverseNorms } = model;
  const result = new Float32Array(n);
  for (let row = 0, start = 0; row < n; row++, start += dim) {
    let sum = 0;
    for (let k = 0; k < dim; k++) sum += query[k] * vectors[start + k];
    result[row] = sum * inverseNorms[row];
  }
  return result;
}

/** Return the words nearest to a combination, among the `top` most frequent words and without the combined words. Words are ranked by cosine / √(1 + K / count), where K is `doubt.answers` for an analogy, and otherwise a share of the rarest word's count, but at most `doubt.most`. Among equal words, the more frequent comes first. @returns {{row: number, cosine: number}[]} */
function nearest(terms, count, top = model.words.length) {
  const found = cosines(combination(terms), top), { counts, doubt } = model;
  const isAnalogy = terms.some(([weight]) => weight < 0);
  const K = doubt && (isAnalogy ? doubt.answers : Math.min(doubt.most, ...terms.map(([, row]) => doubt.share * counts[row])));
  const scores = found.map((cosine, row) => (K && counts[row] ? cosine / Math.sqrt(1 + K / counts[row]) : cosine));
  for (const [, row] of terms) if (row < scores.length) scores[row] = -Infinity;
  const best = [];
  scores.forEach((score, row) => {
    if (score === -Infinity || (best.length === count && score <= scores[best[count - 1]])) return;
    let place = best.length;
    while (place > 0 && scores[best[place - 1]] < score) place--;
    best.splice(place, 0, row);
    if (best.length > count) best.pop();
  });
  return best.map((row) => ({ row, cosine: found[row] }));
}
