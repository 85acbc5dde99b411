// Labels on a canvas that do not overlap: the most important ones are placed first, later ones where they fit.

const CELL = 8;
const LONGEST = 28;

/** The text of a label: long words are cut. @param {string} text */
function shortened(text) {
  const characters = Array.from(text);
  return characters.length <= LONGEST ? text : characters.slice(0, LONGEST - 1).join("") + "…";
}

/** The occupied cells of a grid over the canvas. */
class OccupancyGrid {
  /** @param {number} width pixels @param {number} height pixels */
  constructor(width, height) {
    this.columns = Math.ceil(width / CELL);
    this.rows = Math.ceil(height / CELL);
    this.taken = new Uint8Array(this.columns * this.rows);
  }

  /** Take a rectangle if it lies on the canvas and is free; else `forced` takes it all the same. @returns {boolean} */
  take(left, top, width, height, forced = false) {
    const [c0, c1] = [Math.floor(left / CELL), Math.floor((left + width) / CELL)];
    const [r0, r1] = [Math.floor(top / CELL), Math.floor((top + height) / CELL)];
    if (c0 < 0 || r0 < 0 || c1 >= this.columns || r1 >= this.rows) return false;
    for (let r = r0; r <= r1 && !forced; r++) {
      for (let c = c0; c <= c1; c++) if (this.taken[r * this.columns + c]) return false;
    }
    for (let r = r0; r <= r1; r++) this.taken.fill(1, r * this.columns + c0, r * this.columns + c1 + 1);
    return true;
  }
}
