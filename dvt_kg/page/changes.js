// What is best found out next, and what would change the answer.

import { between, count, el } from "./dom.js";

const SHOWN = 6;

/** What settles most, as buttons that lead to the fields. */
export function nextOf(names, ask) {
  if (!names.length) return null;
  const rows = names.slice(0, SHOWN).map((item) => el("li", { data: { next: item.name } }, ask(item.name), " ", el("span", { class: "note" }, settles(item.settles))));
  return el("section", { class: "block" }, el("h4", {}, "Best to find out next"), el("ol", { class: "next" }, rows));
}

function settles(shares) {
  const parts = Object.entries(shares).filter(([, share]) => share.average > 0)
    .map(([kind, share]) => `${share.average} of the open ${kind}`);
  return `settles on average ${parts.join(", ")}`;
}

/** The single facts that would change the answer, those with one effect together. */
export function changesOf(changes, contradicting, fields, fact) {
  if (!changes.length) return null;
  const groups = new Map();
  for (const change of changes) {
    const { set, was, ...effect } = change;
    const key = JSON.stringify(effect);
    groups.set(key, [...(groups.get(key) ?? []), change]);
  }
  const items = [...groups.values()].map((group) => el("li", { data: { change: JSON.stringify(group.map((c) => c.set)) } },
    "If ", between(group.slice(0, SHOWN).map((change) => fact(fields.placed(change.set))), " or "),
    group.length > SHOWN ? ` (or ${count(group.length - SHOWN, "more fact")})` : "", ":",
    ...effects(group[0], fields)));
  const numbers = changes.some((change) => typeof change.set.value === "number");
  return el("section", { class: "block" }, el("h4", {}, "What would change it"),
    numbers ? el("p", { class: "note" }, "A number stands for every number on its side of the threshold.") : null,
    el("ul", { class: "changes" }, items.slice(0, SHOWN)),
    items.length > SHOWN ? el("details", {}, el("summary", {}, `${items.length - SHOWN} more`), el("ul", { class: "changes" }, items.slice(SHOWN))) : null,
    contradicting.length ? el("details", {}, el("summary", {}, `${count(contradicting.length, "fact")} would contradict the rest of the record`),
      el("p", { class: "note" }, between(contradicting.map((f) => fact(fields.placed(f))), ", "), ".")) : null);
}

/** How the answer differs: status and presentations in sight, the options, alerts and steps behind them. */
function effects(change, fields) {
  const first = [...outcome(change, (name) => fields.label(name))];
  const rest = [...consequences(change, (name) => fields.label(name))];
  const list = (lines) => el("ul", {}, lines.map(([sign, text]) => el("li", {}, el("span", { class: "sign", "aria-hidden": "true" }, sign), ` ${text}`)));
  if (!first.length || !rest.length) return [list([...first, ...rest])];
  return [list(first), el("details", {}, el("summary", {}, `${count(rest.length, "difference")} in options, alerts and next steps`), list(rest))];
}

function* outcome(change, label) {
  if (change.status) yield ["→", `the record is ${label(change.status.after)} (now ${label(change.status.before)})`];
  for (const [name, { before, after }] of Object.entries(change.presentations ?? {})) {
    if (before === "contradictory" && after === "ruled-out") continue; // what is left of a mended record is enough to read
    yield ["→", `${label(name)}: ${plain(after)} (now ${plain(before)})`];
  }
}

function* consequences(change, label) {
  for (const [sign, options, verb] of [["+", change.appears, "rated"], ["−", change.disappears, "no longer rated"]]) {
    for (const option of options) yield [sign, `${label(option.intervention)} ${verb} ${label(option.rating)} for ${label(option.presentation)}${sign === "+" ? warning(option) : ""}`];
  }
  for (const item of change.changes) {
    if (item.ratings) yield ["→", `${label(item.intervention)}: ${item.ratings.after.map(label).join(", ")} (now ${item.ratings.before.map(label).join(", ")})`];
    if (item.contraindication) yield ["→", `${label(item.intervention)}: contraindication ${plain(item.contraindication.after)} (now ${plain(item.contraindication.before)})`];
  }
  for (const [kind, word] of [["alerts", "alert"], ["next_steps", "next step"]]) {
    for (const name of change[kind]?.appear ?? []) yield ["+", `${word}: ${label(name)}`];
    for (const name of change[kind]?.disappear ?? []) yield ["−", `${word} no longer: ${label(name)}`];
  }
}

const plain = (state) => state.replaceAll("-", " ");

function warning({ contraindication }) {
  if (contraindication === "absolute") return "; CONTRAINDICATED";
  return ["relative", "not-assessed"].includes(contraindication) ? `; contraindication ${plain(contraindication)}` : "";
}
