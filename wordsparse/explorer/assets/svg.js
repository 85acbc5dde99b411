// The part of a canvas's context that the scatter plot draws with, as elements of SVG.

const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

class SvgContext {
  /** @param {{width: number, height: number}} size @param {CanvasRenderingContext2D} measuring */
  constructor({ width, height }, measuring) {
    this.head = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`;
    this.measuring = measuring;
    this.parts = [];
    this.path = "";
    Object.assign(this, { fillStyle: "", strokeStyle: "", lineWidth: 1, font: "", textAlign: "left", textBaseline: "middle", lineJoin: "round" });
  }

  document() {
    return `${this.head}${this.parts.join("")}</svg>`;
  }

  measureText(text) {
    this.measuring.font = this.font;
    return this.measuring.measureText(text);
  }

  beginPath() {
    this.path = "";
  }

  moveTo(x, y) {
    this.path += `M${x.toFixed(1)} ${y.toFixed(1)}`;
  }

  lineTo(x, y) {
    this.path += `L${x.toFixed(1)} ${y.toFixed(1)}`;
  }

  /** A whole circle, the only arc that is drawn. */
  arc(x, y, radius) {
    this.parts.push(`<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${radius.toFixed(2)}" fill="${this.escaped(this.fillStyle)}"/>`);
  }

  /** Circles are filled where they are drawn. */
  fill() {}

  stroke() {
    this.parts.push(`<path d="${this.path}" fill="none" stroke="${this.escaped(this.strokeStyle)}" stroke-width="${this.lineWidth}"/>`);
  }

  fillRect(x, y, width, height) {
    this.parts.push(`<rect x="${x}" y="${y}" width="${width}" height="${height}" fill="${this.escaped(this.fillStyle)}"/>`);
  }

  fillText(text, x, y) {
    this.text(text, x, y, `fill="${this.escaped(this.fillStyle)}"`);
  }

  strokeText(text, x, y) {
    this.text(text, x, y, `fill="none" stroke-linejoin="round" stroke="${this.escaped(this.strokeStyle)}" stroke-width="${this.lineWidth}"`);
  }

  text(text, x, y, paint) {
    const anchor = this.textAlign === "right" ? "end" : "start";
    this.parts.push(`<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" dominant-baseline="central" text-anchor="${anchor}" style="font:${this.escaped(this.font)}" ${paint}>${this.escaped(text)}</text>`);
  }

  escaped(text) {
    return text.replace(/[&<>"]/g, (character) => ESCAPES[character]);
  }
}
