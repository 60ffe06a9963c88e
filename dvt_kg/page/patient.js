// The tab "Patient": the form on one side, the answer to it on the other.

import { askAbout, askJson, Refusal } from "./api.js";
import { Answer } from "./answer.js";
import { byId, count, debounced, el, save } from "./dom.js";
import { RecordForm } from "./form.js";
import { Fields, recordsOf, withValue } from "./record.js";
import { linkOf, recordIn } from "./share.js";

const WAIT = 250; // ms of rest before the server is asked

/** Build the tab; gives what shows the record of a link. */
export async function patientTab() {
  const form = await askJson("form");
  const fields = new Fields(form);
  byId("notice").textContent = form.notice;
  byId("made").textContent = `Ontology ${form.ontology_version}.`;
  const later = debounced(() => answered(), WAIT);
  const recordForm = new RecordForm(byId("form"), form.groups, () => {
    later();
    hideLink();
  });
  const answer = new Answer({ form, fields, jump: (key) => recordForm.focus(key), picture });
  let current = 0;
  let stop = new AbortController();

  async function answered() {
    const asked = ++current;
    stop.abort();
    stop = new AbortController();
    const record = sent(recordForm.record);
    byId("answer").setAttribute("aria-busy", "true");
    try {
      const signal = stop.signal;
      const found = await (await askAbout(byId("guidelines").checked ? "recommend?guidelines=all" : "recommend", record, { signal })).json();
      if (asked !== current) return;
      recordForm.refuse(found.errors, fields);
      answer.show(found, recordForm.record);
      if (found.errors.length) answer.redFlags(await flagsOfTheRest(record, found.errors, signal));
      if (found.results.length) {
        const [result] = found.results;
        const one = [...result.presentations.map((p) => p.id), ...[...result.undetermined, ...result.ruled_out].map((p) => p.presentation)][0];
        const path = one ? `explain?presentation=${encodeURIComponent(one)}` : "explain";
        const explained = await (await askAbout(path, record, { signal })).json();
        if (asked === current) answer.explain(explained);
      }
    } catch (error) {
      if (error.name === "AbortError" || asked !== current) return;
      if (!(error instanceof Refusal)) throw error;
      recordForm.refuse([error], fields);
      if (error.field) answer.fail([error]);
      else answer.lost(error, answered);
    } finally {
      if (asked === current) byId("answer").removeAttribute("aria-busy");
    }
  }

  /** The red flags that stand whatever the refused fields hold: a slip in one number must not silence one. */
  async function flagsOfTheRest(record, errors, signal) {
    const refused = errors.map((error) => fields.at(error.field ?? "", error.value));
    if (!refused.every(Boolean)) return [];
    const rest = refused.reduce((left, field) => withValue(left, field, undefined), record);
    const found = await (await askAbout("recommend", rest, { signal })).json();
    return found.results.flatMap((result) => result.alerts).filter((alert) => alert.kind === "red-flag");
  }

  async function picture() {
    const response = await askAbout("explain", sent(recordForm.record), { accept: "image/svg+xml" });
    return response.blob();
  }

  function load(record, note = "") {
    recordForm.show(record);
    byId("record-note").textContent = note;
    hideLink();
    answered();
  }

  actions({ load, record: () => recordForm.record });
  byId("guidelines").addEventListener("change", answered);
  byId("to-answer").addEventListener("click", () => {
    byId("answer").focus({ preventScroll: true });
    byId("answer").scrollIntoView({ block: "start" });
  });
  load({});
  return (fragment) => {
    try {
      load(recordIn(fragment), "The record was taken from the link.");
    } catch {
      byId("record-note").textContent = "The link holds no whole record: it was cut or changed on its way. Ask for it again.";
    }
  };
}

const sent = (record) => ({ id: "patient", ...record });

function actions({ load, record }) {
  const examples = el("select", { id: "examples", "aria-label": "Start from" }, el("option", { value: "" }, "Start from an example …"));
  const offered = new Map();
  examples.addEventListener("change", () => {
    const chosen = offered.get(examples.value);
    if (chosen) load(structuredClone(chosen.record), `Started from: ${chosen.label}.`);
    examples.value = "";
  });
  const offer = (items, group) => {
    const options = items.map(({ label, record: given }, index) => {
      const value = `${group}/${index}`;
      offered.set(value, { label, record: given });
      return el("option", { value }, label);
    });
    examples.append(el("optgroup", { label: group }, options));
  };
  askJson("examples").then((items) => offer(items, "Examples")).catch(() => undefined);

  const file = el("input", { type: "file", id: "file", accept: ".json,application/json", hidden: true });
  file.addEventListener("change", async () => {
    const [chosen] = file.files;
    if (!chosen) return;
    try {
      const records = recordsOf(await chosen.text());
      if (records.length > 1) offer(records.map((r, i) => ({ label: String(r.id ?? `record ${i + 1}`), record: r })), chosen.name);
      load(records[0], records.length > 1 ? `The first of ${count(records.length, "record")}; the others can be chosen under “Start from”.` : `Loaded from ${chosen.name}.`);
    } catch {
      byId("record-note").textContent = `${chosen.name} holds no record in JSON: a list of records, an object with “patients”, or one record.`;
    }
    file.value = "";
  });
  const button = (label, click, kind = "quiet") => el("button", { type: "button", class: kind, on: { click } }, label);
  byId("record-actions").append(
    examples, file,
    button("Load a file", () => file.click()),
    button("Save", () => save(`${record().id ?? "record"}.json`, `${JSON.stringify({ patients: [sent(record())] }, null, 2)}\n`, "application/json")),
    button("Share", () => share(record())),
    button("Print", () => window.print()),
    button("Clear", () => load({}, "Everything is unknown again.")),
  );
}

function hideLink() {
  byId("share").hidden = true;
  byId("share").replaceChildren();
}

/** Show the link to a record and copy it where the browser lets us. */
async function share(record) {
  const link = linkOf(record);
  const text = el("input", { type: "text", id: "link", readonly: true, value: link });
  const copied = el("p", { class: "note", role: "status" });
  byId("share").replaceChildren(
    el("label", { for: "link" }, "Link to this record"), text, copied,
    el("p", { class: "note" }, "The record is in the link itself, after the #: browsers do not send that part, so no server and no log sees it. Whoever has the link can read the record."),
  );
  byId("share").hidden = false;
  text.focus();
  text.select();
  try {
    await navigator.clipboard.writeText(link);
    copied.textContent = "Copied.";
  } catch {
    copied.textContent = "Copy it from the box.";
  }
}
