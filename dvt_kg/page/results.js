// Rows as a table that can be sorted, and as CSV.

import { el } from "./dom.js";
import { localName, short, termText } from "./rdf.js";

const SHOWN = 500;

/** The table of some rows. */
export function table(columns, rows, caption) {
  const body = el("tbody");
  const more = el("p", { class: "note" }, rows.length > SHOWN ? `The first ${SHOWN} of ${rows.length} rows are shown; the CSV has all.` : "");
  let order = { column: null, down: false };
  const heads = columns.map((column) => el("th", { scope: "col" },
    el("button", { type: "button", on: { click: () => sort(column) } }, column, el("span", { class: "arrow", "aria-hidden": "true" }))));
  function fill() {
    const sorted = order.column === null ? rows : [...rows].sort((a, b) => compare(a[order.column], b[order.column]) * (order.down ? -1 : 1));
    body.replaceChildren(...sorted.slice(0, SHOWN).map((row) => el("tr", {}, columns.map((column) => el("td", {}, cell(row[column]))))));
    heads.forEach((head, i) => {
      const here = columns[i] === order.column;
      if (here) head.setAttribute("aria-sort", order.down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
      head.querySelector(".arrow").textContent = here ? (order.down ? " ▾" : " ▴") : "";
    });
  }
  function sort(column) {
    order = { column, down: order.column === column && !order.down };
    fill();
  }
  fill();
  return [
    el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Rows, can be scrolled" },
      el("table", {}, el("caption", {}, caption), el("thead", {}, el("tr", {}, heads)), body)),
    more,
  ];
}

function compare(a, b) {
  const [one, other] = [termText(a), termText(b)];
  const numbers = [Number(one), Number(other)];
  if (one && other && numbers.every(Number.isFinite)) return numbers[0] - numbers[1];
  return one.localeCompare(other, "en", { numeric: true });
}

/** A term as it stands in a cell: a term of the ontology leads to its page. */
export function cell(term) {
  if (!term) return null;
  if (term.type !== "uri") return el("span", { lang: term["xml:lang"] ?? null }, termText(term));
  const name = localName(term.value);
  if (name) return el("a", { href: `#terms/${encodeURIComponent(name)}` }, short(term.value));
  return /^https?:/.test(term.value) ? el("a", { href: term.value, rel: "noreferrer", target: "_blank" }, short(term.value)) : el("span", {}, short(term.value));
}

/** Rows as CSV, with whole IRIs; a cell that a spreadsheet would run is kept from it. */
export function csv(columns, rows) {
  const quoted = (text) => {
    const safe = /^[=+\-@\t\r]/.test(text) && !Number.isFinite(Number(text)) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const line = (cells) => `${cells.map(quoted).join(",")}\r\n`;
  return line(columns) + rows.map((row) => line(columns.map((column) => row[column]?.value ?? ""))).join("");
}
