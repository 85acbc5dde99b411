// The nearest words of a word, in one model or in two.

class NeighboursView {
  constructor() {
    this.name = "Neighbours";
    this.search = new Combobox("Word", (word) => go({ word }));
    this.results = element("div");
    this.node = element("div", {}, element("div", { className: "asked" }, this.search.node), this.results);
  }

  update(state) {
    const { word, count, top } = state;
    const [model] = shownModels(state);
    this.search.show(model, word);
    const { cards, shared } = answerCards(state, (of) => {
      const row = of.rows.get(word);
      if (row === undefined) return `${of.name} does not hold this word.`;
      const returned = returnedOf(of, row);
      return neighbours(of, row, count, top).map((found) => ({ ...found, returned: returned.get(found.row) }));
    });
    const heading = element("h2", { tabIndex: -1 }, wordText(word));
    const facts = shownModels(state).filter((of) => of.rows.has(word)).map((of) => {
      const name = state.beside === null ? "" : `${of.name}: `;
      return element("p", { className: "quiet" }, name + frequency(of, of.rows.get(word)));
    });
    facts.push(...confidence(shownModels(state), word));
    if (shared !== null) facts.push(element("p", {}, `${shared} of ${count} neighbours are in both. ${moveOf(state)}`));
    refill(this.results, [heading, ...facts, element("div", { className: "cards" }, ...cards)], heading);
    announce(`Neighbours of ${word}`);
  }
}

/** The sentence on the column of resamples, once for all models. */
function confidence(models, word) {
  const [first] = models.filter((of) => returnedOf(of, of.rows.get(word)).size).map((of) => of.returned);
  if (!first) return [];
  const text = `Came back: in how many of ${first.resamples} resamples of the text the word is among the ${first.count} nearest of all words on this page again.`;
  return [element("p", { className: "quiet" }, text)];
}

/** How far the word moved between the two models, and how many of the common words moved less. */
function moveOf({ model, beside, word }) {
  const alignment = alignmentOf(model, beside);
  if (!alignment) return "";
  const { words, rows } = shownModels({ model: alignment.first, beside: null })[0];
  const distance = alignment.distances[rows.get(word)];
  if (!(distance >= 0)) return "";
  let less = 0;
  for (let row = 0; row < words.length; row++) if (alignment.distances[row] < distance) less++;
  return `The word moved by ${decimal(distance)}, more than ${whole(less)} of the ${whole(alignment.common)} common words.`;
}
