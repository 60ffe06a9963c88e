// The answer: all that is said of one record, each part with data attributes that repeat the JSON.

import { changesOf, nextOf } from "./changes.js";
import { byId, between, count, el } from "./dom.js";
import { conflictsOf, guidelinesOf } from "./guidelines.js";
import { valueOf } from "./record.js";

const STATE_SIGNS = { met: ["✓", "met"], "not-met": ["✗", "not met"], unknown: ["?", "unknown"] };
const STATUS_SIGNS = { matched: "✓", indeterminate: "?", "out-of-scope": "○", contradictory: "✗" };
const RATING_SIGNS = ["+", "~", "≠", "−"]; // by the place of the category, as in the pictures
const CONTRAINDICATIONS = {
  absolute: ["⊘", "Contraindicated"],
  relative: ["!", "Relatively contraindicated"],
  excluded: ["✓", "Absolute contraindications excluded"],
  "not-assessed": ["?", "Contraindications not assessed"],
  "none-on-file": ["·", "No contraindication on file"],
};
const STATUS_WORDS = {
  matched: (r) => counted(r),
  indeterminate: (r) => counted(r),
  "out-of-scope": (r) => counted(r),
  contradictory: () => "Facts exclude one another; nothing is rated until that is corrected.",
};

/** Where an answer is shown. */
export class Answer {
  constructor({ form, fields, jump, picture }) {
    Object.assign(this, { form, fields, jump, picture });
    this.body = byId("answer-body");
    this.flags = byId("red-flags");
    this.later = el("div", { id: "later" });
    this.flagged = "";
  }

  /** Show an answer, or what was refused of the record. */
  show(answer, record) {
    const [result] = answer.results;
    if (!result) {
      this.fail(answer.errors);
      return;
    }
    this.result = result;
    this.label = (name) => this.fields.label(name);
    this.redFlags(result.alerts.filter((alert) => alert.kind === "red-flag"));
    this.later.replaceChildren();
    const sources = (citations) => this.sources(citations);
    const open = new Set([...this.body.querySelectorAll("details[open][data-keep]")].map((details) => details.dataset.keep));
    this.body.replaceChildren(...[
      this.recorded(record),
      this.status(result),
      this.contradiction(result.contradiction),
      this.alerts(result.alerts.filter((alert) => alert.kind !== "red-flag")),
      this.presentations(result),
      conflictsOf(result.conflicts, { rating: (name) => this.rating(name), label: this.label, sources }),
      this.options(result),
      ...guidelinesOf(result, sources),
      this.undetermined(result.undetermined),
      this.steps(result.next_steps),
      this.later,
      this.ruledOut(result.ruled_out),
      this.drawing(result),
    ].filter(Boolean));
    for (const details of this.body.querySelectorAll("details[data-keep]")) details.open = open.has(details.dataset.keep);
    const status = this.form.statuses.find((s) => s.id === result.status);
    const flags = result.alerts.filter((alert) => alert.kind === "red-flag").length;
    this.summarise(`${capital(status.label)}. ${STATUS_WORDS[result.status](result)}${flags ? ` ${count(flags, "red flag")}.` : ""}`);
  }

  /** Show what explanations add: what is best found out next, and what would change the answer. */
  explain(explained) {
    const [record] = explained.records;
    if (!record) return;
    const changes = explained.explanations.find((entry) => entry.changes)?.changes ?? [];
    this.later.replaceChildren(...[
      nextOf(record.next, (name) => this.ask(name)),
      changesOf(changes, record.contradicting, this.fields, (placed) => this.fact(placed)),
    ].filter(Boolean));
  }

  /** Show that the record is refused, and where. */
  fail(errors) {
    this.none("Correct what is marked, and the answer comes back.", el("ul", {}, errors.map((error) => {
      const field = this.fields.at(error.field ?? "", error.value);
      return el("li", { data: { error: error.field ?? "" } }, field ? this.go(field.key, field.label) : error.field,
        error.field ? ": " : "", error.message);
    })));
  }

  /** Show that no answer came, with a way to ask again. */
  lost(error, again) {
    this.redFlags([]);
    this.none(error.message, el("button", { type: "button", class: "quiet", on: { click: again } }, "Ask again"));
  }

  none(why, more) {
    this.body.replaceChildren(el("div", { class: "refused", role: "alert", data: { status: "refused" } },
      el("p", { class: "status" }, el("span", { class: "sign", "aria-hidden": "true" }, "✗"), "Not answered"), el("p", {}, why), more));
    this.summarise("Not answered.");
  }

  summarise(text) {
    if (byId("summary-text").textContent !== text) byId("summary-text").textContent = text;
  }

  status(result) {
    const status = this.form.statuses.find((s) => s.id === result.status);
    return el("div", { class: "verdict", data: { status: result.status, patient: result.patient } },
      el("p", { class: "status" }, el("span", { class: "sign", "aria-hidden": "true" }, STATUS_SIGNS[result.status]), capital(status.label)),
      el("p", {}, status.definition, " ", STATUS_WORDS[result.status](result)));
  }

  /** The red flags; announced where they change, not with every answer. */
  redFlags(alerts) {
    const now = JSON.stringify(alerts);
    if (now === this.flagged) return;
    this.flagged = now;
    this.flags.replaceChildren(...alerts.map((alert) => el("div", { class: "alert red", role: "alert", data: { alert: alert.id, kind: alert.kind } },
      el("h4", {}, el("span", { class: "sign", "aria-hidden": "true" }, "⚑"), `Red flag: ${alert.label}`),
      el("p", {}, alert.text), this.sources(alert.sources))));
  }

  alerts(alerts) {
    return alerts.length ? el("section", {}, alerts.map((alert) => el("div", { class: "alert", data: { alert: alert.id, kind: alert.kind } },
      el("h4", {}, el("span", { class: "sign", "aria-hidden": "true" }, "!"), `Pitfall: ${alert.label}`),
      el("p", {}, alert.text), this.sources(alert.sources)))) : null;
  }

  contradiction(clashes) {
    if (!clashes) return null;
    return section("These facts cannot all be true", el("ul", { class: "clashes" }, clashes.map((clash) =>
      el("li", { data: { clash: JSON.stringify(clash) } }, between(clash.map((fact) => this.fact(this.fields.placed(fact))), " and ")))));
  }

  presentations(result) {
    const without = result.guidelines_without_match.map((name) =>
      el("p", { class: "note", data: { without: name } }, `No presentation of this guideline is met: ${this.label(name)}.`));
    const caveats = result.caveats.map((caveat) => el("p", { class: "note", data: { caveat: caveat.about } }, caveat.text));
    if (!result.presentations.length) return without.length && result.status !== "contradictory" ? el("div", {}, without) : null;
    return section("Presentations that fit", result.presentations.map((p) => el("div", { class: "card", data: { presentation: p.id } },
      el("h5", {}, p.label), this.criteria(p.criteria))), caveats, without);
  }

  criteria(criteria) {
    return el("ul", { class: "criteria" }, criteria.map((criterion) => {
      const [sign, words] = STATE_SIGNS[criterion.state];
      return el("li", { data: { criterion: criterion.id, state: criterion.state, because: JSON.stringify(criterion.because) } },
        el("span", { class: "sign", "aria-hidden": "true" }, sign), " ",
        el("span", { class: "what" }, criterion.label, el("span", { class: "state-word" }, ` ${words}`)),
        el("span", { class: "facts" }, criterion.because.length ? this.facts(criterion.because) : "not recorded"));
    }));
  }

  facts(because) {
    return between(because.map((text) => this.fact(this.fields.fact(text))), ", ");
  }

  /** A recorded fact, which leads to its field. */
  fact({ field, words }) {
    return field ? this.go(field.key, words, "fact") : words;
  }

  go(key, words, kind = null) {
    const jump = (event) => {
      event.preventDefault();
      this.jump(key);
    };
    return el("a", { class: kind, href: `#field-${key}`, on: { click: jump } }, words);
  }

  /** Something missing, which leads to the field where it is recorded. */
  ask(name) {
    const field = this.fields.byKey.get(name);
    const attributes = { type: "button", class: "missing", data: { missing: name }, on: { click: () => this.jump(name) } };
    return el("button", field ? attributes : { ...attributes, disabled: true }, this.label(name));
  }

  rating(name) {
    const place = this.form.ratings.findIndex((rating) => rating.id === name || rating.label === name);
    return el("span", { class: "rating", data: { rank: place + 1 } },
      el("span", { class: "sign", "aria-hidden": "true" }, RATING_SIGNS[place] ?? ""), this.form.ratings[place]?.label ?? name);
  }

  options(result) {
    if (!result.options.length) return null;
    const groups = this.form.ratings.map((rating) => ({ rating, options: result.options.filter((option) => option.rating === rating.id) }));
    return section("Options", el("p", { class: "note" }, "By the panel's category; within a category in no order."), groups.filter(({ options }) => options.length).map(({ rating, options }) =>
      el("div", { class: "rated", data: { rating: rating.id } },
        el("h5", {}, this.rating(rating.id)), el("p", { class: "about" }, rating.definition),
        options.map((option) => this.option(option)))),
    result.distinctions.map((d) => el("p", { class: "note", data: { distinction: d.intervention } }, el("strong", {}, capital(d.label)), `: ${d.text}`)));
  }

  option(option) {
    const [sign, words] = CONTRAINDICATIONS[option.contraindication];
    const present = option.contraindications ?? [];
    const unassessed = option.unassessed ?? [];
    return el("div", { class: "card option", data: { option: option.intervention, of: option.presentation, rating: option.rating, contraindication: option.contraindication, statement: option.statement } },
      el("h6", {}, option.label),
      el("p", { class: "of" }, `For ${this.label(option.presentation)}`),
      el("p", { class: "contraindication", data: { state: option.contraindication } }, el("span", { class: "sign", "aria-hidden": "true" }, sign), words),
      present.length ? el("ul", {}, present.map((c) => el("li", { data: { against: c.condition, strength: c.strength } },
        this.go(c.condition, this.label(c.condition), "fact"), ` (${c.strength}${c.grading === "ungraded" ? ", on a list without grades" : ""})`, this.sources([c.source])))) : null,
      unassessed.length ? el("details", { data: { keep: `unassessed ${option.statement}` } }, el("summary", {}, `${count(unassessed.length, "absolute contraindication")} not assessed`),
        el("div", { class: "chips" }, unassessed.map((name) => this.ask(name)))) : null,
      el("details", { class: "why", data: { keep: option.statement } }, el("summary", {}, "Why, by whom, on what evidence"),
        el("p", { class: "rationale" }, option.rationale),
        option.evidence.length ? el("p", {}, "Evidence: ", between(option.evidence.map((name) => this.evidence(name)), "; "), ".") : null,
        el("p", { class: "source" }, this.source(option.source), ` ${capital(option.locator)}; ${option.verification === "primary" ? "checked in the publication" : "known from reports of the publication"}.`)));
  }

  evidence(name) {
    return el("a", { href: `#terms/${encodeURIComponent(name)}`, data: { evidence: name } }, this.label(name));
  }

  source(citation) {
    const link = this.form.links[citation];
    return link ? el("a", { href: link, rel: "noreferrer", target: "_blank" }, citation) : citation;
  }

  sources(citations) {
    return citations.length ? el("p", { class: "source" }, between(citations.map((c) => this.source(c)), " · ")) : null;
  }

  undetermined(open) {
    return open.length ? section("Still open", open.map((item) => el("div", { class: "card", data: { undetermined: item.presentation } },
      el("h5", {}, item.label),
      el("p", { class: "chips" }, el("span", {}, "To settle it, find out:"), item.missing.map((name) => this.ask(name))),
      el("details", { data: { keep: item.presentation } }, el("summary", {}, "Its criteria"), this.criteria(item.criteria))))) : null;
  }

  steps(steps) {
    return steps.length ? section("Next steps", el("ul", { class: "steps" }, steps.map((step) =>
      el("li", { data: { nextStep: step.id } }, el("strong", {}, `${capital(step.label)}. `), step.text, this.sources(step.sources))))) : null;
  }

  ruledOut(ruledOut) {
    return ruledOut.length ? el("details", { class: "block", data: { keep: "ruled out" } }, el("summary", {}, el("h4", {}, `Ruled out (${ruledOut.length})`)),
      el("ul", { class: "criteria" }, ruledOut.map((item) => el("li", { data: { ruledOut: item.presentation, criterion: item.criterion, criteria: item.criteria.join(" ") } },
        el("span", { class: "sign", "aria-hidden": "true" }, "✗"), " ",
        el("span", { class: "what" }, item.label),
        el("span", { class: "facts" }, `not met: ${item.criteria.map(this.label).join(", ")}; `, item.because.length ? this.facts(item.because) : "nothing recorded"))))) : null;
  }

  /** The picture, drawn when it is asked for. */
  drawing(result) {
    const place = el("div", { class: "drawing" });
    const details = el("details", { class: "block", data: { keep: "picture" } }, el("summary", {}, el("h4", {}, "Picture: from facts to options")), place);
    const draw = async () => {
      if (!details.open || place.childElementCount) return;
      place.append(el("p", { class: "note", role: "status" }, "Drawing …"));
      try {
        const address = URL.createObjectURL(await this.picture());
        URL.revokeObjectURL(this.pictured);
        this.pictured = address;
        const met = result.presentations.map((p) => p.label).join("; ") || "no presentation met";
        place.replaceChildren(
          el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Picture, can be scrolled" },
            el("img", { src: address, alt: `From recorded facts to criteria, presentations and options. ${met}. The parts of the answer say the same in words.` })),
          el("p", {}, el("a", { href: address, download: "explanation.svg" }, "Download the picture (SVG)")));
      } catch (error) {
        place.replaceChildren(el("p", { class: "error" }, error.message));
      }
    };
    details.addEventListener("toggle", draw);
    return details;
  }

  /** What is recorded, for the printed page. */
  recorded(record) {
    const known = this.fields.all.map((field) => [field, valueOf(record, field)]).filter(([, value]) => value !== undefined);
    return el("section", { class: "print-only" }, el("h4", {}, `What is recorded${record.id ? ` of ${record.id}` : ""}`),
      known.length ? el("ul", {}, known.map(([field, value]) => el("li", {}, this.fields.words(field, value === "both" ? "present and absent" : value)))) : el("p", {}, "Nothing."),
      el("p", {}, `Answered at ${new Date().toISOString().slice(0, 19)}Z.`));
  }
}

const counted = ({ presentations, undetermined, ruled_out: out }) =>
  `${count(presentations.length, "presentation")} met, ${undetermined.length} open, ${out.length} ruled out.`;
const section = (title, ...children) => el("section", { class: "block" }, el("h4", {}, title), ...children);
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
