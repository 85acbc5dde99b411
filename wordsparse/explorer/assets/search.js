// A text field that completes words of the vocabulary. The browser itself shows the list of completions.

const SHOWN = 8;

// Accents and vowel marks, in scripts that people often type without marks. In other scripts, a mark makes a different letter, as in か and が.
const OPTIONAL_MARKS = /([\p{sc=Latin}\p{sc=Greek}\p{sc=Cyrillic}\p{sc=Hebrew}\p{sc=Arabic}])\p{Mn}+/gu;

/** Return text in lower case and in form NFKC, without optional marks, to match words as people type them. @param {string} text */
function folded(text) {
  return text.normalize("NFKD").replace(OPTIONAL_MARKS, "$1").normalize("NFKC").toLowerCase();
}

let foldedWords = null;

/** Return the rows of words that match typed text: the word itself, words that begin with the text, then words that contain the text. */
function completions(typed) {
  const start = folded(typed);
  if (!start) return [];
  foldedWords ??= model.words.map(folded);
  const [exact, beginning, holding] = [[], [], []];
  for (let row = 0; row < foldedWords.length && beginning.length < SHOWN; row++) {
    if (foldedWords[row].startsWith(start)) beginning.push(row);
    else if (holding.length < SHOWN && foldedWords[row].includes(start)) holding.push(row);
  }
  if (model.rows.has(typed)) exact.push(model.rows.get(typed));
  return [...new Set([...exact, ...beginning, ...holding])].slice(0, SHOWN);
}

let fields = 0;

class Search {
  /** @param {string} label @param {(word: string) => void} choose called with a word of the vocabulary */
  constructor(label, choose) {
    const id = `search-${fields++}`;
    this.choose = choose;
    this.list = element("datalist", { id: `${id}-words` });
    this.input = element("input", { id, type: "text", autocomplete: "off", autocapitalize: "off", spellcheck: false, list: this.list.id, "aria-describedby": `${id}-hint` });
    this.hint = element("span", { id: `${id}-hint`, className: "hint", role: "status" });
    this.node = element("div", { className: "field" }, element("label", { htmlFor: id }, label), this.input, this.list, this.hint);
    this.input.addEventListener("focus", () => this.input.select());
    this.input.addEventListener("input", (event) => this.typed(event));
    this.input.addEventListener("change", () => this.take(this.input.value));
    this.input.addEventListener("keydown", (event) => event.key === "Enter" && this.commit());
  }

  show(word) {
    this.input.value = word;
    this.say(!word || model.rows.has(word) ? "" : `“${readable(word)}” is not on this page.`);
  }

  say(hint) {
    this.hint.textContent = hint;
    this.input.setAttribute("aria-invalid", String(hint !== ""));
  }

  typed(event) {
    const text = this.input.value.trim();
    // The word was chosen from the list, not typed.
    if (!event.inputType || event.inputType === "insertReplacementText") return this.take(text);
    const rows = completions(text);
    this.list.replaceChildren(...rows.map((row) => element("option", { value: model.words[row] }, `rank ${whole(row + 1)}`)));
    this.say(text && !rows.length ? "No word on this page contains this text." : "");
  }

  /** Enter takes the first completion of the typed text; leaving the field does not. */
  commit() {
    const [row] = completions(this.input.value.trim());
    if (row !== undefined) this.take(model.words[row]);
  }

  take(word) {
    if (model.rows.has(word)) this.choose(word);
  }
}
