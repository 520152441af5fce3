// @ts-check
/** The page of a capture against the hour before it. */

import { loadDifference } from "./flamegraph/difference.js";

const section = /** @type {HTMLElement | null} */ (document.querySelector("[data-diff]"));
if (section) void loadDifference(section);
