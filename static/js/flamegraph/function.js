// @ts-check
/** One function by itself (templates/_profile_function.html): its figures, its share over time, callers and callees. */

import { get } from "../fetch.js";
import { gettext } from "../words.js";
import { put } from "./address.js";
import { Branch } from "./branch.js";
import { amount, percent } from "./details.js";
import { showShares } from "./shares.js";

/** @typedef {import("./layout.js").FlatGraph} FlatGraph */
/** @typedef {FlatGraph & {whole: number, self: number, matched: {name: string, file: string}[], callers: any, callees: any}} Sandwich */

export class FunctionPanel {
  /** @param {HTMLElement} section */
  constructor(section) {
    this.section = section;
    const around = {
      tooltip: this.part("branch-tooltip"),
      spoken: this.part("branch-spoken"),
      open: (/** @type {string} */ name, /** @type {string} */ file) => void this.open(name, file),
    };
    this.callers = new Branch(this.part("callers"), true, around);
    this.callees = new Branch(this.part("callees"), false, around);
    this.part("close").addEventListener("click", () => this.close());
    this.turn = 0; // of the newest function; what an older one answers comes too late
  }

  /** @param {string} name */
  part(name) {
    return /** @type {HTMLElement} */ (this.section.querySelector(`[data-part="${name}"]`));
  }

  close() {
    this.section.hidden = true;
    put("fn", "");
    put("fn_file", "");
  }

  /**
   * @param {string} name
   * @param {string} file  '' is all files
   */
  async open(name, file) {
    const turn = ++this.turn;
    this.begin(name, file);
    try {
      const sandwich = /** @type {Sandwich} */ (await get(this.address("sandwich", name, file)));
      if (turn !== this.turn) return;
      this.show(sandwich);
      if (!this.section.dataset.shares) return;
      const shares = await get(this.address("shares", name, file));
      if (turn === this.turn) showShares(this.section, shares);
    } catch (error) {
      if (turn !== this.turn) return;
      this.part("figures").textContent = "";
      this.part("problem").textContent = error instanceof Error ? error.message : String(error);
      this.part("problem").hidden = false;
    }
  }

  /**
   * @param {string} name
   * @param {string} file
   */
  begin(name, file) {
    put("fn", name);
    put("fn_file", file);
    this.section.hidden = false;
    this.part("title").textContent = name;
    this.part("figures").textContent = gettext("Loading the function…");
    this.part("problem").hidden = true;
    this.part("time").hidden = true;
    this.section.focus({ preventScroll: true });
    this.section.scrollIntoView({ block: "nearest" });
  }

  /**
   * @param {"sandwich" | "shares"} which
   * @param {string} name
   * @param {string} file
   */
  address(which, name, file) {
    const more = new URLSearchParams(file ? { function: name, file } : { function: name });
    return `${this.section.dataset[which]}&${more}`;
  }

  /** @param {Sandwich} sandwich */
  show(sandwich) {
    const { total, self, whole, matched } = sandwich;
    const words = total
      ? gettext("total %(total)s · %(amount)s · self %(self)s · %(file)s", {
          total: percent(total, whole),
          amount: amount(sandwich, total),
          self: percent(self, whole),
          file: matched.map((one) => one.file).filter(Boolean).join(", ") || gettext("file unknown"),
        })
      : gettext("No sample of this function in this range.");
    this.part("figures").textContent = words;
    const name = this.part("title").textContent ?? "";
    this.callers.show({ ...sandwich, nodes: sandwich.callers }, gettext("Callers of %(name)s", { name }));
    this.callees.show({ ...sandwich, nodes: sandwich.callees }, gettext("What %(name)s calls", { name }));
    this.section.scrollIntoView({ block: "nearest" });
  }
}
