// @ts-check
/** A region of a heat map: whole columns (seconds) and rows (parts of a second), and its name in addresses. */

/** @typedef {{start: number, seconds: number, rows: number, total: number, most: number, profiles: number, untimed: number, counts: number[][]}} HeatMap */
/** Both ends included. @typedef {{left: number, right: number, top: number, bottom: number}} Region */

/**
 * @param {{x: number, y: number}} one
 * @param {{x: number, y: number}} other
 * @returns {Region}
 */
export function between(one, other) {
  return {
    left: Math.min(one.x, other.x),
    right: Math.max(one.x, other.x),
    top: Math.min(one.y, other.y),
    bottom: Math.max(one.y, other.y),
  };
}

/**
 * As the API's `cells`: SECOND-SECOND:MS-MS.
 *
 * @param {HeatMap} map
 * @param {Region} region
 */
export function cellsOf(map, region) {
  const [from, to] = millisecondsOf(map, region);
  return `${map.start + region.left}-${map.start + region.right}:${from}-${to}`;
}

/**
 * @param {HeatMap} map
 * @param {Region} region
 * @returns {[number, number]}  of each second, the second one not included
 */
export function millisecondsOf(map, region) {
  return [Math.round((region.top * 1000) / map.rows), Math.round(((region.bottom + 1) * 1000) / map.rows)];
}

/**
 * What `cellsOf` wrote, as far as it lies in the map.
 *
 * @param {HeatMap} map
 * @param {string} text
 * @returns {Region | null}
 */
export function regionOf(map, text) {
  const found = /^(\d+)(?:-(\d+))?:(\d+)-(\d+)$/.exec(text);
  if (!found) return null;
  const [first, last, from, to] = [found[1], found[2] ?? found[1], found[3], found[4]].map(Number);
  const left = Math.max(0, first - map.start);
  const right = Math.min(map.seconds - 1, last - map.start);
  const top = Math.floor((from * map.rows) / 1000);
  const bottom = Math.min(map.rows, Math.ceil((to * map.rows) / 1000)) - 1;
  return left <= right && top <= bottom ? { left, right, top, bottom } : null;
}

/**
 * @param {HeatMap} map
 * @param {Region} region
 */
export function samplesIn(map, { left, right, top, bottom }) {
  let samples = 0;
  for (let x = left; x <= right; x++) for (let y = top; y <= bottom; y++) samples += map.counts[x][y];
  return samples;
}
