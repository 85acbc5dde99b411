// A text field that completes words of the vocabulary, after the ARIA pattern of an editable combobox with a list.

const SHOWN = 8;

/** Lower case without accents, for finding words as people type them. @param {string} text */
function folded(text) {
  return text.normalize("NFD").replace(/\p{Mn}/gu, "").toLowerCase();
}

const foldedWords = new WeakMap();

/** The rows that a typed text may mean: the word itself, words that begin so, words that hold it; most frequent first. */
function completions(model, typed) {
  const wanted = folded(typed);
  if (!wanted) return [];
  if (!foldedWords.has(model)) foldedWords.set(model, model.words.map(folded));
  const exact = model.rows.has(typed) ? [model.rows.get(typed)] : [];
  const beginning = [];
  const holding = [];
  const all = foldedWords.get(model);
  for (let row = 0; row < all.length && beginning.length < SHOWN; row++) {
    if (row === exact[0]) continue;
    if (all[row].startsWith(wanted)) beginning.push(row);
    else if (holding.length < SHOWN && all[row].includes(wanted)) holding.push(row);
  }
  return [...exact, ...beginning, ...holding].slice(0, SHOWN);
}

let made = 0;

/**
 * @param {string} label
 * @param {(word: string) => void} choose called with a word of the vocabulary
 */
class Combobox {
  constructor(label, choose) {
    const id = `combobox-${made++}`;
    this.choose = choose;
    this.model = null;
    this.rows = [];
    this.active = -1;
    this.isFresh = false;
    this.list = element("ul", { id: `${id}-list`, role: "listbox", "aria-label": label, hidden: true });
    this.input = element("input", {
      id, type: "text", autocomplete: "off", autocapitalize: "off", spellcheck: false, role: "combobox",
      "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": this.list.id, "aria-describedby": `${id}-hint`,
    });
    this.hint = element("span", { id: `${id}-hint`, className: "hint", role: "status" });
    this.node = element("div", { className: "field combobox" }, element("label", { htmlFor: id }, label), this.input, this.list, this.hint);
    this.input.addEventListener("input", () => this.open());
    this.input.addEventListener("focus", () => this.entered());
    this.input.addEventListener("click", () => this.clicked());
    this.input.addEventListener("keydown", (event) => this.pressed(event));
    this.input.addEventListener("blur", () => this.left());
  }

  /** Show a word of a model; what is being typed stays. */
  show(model, word) {
    this.model = model;
    if (document.activeElement !== this.input || this.list.hidden) this.input.value = word;
    const unknown = word !== "" && !model.rows.has(word);
    this.hint.textContent = unknown ? `“${readable(word)}” is not among this model’s words.` : "";
    this.input.setAttribute("aria-invalid", String(unknown));
  }

  /** What is typed replaces the word shown; a click sets the caret after the focus came, and must not undo that. */
  entered() {
    this.input.select();
    this.isFresh = true;
  }

  clicked() {
    if (this.isFresh) this.input.select();
    this.isFresh = false;
  }

  open() {
    this.rows = completions(this.model, this.input.value.trim());
    this.active = -1;
    this.list.replaceChildren(...this.rows.map((row, place) => this.option(row, place)));
    this.setOpen(this.rows.length > 0);
    this.hint.textContent = this.input.value.trim() && !this.rows.length ? "No word of this model begins or goes on so." : "";
  }

  option(row, place) {
    const item = element("li", { role: "option", id: `${this.list.id}-${place}`, "aria-selected": "false" });
    item.append(wordText(this.model.words[row]), element("span", { className: "quiet" }, `rank ${whole(row + 1)}`));
    // Before the field loses the focus.
    item.addEventListener("pointerdown", (event) => event.preventDefault());
    item.addEventListener("click", () => this.take(this.model.words[row]));
    return item;
  }

  pressed(event) {
    const moves = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in moves) {
      event.preventDefault();
      if (this.list.hidden) this.open();
      this.highlight(this.active + moves[event.key]);
    } else if (event.key === "Enter") {
      event.preventDefault();
      this.commit();
    } else if (event.key === "Escape") {
      this.setOpen(false);
    }
  }

  highlight(place) {
    const n = this.rows.length;
    if (!n) return;
    this.active = (place + n) % n;
    [...this.list.children].forEach((item, i) => item.setAttribute("aria-selected", String(i === this.active)));
    this.list.children[this.active].scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", this.list.children[this.active].id);
  }

  /** Take the highlighted word, or what was typed, or its first completion. */
  commit() {
    if (this.list.hidden) return;
    const typed = this.input.value.trim();
    const row = this.active >= 0 ? this.rows[this.active] : this.rows[0];
    this.take(this.active < 0 && this.model.rows.has(typed) ? typed : this.model.words[row]);
  }

  /** The focus is gone: a complete word is chosen; part of a word is not. */
  left() {
    const typed = this.input.value.trim();
    if (!this.list.hidden && this.model.rows.has(typed)) this.take(typed);
    else this.setOpen(false);
  }

  take(word) {
    this.setOpen(false);
    this.input.value = word;
    this.choose(word);
  }

  setOpen(open) {
    this.list.hidden = !open;
    this.input.setAttribute("aria-expanded", String(open));
    if (!open) this.input.removeAttribute("aria-activedescendant");
  }
}
