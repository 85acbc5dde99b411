// Words found, as a table: cosine, rank and count, for one model or two side by side.

const MORE = 20;
const MOST_ANSWERS = 200;

/**
 * One card for each model shown, with the words that `answer` finds in it.
 * @param {State} state
 * @param {(model: Model) => Neighbour[] | string} answer a sentence where there is none
 * @returns {{cards: HTMLElement[], shared: number | null}} shared: how many words both cards hold
 */
function answerCards(state, answer) {
  const models = shownModels(state);
  const answers = models.map(answer);
  const words = answers.map((found, i) => (typeof found === "string" ? [] : found.map(({ row }) => models[i].words[row])));
  const shared = new Set(models.length > 1 ? words[0].filter((word) => words[1].includes(word)) : []);
  const cards = models.map((model, i) => {
    const title = models.length > 1 ? [element("h3", {}, model.name)] : [];
    const found = answers[i];
    if (typeof found === "string") return element("section", { className: "card" }, ...title, element("p", { className: "quiet" }, found));
    return element("section", { className: "card" }, ...title, answerTable(model, found, shared, models.length > 1), ...moreLink(state));
  });
  return { cards, shared: models.length > 1 && answers.every((found) => typeof found !== "string") ? shared.size : null };
}

function moreLink(state) {
  if (state.count >= MOST_ANSWERS) return [];
  const href = address({ count: Math.min(MOST_ANSWERS, state.count + MORE) });
  return [element("p", {}, element("a", { href, className: "more" }, `Show ${MORE} more`))];
}

function answerTable(model, found, shared, isPair) {
  const isSure = found.some(({ returned }) => returned !== undefined);
  const head = ["Word", "Cosine", ...(isSure ? ["Came back"] : []), "Rank", ...(model.counts ? ["Count"] : [])];
  const rows = found.map(({ row, cosine, returned }) => {
    const word = element("th", { scope: "row" }, wordLink(model.words[row]));
    if (shared.has(model.words[row])) word.append(element("span", { className: "shared", title: "in both" }, "●", element("span", { className: "unseen" }, " in both")));
    const bar = element("span", { className: "bar" });
    bar.style.setProperty("--share", `${100 * Math.max(0, cosine)}%`);
    const cells = [element("td", {}, bar, decimal(cosine))];
    if (isSure) cells.push(element("td", {}, returned === undefined ? "–" : `${returned}/${model.returned.resamples}`));
    cells.push(element("td", {}, whole(row + 1)));
    if (model.counts) cells.push(element("td", {}, whole(model.counts[row])));
    return element("tr", {}, word, ...cells);
  });
  return element(
    "table",
    {},
    element("caption", { className: "unseen" }, isPair ? `Words found in ${model.name}` : "Words found"),
    element("thead", {}, element("tr", {}, ...head.map((text) => element("th", { scope: "col" }, text)))),
    element("tbody", {}, ...rows),
  );
}
