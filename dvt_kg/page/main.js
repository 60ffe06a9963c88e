// The page: which tab is shown, by the fragment of the address.

import { Refusal } from "./api.js";
import { byId } from "./dom.js";
import { patientTab } from "./patient.js";
import { sparqlTab } from "./sparql.js";
import { termsTab } from "./terms.js";

const TABS = { patient: patientTab, sparql: sparqlTab, terms: termsTab };
const built = {};

/** Show what the fragment names, and build it where it is shown for the first time. */
async function route(moved) {
  const fragment = location.hash;
  const [name, ...rest] = fragment.slice(1).split("/");
  const held = name.startsWith("record=");
  if (name === "main") return;
  const tab = held ? "patient" : name in TABS ? name : "patient";
  for (const view of document.querySelectorAll("[data-view]")) view.hidden = view.id !== tab;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.dataset.tab === tab) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `dvt-kg: ${document.querySelector(`nav a[data-tab="${tab}"]`).textContent}`;
  if (held) history.replaceState(null, "", "#patient"); // the record stays out of the address and the history
  if (moved && !held) byId(`${tab}-title`).focus();
  try {
    built[tab] ??= TABS[tab]();
    const show = await built[tab];
    if (held) show(fragment);
    else if (tab === "terms") show(decoded(rest.join("/")));
    byId("trouble").hidden = true;
  } catch (error) {
    delete built[tab];
    if (!(error instanceof Refusal)) throw error;
    byId("trouble").textContent = error.message;
    byId("trouble").hidden = false;
  }
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a stray % stands for itself
  }
}

byId("skip").addEventListener("click", (event) => {
  event.preventDefault();
  byId("main").focus();
});
addEventListener("hashchange", () => route(true));
addEventListener("beforeprint", () => {
  for (const closed of document.querySelectorAll("#answer details[data-keep]:not([open], [data-keep=picture])")) Object.assign(closed, { open: true }).dataset.printed = "";
});
addEventListener("afterprint", () => {
  for (const opened of document.querySelectorAll("#answer details[data-printed]")) {
    opened.open = false;
    delete opened.dataset.printed;
  }
});
route(false);
