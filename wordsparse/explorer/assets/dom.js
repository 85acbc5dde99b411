// Elements, numbers and words as text. Words reach the document through textContent alone.

/**
 * An element with properties, attributes and children; strings become text.
 * @param {string} tag
 * @param {Record<string, unknown>} given names with a dash and `role` are attributes, the others properties
 * @param {(Node | string)[]} children
 */
function element(tag, given = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (name.includes("-") || name === "role") made.setAttribute(name, String(value));
    else made[name] = value;
  }
  made.append(...children);
  return made;
}

// Controls and formatting characters that a reader cannot see, or that reorder the text beside them.
const UNSEEN = /[\p{Cc}\u00ad\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu;

/** A word as people can read it: unseen characters by their code points. @param {string} word */
function readable(word) {
  return word.replace(UNSEEN, (c) => `⟨U+${c.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`);
}

/** A word that does not change the direction of the text around it. */
function wordText(word) {
  return element("bdi", {}, readable(word));
}

/** A link to the neighbours of a word, the rest of the state unchanged. */
function wordLink(word, changes = {}) {
  return element("a", { href: address({ view: "neighbours", word, ...changes }) }, wordText(word));
}

const WHOLE = new Intl.NumberFormat("en");

/** @param {number} value */
function whole(value) {
  return WHOLE.format(value);
}

/** A cosine or distance with three decimals and a true minus sign. @param {number} value */
function decimal(value) {
  return value.toFixed(3).replace("-", "−");
}

/** "rank 12 of 52,932 · 1,234 times" */
function frequency(model, row) {
  const rank = `rank ${whole(row + 1)} of ${whole(model.vocabSize)}`;
  return model.counts ? `${rank} · ${whole(model.counts[row])} times` : rank;
}

/** Replace the content of an element; the keyboard's focus goes to `heading` where it was inside. */
function refill(container, children, heading = null) {
  const hadFocus = container.contains(document.activeElement);
  container.replaceChildren(...children);
  if (hadFocus && heading) heading.focus();
}

/** Have screen readers say a sentence. */
function announce(sentence) {
  document.getElementById("status").textContent = sentence;
}
