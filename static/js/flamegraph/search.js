// @ts-check
/** Which nodes a search found, and what share of all samples passes through them. */

import { matchesOf } from "./matching.js";

/** @typedef {import("./layout.js").Graph} Graph */

/**
 * @typedef {object} Found
 * @property {Uint8Array} frames  1 for each frame that matches
 * @property {number[]} nodes     matching nodes in drawing order
 * @property {number} samples     in matching nodes, nested matches counted once
 */

/**
 * Frames whose name, module or file matches.
 *
 * @param {Graph} graph
 * @param {string} text
 * @param {boolean} regex
 * @returns {Promise<Found>}
 * @throws {import("./matching.js").BadPattern}
 */
export async function find(graph, text, regex) {
  const { strings, frames } = graph.flat;
  const hits = await matchesOf(strings, text, regex);
  const wanted = new Uint8Array(frames.name.length);
  for (let frame = 0; frame < wanted.length; frame++) {
    wanted[frame] = hits[frames.name[frame]] | hits[frames.module[frame]] | hits[frames.file[frame]];
  }
  wanted[graph.frame[0]] = 0; // the root holds everything and would always be 100 %
  return tally(graph, wanted);
}

/**
 * Frames of exactly one function.
 *
 * @param {Graph} graph
 * @param {string} name
 * @param {string} file
 */
export function findFunction(graph, name, file) {
  const { strings, frames } = graph.flat;
  const wanted = Uint8Array.from(frames.name, (at, frame) =>
    +(strings[at] === name && strings[frames.file[frame]] === file),
  );
  return tally(graph, wanted);
}

/**
 * @param {Graph} graph
 * @param {Uint8Array} frames
 * @returns {Found}
 */
function tally(graph, frames) {
  const nodes = [];
  let samples = 0;
  let behind = 0; // index behind the outermost match that is open
  for (let node = 0; node < graph.count; node++) {
    if (!frames[graph.frame[node]]) continue;
    nodes.push(node);
    if (node >= behind) {
      samples += graph.total[node];
      behind = graph.end[node];
    }
  }
  return { frames, nodes, samples };
}
