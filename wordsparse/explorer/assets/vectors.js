// Cosines, nearest words, analogies and axes: exact on the int8 vectors.

/**
 * A word and its cosine with a query, and in how many resamples of the text it was found again, where that is known.
 * @typedef {{row: number, cosine: number, returned?: number}} Neighbour
 */

/** The vector of a row scaled to length one. @returns {Float32Array} (d,) */
function unit(model, row) {
  const vector = new Float32Array(model.dim);
  const start = row * model.dim;
  for (let k = 0; k < model.dim; k++) vector[k] = model.vectors[start + k] * model.inverseNorms[row];
  return vector;
}

/** Σ weight · unit vector, scaled to length one. @param {[number, number][]} terms pairs of weight and row */
function combination(model, terms) {
  const sum = new Float32Array(model.dim);
  for (const [weight, row] of terms) unit(model, row).forEach((x, k) => (sum[k] += weight * x));
  const length = Math.hypot(...sum) || 1;
  return sum.map((x) => x / length);
}

/** Cosines of the first n rows with a query of length one. @returns {Float32Array} (n,) */
function cosines(model, query, n) {
  const { dim, vectors, inverseNorms } = model;
  const result = new Float32Array(n);
  for (let row = 0, start = 0; row < n; row++, start += dim) {
    let sum = 0;
    for (let k = 0; k < dim; k++) sum += query[k] * vectors[start + k];
    result[row] = sum * inverseNorms[row];
  }
  return result;
}

/**
 * The words of largest cosine among the `top` most frequent, without those left out; ties by frequency.
 * @param {number[]} leftOut rows
 * @returns {Neighbour[]}
 */
function nearest(model, query, { count, top, leftOut }) {
  const scores = cosines(model, query, Math.min(top, model.words.length));
  for (const row of leftOut) if (row < scores.length) scores[row] = -Infinity;
  /** @type {Neighbour[]} */
  const best = [];
  for (let row = 0; row < scores.length; row++) {
    const cosine = scores[row];
    if (cosine === -Infinity || (best.length === count && cosine <= best[count - 1].cosine)) continue;
    let place = best.length;
    while (place > 0 && best[place - 1].cosine < cosine) place--;
    best.splice(place, 0, { row, cosine });
    if (best.length > count) best.pop();
  }
  return best;
}

/** The nearest words of a row. @returns {Neighbour[]} */
function neighbours(model, row, count, top) {
  return nearest(model, unit(model, row), { count, top, leftOut: [row] });
}

/** Words x such that a is to b as c is to x: nearest to b − a + c. @returns {Neighbour[]} */
function analogy(model, [a, b, c], count, top) {
  const query = combination(model, [[1, b], [-1, a], [1, c]]);
  return nearest(model, query, { count, top, leftOut: [a, b, c] });
}
