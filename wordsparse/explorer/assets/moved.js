// The common words that lie farthest from themselves in two aligned models.

const SHOWN_NEIGHBOURS = 5;
const MOVED_AMONG = 5000;

class MovedView {
  constructor() {
    this.name = "Moved";
    this.node = element("div");
  }

  update(state) {
    const { model, beside, top, count } = state;
    if (beside === null) {
      refill(this.node, [element("p", { className: "quiet" }, "Choose a second model above, “Beside”, to see which words moved most between the two.")]);
      return;
    }
    const alignment = alignmentOf(model, beside);
    const heading = element("h2", { tabIndex: -1 }, "Words that moved most");
    const links = [1000, 5000, 20_000].map((n) => element("a", { href: address({ top: n }) }, whole(n)));
    const { beyond } = alignment;
    // Where no resamples tell chance from change, rare words would be the first ones, by chance.
    const among = beyond ? top : Math.min(top, MOVED_AMONG);
    const advice = beyond
      ? element("p", { className: "quiet" }, "Ordered by how sure it is that the word moved farther than resamples of one text lie apart: of the words " +
        "with a q below .05, one in twenty is expected there by chance. Words that are too rare to tell are left out.")
      : element("p", { className: "quiet" }, `Rare words move by chance: these are of the ${whole(among)} most frequent. Train both models with --bootstrap to tell chance from change. Among: `,
        links[0], " · ", links[1], " · ", links[2]);
    const moved = mostMoved(alignment, shownModels(state), among, count);
    const scrolled = element("div", { className: "scroll moved" }, movedTable(state, moved, beyond));
    refill(this.node, [heading, explanation(alignment), advice, scrolled], heading);
  }
}

function explanation(alignment) {
  const [first, second] = shownModels({ model: alignment.first, beside: alignment.second });
  const few = alignment.common < Math.max(first.dim, second.dim)
    ? ` They are fewer than the ${Math.max(first.dim, second.dim)} dimensions, so a rotation can hide any movement: do not read much into this table.`
    : "";
  return element("p", {}, `${first.name} was rotated onto ${second.name} by orthogonal Procrustes on their ${whole(alignment.common)} common words. ` +
    `A word’s movement is one less the cosine of its two vectors.${few}`);
}

/** Words of both models within the `top` most frequent of each, the surest or the farthest movement first. */
function mostMoved({ first, distances, beyond }, models, top, count) {
  const [a, b] = models;
  const of = a.index === first ? a : b;
  const found = [];
  a.words.slice(0, top).forEach((word, row) => {
    const other = b.rows.get(word);
    if (other === undefined || other >= top) return;
    const place = of.rows.get(word);
    const one = { word, rows: [row, other], distance: distances[place], expected: beyond?.expected[place], q: beyond?.q[place] };
    if (!beyond || one.q >= 0) found.push(one);
  });
  const farthest = (one) => (beyond ? one.distance / Math.max(one.expected, 1e-6) : one.distance);
  return found.sort((p, r) => (beyond ? p.q - r.q : 0) || farthest(r) - farthest(p)).slice(0, count);
}

function movedTable(state, moved, beyond) {
  const models = shownModels(state);
  const head = [
    ...["Word", "Moved", ...(beyond ? ["By chance", "q"] : []), ...models.map((model) => `Rank, ${model.name}`)].map((text) => element("th", { scope: "col" }, text)),
    ...models.map((model) => element("th", { scope: "col", className: "text" }, `Nearest, ${model.name}`)),
  ];
  const rows = moved.map(({ word, rows, distance, expected, q }) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, wordLink(word)),
      element("td", {}, decimal(distance)),
      ...(beyond ? [element("td", {}, decimal(expected)), element("td", {}, decimal(q))] : []),
      ...rows.map((row) => element("td", {}, whole(row + 1))),
      ...models.map((model, i) => element("td", { className: "text", "data-name": model.name }, ...nearestLinks(model, rows[i], state.top))),
    ),
  );
  return element(
    "table",
    {},
    element("caption", { className: "unseen" }, "Words that moved most"),
    element("thead", {}, element("tr", {}, ...head)),
    element("tbody", {}, ...rows),
  );
}

function nearestLinks(model, row, top) {
  return neighbours(model, row, SHOWN_NEIGHBOURS, top).flatMap((found) => [wordLink(model.words[found.row]), " "]);
}
