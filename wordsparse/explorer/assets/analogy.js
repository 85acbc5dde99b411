// A is to B as C is to which words?

class AnalogyView {
  constructor() {
    this.name = "Analogy";
    this.fields = { a: new Combobox("A", (a) => go({ a })), b: new Combobox("B", (b) => go({ b })), c: new Combobox("C", (c) => go({ c })) };
    const { a, b, c } = this.fields;
    const sentence = element("div", { className: "asked sentence" }, a.node, element("span", {}, "is to"), b.node, element("span", {}, "as"), c.node, element("span", {}, "is to …"));
    this.results = element("div");
    this.node = element("div", {}, sentence, this.results);
  }

  update(state) {
    const [model] = shownModels(state);
    const given = [state.a, state.b, state.c];
    Object.entries(this.fields).forEach(([key, field]) => field.show(model, state[key]));
    if (given.includes("")) {
      refill(this.results, [element("p", { className: "quiet" }, "Give three words: A is to B as C is to the words found.")]);
      return;
    }
    const { cards } = answerCards(state, (of) => {
      const missing = given.filter((word) => !of.rows.has(word));
      if (missing.length) return `${of.name} does not hold ${missing.join(", ")}.`;
      return analogy(of, given.map((word) => of.rows.get(word)), state.count, state.top);
    });
    const [a, b, c] = given.map(wordText);
    const heading = element("h2", { tabIndex: -1 }, a, " is to ", b, " as ", c, " is to");
    refill(this.results, [heading, element("div", { className: "cards" }, ...cards)], heading);
    announce(`Answers to ${given.join(", ")}`);
  }
}
