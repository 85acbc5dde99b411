// Elements, numbers and words as text. Words enter the document through textContent only.

const byId = (id) => document.getElementById(id);

/** An element with children, strings become text. Of `values`, names with a dash, `list` and `role` are attributes, the others properties. */
function element(tag, values = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(values)) {
    if (name.includes("-") || name === "role" || name === "list") node.setAttribute(name, String(value));
    else node[name] = value;
  }
  node.append(...children);
  return node;
}

// Controls and formatting characters that a reader cannot see, or that reorder the text around them.
const UNSEEN = /[\p{Cc}\u00ad\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu;

/** A word as people can read it: unseen characters as code points. @param {string} word */
function readable(word) {
  return word.replace(UNSEEN, (c) => `⟨U+${c.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`);
}

/** A word that does not change the direction of the text around it. */
function wordText(word) {
  return element("bdi", {}, readable(word));
}

/** A link to the neighbours of a word, the rest of the state unchanged. */
function wordLink(word) {
  return element("a", { href: address({ view: "neighbours", word }) }, wordText(word));
}

const whole = (value) => value.toLocaleString("en");

/** "rank 12 of 52,932 · 1,234 times" */
function frequency(row) {
  const rank = `rank ${whole(row + 1)} of ${whole(model.vocabSize)}`;
  return model.counts ? `${rank} · ${whole(model.counts[row])} times` : rank;
}

/** Replace the content of an element; if the keyboard's focus was inside, it goes to `heading`. */
function refill(container, children, heading = null) {
  const hadFocus = container.contains(document.activeElement);
  container.replaceChildren(...children);
  if (hadFocus && heading) heading.focus();
}
