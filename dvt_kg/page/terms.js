// The tab "Terms": every term of the ontology by its words, and each with what is stated of it.

import { askJson } from "./api.js";
import { byId, count, debounced, el } from "./dom.js";
import { cell } from "./results.js";

const SHOWN = 100;

/** Build the tab; gives what shows the term of a name. */
export async function termsTab() {
  const search = el("input", { type: "search", id: "find-term", autocomplete: "off", spellcheck: "false" });
  const found = el("p", { class: "note", role: "status" });
  const list = el("ul", { class: "terms" });
  const page = el("section", { class: "answer", "aria-labelledby": "term-title" });
  byId("terms-body").replaceChildren(el("div", { class: "columns" },
    el("section", { class: "ask", "aria-labelledby": "find-title" }, el("h3", { id: "find-title" }, "Find a term"),
      el("div", { class: "filter" }, el("label", { for: "find-term" }, "Words of its name, label or definition"), search, found), list),
    page));
  let asked = 0;
  async function look() {
    const now = ++asked;
    try {
      const terms = await askJson(`terms?text=${encodeURIComponent(search.value.trim())}`);
      if (now !== asked) return;
      found.textContent = `${count(terms.length, "term")}${terms.length > SHOWN ? `, the first ${SHOWN} shown` : ""}`;
      list.replaceChildren(...terms.slice(0, SHOWN).map((term) => el("li", {}, el("a", { href: `#terms/${encodeURIComponent(term.name)}` }, term.label), el("span", { class: "kind" }, ` ${term.kind}`), el("p", { class: "about" }, term.definition))));
    } catch (error) {
      if (now === asked) found.textContent = error.message;
    }
  }
  search.addEventListener("input", debounced(look, 200));
  await look();
  return (name) => show(page, name);
}

let wanted = "";

async function show(page, name) {
  wanted = name;
  if (!name) {
    page.replaceChildren(el("h3", { id: "term-title" }, "A term"), el("p", { class: "about" }, "Choose a term, and what is stated of it stands here."));
    return;
  }
  let term;
  try {
    term = await askJson(`terms/${encodeURIComponent(name)}`);
  } catch (error) {
    if (wanted === name) page.replaceChildren(el("h3", { id: "term-title" }, name), el("p", { class: "trouble", role: "alert" }, error.message));
    return;
  }
  if (wanted !== name) return;
  const title = el("h3", { id: "term-title", tabindex: "-1", data: { term: term.name } }, term.label || term.name);
  page.replaceChildren(title,
    el("p", { class: "iri" }, el("code", {}, term.iri)),
    term.kinds.length ? el("p", { class: "kind" }, term.kinds.join(", ")) : "",
    el("p", {}, term.definition),
    ...statements("What is stated of it", term.statements),
    ...statements("Where it is used", term.used_by));
  title.focus();
}

function statements(title, groups) {
  if (!groups.length) return [];
  return [el("h4", {}, title), el("dl", { class: "statements" }, groups.map((group) => el("div", {}, el("dt", {}, group.property_label || group.property),
    el("dd", {}, many(group.values)))))];
}

const FEW = 12;

/** Values, of which the first few are open to view. */
function many(values) {
  const list = (some) => el("ul", {}, some.map((value) => el("li", {}, one(value))));
  if (values.length <= FEW) return list(values);
  return [list(values.slice(0, FEW)), el("details", {}, el("summary", {}, `${values.length - FEW} more`), list(values.slice(FEW)))];
}

function one(value) {
  if (value.name) return el("a", { href: `#terms/${encodeURIComponent(value.name)}` }, value.label || value.name);
  if (value.iri) return value.label ? [value.label, " ", cell({ type: "uri", value: value.iri })] : cell({ type: "uri", value: value.iri });
  return el("span", { lang: value.lang ?? null }, value.text);
}
