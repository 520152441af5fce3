// @ts-check
/**
 * Fill colours. The kind of code chooses the family (own warm, libraries blue-green, the language itself violet,
 * native grey), the package chooses the shade, so that neighbours of one package look alike.
 */

import { gettext } from "../words.js";

/** @typedef {import("./layout.js").FlatGraph} FlatGraph */
/** @typedef {"own" | "library" | "language" | "native" | "none"} Kind */
/** What a colour stands for; `change` is of a difference only. @typedef {"package" | "layer" | "change"} Coloring */

/** @type {Record<Kind, string>} */
export const KIND_NAMES = {
  own: gettext("Own code"),
  library: gettext("Libraries"),
  language: gettext("The language itself"),
  native: gettext("Native and kernel"),
  none: gettext("Outside any known frame"),
};

/** Hue range and saturation (percent) of each kind. */
const FAMILIES = {
  own: { from: 8, to: 52, saturation: 82 },
  library: { from: 160, to: 218, saturation: 46 },
  language: { from: 248, to: 292, saturation: 34 },
  native: { from: 210, to: 220, saturation: 8 },
  none: { from: 215, to: 215, saturation: 6 },
};

/** Lightness (percent) such that the text has a contrast of at least 4.5:1 on every hue. */
const LIGHTNESS = { light: 76, dark: 27 };
const INSTALLED = /(?:^|\/)(?:site-packages|dist-packages|node_modules|vendor|pkg\/mod)\/([^/]+)/;
const LANGUAGE = /(?:^|\/)(?:lib(?:64)?\/python\d|go\/src\/|jdk|lib\/ruby)|^<(?:frozen|string|built-?in)/;
const NATIVE = /\.(?:so|c|cc|cpp|cxx|h|s|S|pyx)(?:\.[\d.]+)?$|^\[|^\/(?:usr\/)?lib(?:64|exec)?\/[^/]*$|^ld-/;
/** Standard modules that stand in nearly every Python stack, for collectors that give names relative to sys.path. */
const STANDARD = new Set(
  ("threading socketserver selectors socket ssl http json re queue asyncio concurrent runpy logging subprocess " +
    "sqlite3 pathlib random hashlib collections contextlib functools email urllib importlib multiprocessing " +
    "zipfile gzip pickle copy typing enum abc codecs tempfile unittest inspect argparse signal sched").split(" "),
);

/**
 * @param {string} file
 * @param {string} module
 * @returns {Kind}
 */
export function kindOf(file, module) {
  if (!file && !module) return "none";
  if (INSTALLED.test(file)) return "library";
  if (LANGUAGE.test(file)) return "language";
  if (NATIVE.test(file) || (!file && NATIVE.test(module))) return "native";
  if (!file.startsWith("/") && STANDARD.has(file.split("/")[0].replace(/\.pyc?$/, ""))) return "language";
  return "own";
}

/**
 * What shares a shade: the installed package, else the module, else the file.
 *
 * @param {string} file
 * @param {string} module
 */
function packageOf(file, module) {
  return INSTALLED.exec(file)?.[1] ?? (module.split(".")[0] || file);
}

/** @param {string} text */
function hash(text) {
  let value = 2166136261;
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 16777619);
  return value >>> 0;
}

/**
 * @param {Kind} kind
 * @param {string} key
 * @param {"light" | "dark"} theme
 */
function fill(kind, key, theme) {
  const family = FAMILIES[kind];
  const seed = hash(key);
  const hue = family.from + ((seed % 997) / 997) * (family.to - family.from);
  const shade = ((seed >>> 10) % 7) - 3;
  return `hsl(${hue.toFixed(0)} ${family.saturation * (theme === "dark" ? 0.72 : 1)}% ${LIGHTNESS[theme] + shade}%)`;
}

/**
 * @param {FlatGraph} flat
 * @returns {Kind[]}  by frame
 */
export function kindsOf(flat) {
  const { strings, frames } = flat;
  return frames.name.map((_, frame) => kindOf(strings[frames.file[frame]], strings[frames.module[frame]]));
}

/**
 * @param {FlatGraph} flat
 * @param {Kind[]} kinds
 * @param {"light" | "dark"} theme
 * @param {Coloring} coloring
 * @returns {string[]}  fill by frame
 */
export function fillsOf(flat, kinds, theme, coloring) {
  const { strings, frames } = flat;
  /** @type {Map<string, string>} */
  const known = new Map();
  return kinds.map((kind, frame) => {
    const key = coloring === "layer" ? "" : packageOf(strings[frames.file[frame]], strings[frames.module[frame]]);
    const place = `${kind} ${key}`;
    const color = known.get(place) ?? fill(kind, key, theme);
    known.set(place, color);
    return color;
  });
}

/**
 * Colours that do not depend on a frame.
 *
 * @param {"light" | "dark"} theme
 */
export function inksOf(theme) {
  return theme === "dark"
    ? { text: "#f3f4f6", faded: "#2b2f36", fadedText: "#a3abb8", match: "#a21caf", matchText: "#ffffff", outline: "#ffffff" }
    : { text: "#16181d", faded: "#e9ebef", fadedText: "#5b6472", match: "#e879f9", matchText: "#16181d", outline: "#111827" };
}

const DARK = matchMedia("(prefers-color-scheme: dark)");

/** @returns {"light" | "dark"} */
export function currentTheme() {
  return DARK.matches ? "dark" : "light";
}

/** @param {() => void} changed */
export function watchTheme(changed) {
  DARK.addEventListener("change", changed);
}
