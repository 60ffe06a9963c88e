// The tab "SPARQL": a query, the catalogue's queries to begin with, and what they give.

import { ask, askJson } from "./api.js";
import { byId, count, el, save } from "./dom.js";
import { editor } from "./editor.js";
import { picture } from "./graph.js";
import { triplesOf } from "./rdf.js";
import { csv, table } from "./results.js";

const FIRST = `PREFIX dvt: <https://w3id.org/dvt-kg#>
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>

SELECT ?presentation ?label WHERE {
  ?presentation a dvt:Presentation ; rdfs:label ?label .
}
ORDER BY ?presentation
`;
const HINT = "Control and Enter runs the query. Tab indents; Escape and then Tab leaves the editor.";
const ROWS = "application/sparql-results+json";
const TRIPLES = "application/n-triples";

/** Build the tab. */
export async function sparqlTab() {
  const place = el("div", { id: "editor" });
  const results = el("div", { id: "results" });
  const said = el("p", { id: "ran", class: "note", role: "status" });
  const about = el("div", { id: "about-query" });
  const runs = el("button", { type: "button", class: "main", id: "run", on: { click: () => run() } }, "Run");
  byId("sparql-body").replaceChildren(
    el("p", {}, "Questions over the ontology, the records that the server was started with, and what was inferred of them. Records entered under “Patient” are not among them."),
    el("div", { class: "columns sparql" },
      el("section", { class: "ask", "aria-labelledby": "catalogue-title" }, el("h3", { id: "catalogue-title" }, "Questions of the catalogue"), el("div", { id: "catalogue" })),
      el("section", { class: "answer", "aria-labelledby": "query-title" }, el("h3", { id: "query-title" }, "Query"), about, place, el("p", { class: "note" }, HINT),
        el("p", { class: "actions" }, runs), said, results)));
  const text = editor(place, { label: "SPARQL query", hint: HINT, run });
  text.text = FIRST;
  let stop = new AbortController();

  async function run() {
    stop.abort();
    stop = new AbortController();
    said.textContent = "Running …";
    results.replaceChildren();
    const began = performance.now();
    try {
      const response = await ask("sparql", { body: text.text, type: "application/sparql-query", accept: `${ROWS}, ${TRIPLES};q=0.9`, signal: stop.signal });
      const found = read(response.headers.get("Content-Type") ?? "", await response.text());
      const seconds = ((performance.now() - began) / 1000).toFixed(2);
      said.textContent = `${found.said}, ${seconds} s.`;
      results.replaceChildren(...shown(found));
    } catch (error) {
      if (error.name === "AbortError") return;
      said.textContent = "";
      results.replaceChildren(el("p", { class: "trouble", role: "alert" }, error.message));
    }
  }

  await catalogue(async (query) => {
    about.replaceChildren(el("p", { class: "question" }, query.summary), el("p", { class: "about" }, query.description), parameters(query.parameters));
    const whole = await (await ask(`queries/${encodeURIComponent(query.name)}`, { accept: "application/sparql-query" })).text();
    text.text = whole.replace(/^#\+.*\n/gm, "").trimStart(); // the header stands above the editor
    results.replaceChildren();
    said.textContent = `The query “${query.name}” is in the editor.`;
    text.focus();
  });
  return () => undefined;
}

function read(type, body) {
  if (type.startsWith(TRIPLES)) {
    const rows = triplesOf(body);
    return { columns: ["subject", "predicate", "object"], rows, said: count(rows.length, "triple") };
  }
  const found = JSON.parse(body);
  if ("boolean" in found) return { columns: [], rows: [], said: found.boolean ? "Yes" : "No", boolean: found.boolean };
  const rows = found.results.bindings;
  return { columns: found.head.vars, rows, said: count(rows.length, "row") };
}

function* shown({ columns, rows, boolean }) {
  if (boolean !== undefined) {
    yield el("p", { class: "status" }, boolean ? "Yes" : "No");
    return;
  }
  yield el("p", { class: "actions" }, el("button", { type: "button", class: "quiet", on: { click: () => save("rows.csv", csv(columns, rows), "text/csv") } }, "Download CSV"));
  const drawing = picture(columns, rows);
  if (drawing) yield el("details", { class: "block", open: true }, el("summary", {}, el("h4", {}, "Graph")), drawing);
  if (rows.length) yield* table(columns, rows, "What the query gives");
}

function parameters(given) {
  const all = Object.entries(given ?? {});
  return all.length ? el("p", { class: "about" }, "Its variables that can be bound: ", all.map(([name, p]) => `?${name} (${p.description ?? p.kind})`).join(", "), ".") : null;
}

async function catalogue(chosen) {
  const queries = await askJson("queries");
  const items = queries.map((query) => ({
    words: `${query.name} ${query.summary} ${query.description} ${(query.tags ?? []).join(" ")}`.toLowerCase(),
    node: el("li", {}, el("button", { type: "button", class: "query", data: { query: query.name }, on: { click: () => chosen(query) } }, el("span", {}, query.summary), el("code", {}, query.name))),
  }));
  const found = el("p", { class: "note", role: "status" });
  const filter = el("input", { type: "search", id: "find-query", autocomplete: "off" });
  filter.addEventListener("input", () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const item of items) item.node.hidden = !words.every((word) => item.words.includes(word));
    found.textContent = words.length ? `${count(items.filter((item) => !item.node.hidden).length, "question")} found` : "";
  });
  byId("catalogue").replaceChildren(el("div", { class: "filter" }, el("label", { for: "find-query" }, "Find a question"), filter, found), el("ul", { class: "queries" }, items.map((item) => item.node)));
}
