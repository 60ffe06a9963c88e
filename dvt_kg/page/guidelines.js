// What guidelines other than the rating panels, and the article, say of a record; shown where it is asked for.

import { count, el } from "./dom.js";

const DIRECTIONS = { for: ["+", "for"], against: ["−", "against"], either: ["~", "for the single case"] };
const WARNINGS = { absolute: "contraindicated", relative: "relatively contraindicated", "not-assessed": "contraindications not assessed" };

/** The sections on recommendations and disagreements; none where they were not asked for. */
export function guidelinesOf(result, sources) {
  if (!result.recommendations) return [];
  const by = (state) => result.recommendations.filter((r) => r.state === state);
  const item = (r, ...more) => recommendation(r, sources, ...more);
  const folded = (title, items) => (items.length ? el("details", { data: { keep: title } }, el("summary", {}, `${title} (${items.length})`), el("ul", { class: "advice" }, items)) : null);
  const applies = by("applies");
  return [
    el("section", { class: "block" }, el("h4", {}, "What other guidelines and the article say"),
      el("p", { class: "note" }, "Strengths stand on each source's own scale and cannot be compared."),
      applies.length ? el("ul", { class: "advice" }, applies.map((r) => item(r))) : el("p", {}, "Nothing on file applies yet."),
      folded("Open until more is known", by("open").map((r) => item(r, el("p", { class: "note" }, `Open: ${unknown(r)}.`)))),
      folded("Superseded by a newer edition", by("superseded").map((r) => item(r, el("p", { class: "note" }, `Now: ${r.superseded_by.join("; ")}.`))))),
    result.disagreements.length ? el("section", { class: "block" }, el("h4", {}, "Matters on which the sources disagree"),
      result.disagreements.map((d) => el("details", { class: "card", data: { disagreement: d.id, keep: d.id } }, el("summary", {}, `${d.label}: ${d.text}`),
        el("ul", {}, d.statements.map((s) => el("li", {}, s.text, sources([s.source]))))))) : null,
  ];
}

const unknown = (r) => r.criteria.filter((c) => c.state === "unknown").map((c) => c.label).join(", ");

function recommendation(r, sources, ...more) {
  const [sign, words] = DIRECTIONS[r.direction];
  const warning = r.direction === "against" ? undefined : WARNINGS[r.contraindication];
  return el("li", { data: { recommendation: r.statement, state: r.state } },
    el("span", { class: "direction", data: { direction: r.direction } }, el("span", { class: "sign", "aria-hidden": "true" }, sign), words), " ",
    el("span", {}, r.text, r.qualification ? ` ${r.qualification}` : ""),
    warning ? el("strong", {}, ` Here ${warning}.`) : null,
    el("p", { class: "note" }, `${r.grade}${r.scale ? ` (${r.scale})` : ""}; ${r.population_label}; ${r.guideline_label}, ${r.locator}.`),
    sources([r.source]), more);
}

/** Statements of guidelines that point different ways, those that leave it to the single case folded. */
export function conflictsOf(conflicts, { rating, label, sources }) {
  if (!conflicts.length) return null;
  const card = (conflict) => el("div", { class: "card", data: { conflict: conflict.intervention, statements: conflict.statements.join(" ") } },
    el("h5", {}, conflict.label),
    el("ul", {}, conflict.statements.map((_, i) => (conflict.texts
      ? el("li", {}, DIRECTIONS[conflict.ratings[i]]?.[1] ?? conflict.ratings[i], `, for ${label(conflict.presentations[i])}: ${conflict.texts[i]}`)
      : el("li", {}, rating(conflict.ratings[i]), " for ", label(conflict.presentations[i]))))),
    sources([...new Set(conflict.sources)]));
  const partial = conflicts.filter((conflict) => conflict.kind === "partial");
  return el("section", { class: "block" }, el("h4", {}, "Conflicts: reported, not resolved"),
    conflicts.filter((conflict) => conflict.kind !== "partial").map(card),
    partial.length ? el("details", { data: { keep: "partial" } }, el("summary", {}, `${count(partial.length, "pair")} of statements of which one leaves the choice to the single case`), partial.map(card)) : null);
}
