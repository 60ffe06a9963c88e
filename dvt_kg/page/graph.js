// Triples as a picture: things as boxes, statements as lines between them.

import { el, svg } from "./dom.js";
import { localName, termText } from "./rdf.js";
import { forceLink, forceManyBody, forceSimulation, forceX, forceY } from "./vendor/d3-force.js";

const MOST = 120; // things beyond which a picture says nothing
const LABELLED = 60; // statements up to which each is named
const STEPS = 300;
const CUT = 30;
const HIGH = 26; // of a box
const GAP = 12;

/** The picture of some rows, or null where they are no triples. */
export function picture(columns, rows) {
  const [s, p, o] = ["s", "p", "o"].every((c) => columns.includes(c)) ? ["s", "p", "o"] : ["subject", "predicate", "object"];
  if (![s, p, o].every((column) => columns.includes(column))) return null;
  const nodes = new Map();
  const links = [];
  const node = (term, at) => {
    const id = term.type === "literal" ? `${at}"${term.value}` : `${term.type}${term.value}`;
    if (!nodes.has(id)) nodes.set(id, { id, term, text: cut(termText(term)) });
    return id;
  };
  for (const row of rows) {
    if (!row[s] || !row[p] || !row[o]) continue;
    const source = node(row[s], "");
    links.push({ source, target: node(row[o], source), text: termText(row[p]) });
  }
  if (!links.length) return null;
  if (nodes.size > MOST) return el("p", { class: "note" }, `A picture of ${nodes.size} things would say nothing; ask for fewer than ${MOST}.`);
  return drawn([...nodes.values()], links);
}

const cut = (text) => (text.length > CUT ? `${text.slice(0, CUT - 1)}…` : text);

function drawn(nodes, links) {
  for (const node of nodes) node.half = node.text.length * 3.5 + 9;
  const simulation = forceSimulation(nodes)
    .force("link", forceLink(links).id((node) => node.id).distance((link) => 70 + (link.source.half + link.target.half) * 0.6))
    .force("charge", forceManyBody().strength(-900))
    .force("x", forceX().strength(0.06)).force("y", forceY().strength(0.1))
    .stop();
  simulation.tick(STEPS);
  for (let step = 0; step < STEPS && apart(nodes); step += 1);
  const left = Math.min(...nodes.map((n) => n.x - n.half)) - 8;
  const right = Math.max(...nodes.map((n) => n.x + n.half)) + 8;
  const top = Math.min(...nodes.map((n) => n.y)) - 24;
  const bottom = Math.max(...nodes.map((n) => n.y)) + 24;
  const size = { width: Math.ceil(right - left), height: Math.ceil(bottom - top) };
  const drawing = svg("svg", { class: "graph", role: "group", "aria-label": `Graph of ${nodes.length} things and ${links.length} statements; the table below says the same`, viewBox: `${left} ${top} ${size.width} ${size.height}`, ...size },
    svg("defs", {}, svg("marker", { id: "tip", viewBox: "0 0 8 8", refX: 8, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto-start-reverse" }, svg("path", { d: "M0 0L8 4L0 8z" }))),
    links.map((link) => line(link, links.length <= LABELLED)),
    nodes.map((node) => box(node)));
  return el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Graph, can be scrolled" }, drawing);
}

/** Push boxes that lie over one another apart, the shorter way; tells whether any did. */
function apart(nodes) {
  let any = false;
  nodes.forEach((a, i) => nodes.slice(i + 1).forEach((b) => {
    const [dx, dy] = [b.x - a.x, b.y - a.y];
    const [overX, overY] = [a.half + b.half + GAP - Math.abs(dx), HIGH + GAP - Math.abs(dy)];
    if (overX <= 0 || overY <= 0) return;
    any = true;
    const axis = overX < overY ? "x" : "y";
    const push = (Math.min(overX, overY) / 2 + 0.1) * (b[axis] < a[axis] ? -1 : 1);
    a[axis] -= push;
    b[axis] += push;
  }));
  return any;
}

function line({ source, target, text }, named) {
  const [dx, dy] = [target.x - source.x, target.y - source.y];
  const length = Math.hypot(dx, dy) || 1;
  const edge = Math.min(target.half / (Math.abs(dx) / length || 1e-6), (HIGH / 2 + 1) / (Math.abs(dy) / length || 1e-6), length);
  const end = { x: target.x - (dx / length) * edge, y: target.y - (dy / length) * edge };
  return svg("g", { class: "line" }, svg("title", {}, text),
    svg("line", { x1: source.x, y1: source.y, x2: end.x, y2: end.y, "marker-end": "url(#tip)" }),
    named ? svg("text", { x: (source.x + end.x) / 2, y: (source.y + end.y) / 2 - 3, "text-anchor": "middle" }, text) : null);
}

function box({ term, text, x, y, half }) {
  const parts = [svg("title", {}, term.value), svg("rect", { x: x - half, y: y - HIGH / 2, width: half * 2, height: HIGH, rx: term.type === "literal" ? 2 : 13 }),
    svg("text", { x, y: y + 4, "text-anchor": "middle" }, text)];
  const name = term.type === "uri" && localName(term.value);
  const kind = term.type === "literal" ? "box literal" : "box";
  return name ? svg("a", { class: kind, href: `#terms/${encodeURIComponent(name)}` }, parts) : svg("g", { class: kind }, parts);
}
