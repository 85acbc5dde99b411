// Functions that make elements, and that show numbers and words as text. Words enter the document only as text.

const byId = (id) => document.getElementById(id);

/** Make an element with children; strings become text. In `values`, `list`, `role` and names with a dash are attributes; other names are properties. */
function element(tag, values = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(values)) {
    if (name.includes("-") || name === "role" || name === "list") node.setAttribute(name, String(value));
    else node[name] = value;
  }
  node.append(...children);
  return node;
}

// Control and formatting characters that a reader cannot see, or that reorder the text around them.
const UNSEEN = /[\p{Cc}\u00ad\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu;

/** Return a word in readable form, with invisible characters as code points. @param {string} word */
function readable(word) {
  return word.replace(UNSEEN, (c) => `⟨U+${c.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`);
}

/** Make an element for a word, which does not change the direction of the text around it. */
function wordText(word) {
  return element("bdi", {}, readable(word));
}

/** Make a link to the neighbours of a word; the rest of the state does not change. */
function wordLink(word) {
  return element("a", { href: address({ view: "neighbours", word }) }, wordText(word));
}

const whole = (value) => value.toLocaleString("en");

/** Return a text such as "rank 12 of 52,932 · 1,234 times". */
function frequency(row) {
  const rank = `rank ${whole(row + 1)} of ${whole(model.vocabSize)}`;
  return model.counts ? `${rank} · ${whole(model.counts[row])} times` : rank;
}

/** Replace the content of an element; if the keyboard's focus was inside, the focus moves to `heading`. */
function refill(container, children, heading = null) {
  const hadFocus = container.contains(document.activeElement);
  container.replaceChildren(...children);
  if (hadFocus && heading) heading.focus();
}
