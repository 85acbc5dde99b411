// The views that show tables: the nearest neighbours of a word, and analogies.

const SHOWN_ANSWERS = 30;

/** A view with text fields at the top, and a heading and a table below them. */
class Answers {
  constructor(name, ...fields) {
    this.name = name;
    this.results = element("div");
    this.node = element("div", {}, ...fields, this.results);
  }

  /** @param {(Node | string)[]} title @param {string[]} words of the question @param {[number, number][]} terms of a sum; the words nearest to it are shown */
  show(title, words, terms) {
    const missing = words.filter((word) => !model.rows.has(word));
    const heading = element("h2", { tabIndex: -1 }, ...title);
    const answer = missing.length
      ? [element("p", { className: "quiet" }, `Not on this page: ${missing.map(readable).join(", ")}.`)]
      : [answerTable(nearest(terms.map(([weight, word]) => [weight, model.rows.get(word)]), SHOWN_ANSWERS))];
    const facts = words.length === 1 && !missing.length ? [element("p", { className: "quiet" }, frequency(model.rows.get(words[0])))] : [];
    refill(this.results, [heading, ...facts, element("section", { className: "card" }, ...answer)], heading);
  }
}

class NeighboursView extends Answers {
  constructor() {
    const search = new Search("Word", (word) => go({ word }));
    super("Neighbours", element("div", { className: "question" }, search.node));
    this.search = search;
    this.scatter = new Scatter("The word and its nearest words on the map of the vocabulary.");
    this.node.className = "columns";
    this.node.append(element("div", { className: "plot" }, this.scatter.canvas));
  }

  update(state) {
    this.search.show(state.word);
    this.scatter.show(state.word);
    this.show([wordText(state.word)], [state.word], [[1, state.word]]);
  }
}

class AnalogyView extends Answers {
  constructor() {
    const searches = ["a", "b", "c"].map((key) => new Search(key.toUpperCase(), (word) => go({ [key]: word })));
    const [a, b, c] = searches.map((search) => search.node);
    super("Analogy", element("div", { className: "question sentence" }, a, element("span", {}, "is to"), b, element("span", {}, "as"), c, element("span", {}, "is to …")));
    this.searches = searches;
  }

  /** A is to B as C is to the words nearest to b − a + c. */
  update(state) {
    const words = [state.a, state.b, state.c];
    this.searches.forEach((search, place) => search.show(words[place]));
    const [a, b, c] = words.map(wordText);
    this.show([a, " is to ", b, " as ", c, " is to"], words, [[1, state.b], [-1, state.a], [1, state.c]]);
  }
}

function answerTable(answers) {
  const head = ["Word", "Cosine", "Rank", ...(model.counts ? ["Count"] : [])];
  const rows = answers.map(({ row, cosine }) => {
    const bar = element("span", { className: "bar" });
    bar.style.setProperty("--share", `${100 * Math.max(0, cosine)}%`);
    const cells = [element("td", {}, bar, cosine.toFixed(3).replace("-", "−")), element("td", {}, whole(row + 1))];
    if (model.counts) cells.push(element("td", {}, whole(model.counts[row])));
    return element("tr", {}, element("th", { scope: "row" }, wordLink(model.words[row])), ...cells);
  });
  return element("table", {},
    element("caption", { className: "unseen" }, "Nearest words"),
    element("thead", {}, element("tr", {}, ...head.map((text) => element("th", { scope: "col" }, text)))),
    element("tbody", {}, ...rows));
}
