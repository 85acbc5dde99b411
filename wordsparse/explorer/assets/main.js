// The page: models and slider above, one view below, drawn anew whenever the address changes.

const byId = (id) => document.getElementById(id);

const views = {
  neighbours: new NeighboursView(),
  analogy: new AnalogyView(),
  map: new MapView(),
  axes: new AxesView(),
  ...(models.length > 1 ? { moved: new MovedView() } : {}),
};

// Positions of the slider: 100, 200, 500, 1,000 … and every word.
const STOPS = [];
for (let power = 100; power < largest; power *= 10) STOPS.push(...[1, 2, 5].map((digit) => digit * power).filter((n) => n < largest));
STOPS.push(largest);

// Of a word that occurs less often, a neighbour says little.
const LEAST_COUNT = 5;

/** The stop of the slider up to which every model has seen each word often enough; all words where counts are not known. */
function oftenSeen() {
  const enough = models.map(({ counts }) => (counts ? counts.findIndex((count) => count < LEAST_COUNT) : -1)).filter((n) => n >= 0);
  return enough.length ? STOPS.findLast((n) => n <= Math.min(...enough)) ?? STOPS[0] : largest;
}

function initial() {
  const [model] = models;
  const { words, rows, groupNames } = model;
  const known = (...given) => (given.every((word) => rows.has(word)) ? given : null);
  // A word that is frequent, yet says something: long ones seldom serve grammar alone.
  const telling = words.filter((word, row) => row >= 300 && word.length >= 5).slice(0, 2);
  const [word, other] = telling.length > 1 ? telling : [words[0], words[Math.min(1, words.length - 1)]];
  const top = oftenSeen();
  const [near] = words.length > 2 ? neighbours(model, rows.get(word), 1, top) : [];
  const [a, b, c] = known("man", "king", "woman") ?? [word, near ? words[near.row] : "", other];
  const [first, second, third, fourth] = groupNames.map(([name]) => name);
  const [left, right] = known("he", "she") ?? [first ?? "", second ?? ""];
  const [down, up] = known("poor", "rich") ?? [third ?? "", fourth ?? ""];
  return { view: "neighbours", word, model: 0, beside: models.length > 1 ? 1 : null, top, count: 20, a, b, c, left, right, down, up, only: "" };
}

function isModel(index) {
  return Number.isInteger(index) && index >= 0 && index < models.length;
}

function isValid({ view, model, beside, top, count }) {
  const isPositive = (n) => Number.isInteger(n) && n > 0;
  return Object.hasOwn(views, view) && isModel(model) && (beside === null || (isModel(beside) && beside !== model)) && isPositive(top) && isPositive(count);
}

function buildControls() {
  const options = models.map(({ name }, index) => element("option", { value: index }, name));
  byId("model").append(...options);
  byId("model").addEventListener("change", () => {
    const [model, beside] = [Number(byId("model").value), byId("beside").value];
    go({ model, beside: beside === "" || Number(beside) === model ? null : Number(beside) });
  });
  byId("beside").addEventListener("change", () => go({ beside: byId("beside").value === "" ? null : Number(byId("beside").value) }));
  byId("beside-field").hidden = models.length < 2;
  byId("top").max = STOPS.length - 1;
  byId("top").addEventListener("input", () => adjust({ top: STOPS[byId("top").value] }));
  for (const [key, view] of Object.entries(views)) {
    view.node.id = `view-${key}`;
    view.node.setAttribute("role", "tabpanel");
    view.node.setAttribute("aria-labelledby", `tab-${key}`);
    byId("views").append(view.node);
    byId("tabs").append(element("a", { id: `tab-${key}`, role: "tab", "aria-controls": view.node.id }, view.name));
  }
  byId("tabs").addEventListener("keydown", moveAmongTabs);
  const facts = models.map(({ name, words, vocabSize, dim }) => `${name}: ${whole(words.length)} of ${whole(vocabSize)} words, ${dim} dimensions`);
  byId("about").append(`${facts.join(" · ")}. Vectors are rounded to 8 bits. This page is complete: it asks nothing of the network. Its address keeps what you see.`);
}

/** Left and right, Home and End, as in any list of tabs. */
function moveAmongTabs(event) {
  const tabs = [...byId("tabs").children];
  const at = tabs.indexOf(document.activeElement);
  const target = { ArrowRight: at + 1, ArrowLeft: at - 1 + tabs.length, Home: 0, End: tabs.length - 1, " ": at }[event.key];
  if (target === undefined) return;
  event.preventDefault();
  const tab = tabs[target % tabs.length];
  tab.focus();
  tab.click();
}

function draw(state) {
  byId("model").value = state.model;
  const none = element("option", { value: "" }, "none");
  byId("beside").replaceChildren(none, ...models.filter(({ index }) => index !== state.model).map(({ name, index }) => element("option", { value: index }, name)));
  byId("beside").value = state.beside ?? "";
  const text = state.top >= largest ? `${whole(largest)} words` : `${whole(state.top)} most frequent words`;
  const stop = STOPS.findIndex((n) => n >= state.top);
  byId("top").value = stop < 0 ? STOPS.length - 1 : stop;
  byId("top").setAttribute("aria-valuetext", text);
  byId("top-text").textContent = text;
  for (const [key, view] of Object.entries(views)) {
    const isShown = key === state.view;
    const tab = byId(`tab-${key}`);
    tab.href = address({ view: key });
    tab.tabIndex = isShown ? 0 : -1;
    tab.setAttribute("aria-selected", String(isShown));
    view.node.hidden = !isShown;
  }
  views[state.view].update(state);
}

buildControls();
start(initial(), { valid: isValid, draw });
