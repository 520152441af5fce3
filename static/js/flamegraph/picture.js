// @ts-check
/** What is shown, as a PNG: all rows, the scrolled-away ones too. */

import { contentPixels, paint } from "./draw.js";

/** Browsers refuse canvases that are taller. */
const MOST_PIXELS = 16000;

/**
 * @param {import("./draw.js").Scene} scene
 * @param {string} background
 * @returns {Promise<Blob>}
 */
export function pictureOf(scene, background) {
  const height = contentPixels(scene);
  const ratio = Math.min(window.devicePixelRatio || 1, MOST_PIXELS / height);
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(scene.width * ratio);
  canvas.height = Math.min(MOST_PIXELS, Math.round(height * ratio));
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.scale(ratio, ratio);
  paint(context, { ...scene, height, scrollTop: 0, hovered: -1 });
  context.globalCompositeOperation = "destination-over";
  context.fillStyle = background;
  context.fillRect(0, 0, scene.width, height);
  return new Promise((made, failed) => {
    canvas.toBlob((blob) => (blob ? made(blob) : failed(new Error("the browser made no picture"))), "image/png");
  });
}

/**
 * @param {Blob} blob
 * @param {string} name
 */
export function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
