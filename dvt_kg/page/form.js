// The form: a control for everything that a record can state, made from what the server says of it.

import { el, count, debounced } from "./dom.js";
import { valueOf, withValue, unitOf } from "./record.js";

const STATE_SIGNS = { present: "+", absent: "−", "": "?" };
const NUMERAL = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
const OPEN = 3; // groups that stand open at first

/** The form of a record: `changed` is called with the record whenever a field is. */
export class RecordForm {
  constructor(root, groups, changed) {
    this.changed = changed;
    this.record = {};
    this.controls = new Map();
    this.groups = groups.map((group, index) => this.group(group, index < OPEN));
    const found = el("span", { class: "note", role: "status" });
    const filter = el("input", { type: "search", id: "filter", autocomplete: "off", spellcheck: "false" });
    filter.addEventListener("input", debounced(() => this.filter(filter.value, found), 120));
    root.replaceChildren(
      el("div", { class: "filter" }, el("label", { for: "filter" }, "Find a field"), filter, found),
      this.idField(),
      ...this.groups.map(({ node }) => node),
    );
  }

  idField() {
    const input = el("input", { type: "text", id: "field-id", autocomplete: "off", spellcheck: "false", "aria-describedby": "about-id error-id" });
    input.addEventListener("input", () => {
      const { id, ...rest } = this.record;
      this.set(input.value ? { id: input.value, ...rest } : rest);
    });
    const error = el("p", { class: "error", id: "error-id", hidden: true });
    const node = el("div", { class: "field plain", data: { field: "id" } },
      el("label", { for: "field-id" }, "Name of the record"),
      el("p", { class: "about", id: "about-id" }, "Any name that tells nobody who the patient is; it may stay empty."), input, error);
    const show = () => { if (document.activeElement !== input) input.value = this.record.id ?? ""; };
    this.controls.set("id", { node, error, show, focus: () => input.focus(), marked: [input] });
    return node;
  }

  group(group, open) {
    const stated = el("span", { class: "count" });
    const fields = group.fields.map((field) => this.field(field, depth(field, group.fields)));
    const node = el("details", { class: "group", open, data: { group: group.id } },
      el("summary", {}, el("h4", {}, group.label || "More"), stated),
      group.definition ? el("p", { class: "about" }, group.definition) : null,
      ...fields);
    return { node, stated, fields: group.fields };
  }

  field(field, level) {
    const id = `field-${field.key}`;
    const describedBy = `about-${field.key} error-${field.key}`;
    const about = el("p", { class: "about", id: `about-${field.key}` }, describe(field));
    const error = el("p", { class: "error", id: `error-${field.key}`, hidden: true });
    const control = this[KINDS[field.kind]](field, id, describedBy);
    const node = control.grouped
      ? el("fieldset", { "aria-describedby": describedBy }, el("legend", {}, field.label), about, control.node, error)
      : el("div", {}, el("label", { for: id }, field.label), about, control.node, error);
    node.classList.add("field");
    node.dataset.field = field.key;
    node.dataset.level = Math.min(level, 3);
    this.controls.set(field.key, { ...control, node, error, field });
    return node;
  }

  states(field, id) {
    const radios = ["present", "absent", ""].map((state) => el("input", { type: "radio", name: id, value: state, id: `${id}-${state || "unknown"}` }));
    for (const radio of radios) radio.addEventListener("change", () => this.put(field, radio.value || undefined));
    const show = (value) => {
      for (const radio of radios) radio.checked = radio.value === (value ?? "");
    };
    const node = el("div", { class: "picks" }, radios.map((radio) => el("label", { class: "pick", data: { state: radio.value || "unknown" } },
      radio, el("span", { class: "sign", "aria-hidden": "true" }, STATE_SIGNS[radio.value]), radio.value || "unknown")));
    return { grouped: true, node, show, marked: radios, focus: () => (radios.find((r) => r.checked) ?? radios[0]).focus() };
  }

  choice(field, id, describedBy) {
    const select = el("select", { id, "aria-describedby": describedBy },
      el("option", { value: "" }, "unknown"), field.choices.map(({ value, label }) => el("option", { value }, label)));
    select.addEventListener("change", () => this.put(field, select.value || undefined));
    const show = (value) => {
      const known = field.choices.some((choice) => choice.value === value);
      for (const old of select.querySelectorAll("[data-refused]")) old.remove();
      if (value !== undefined && !known) select.append(el("option", { value: String(value), data: { refused: "" } }, String(value)));
      select.value = value === undefined ? "" : String(value);
    };
    return { node: select, show, marked: [select], focus: () => select.focus() };
  }

  number(field, id, describedBy) {
    const input = el("input", { type: "text", inputmode: "decimal", id, autocomplete: "off", "aria-describedby": describedBy });
    input.addEventListener("input", () => {
      const text = input.value.trim();
      const number = NUMERAL.test(text) ? Number(text) : text;
      this.put(field, text === "" ? undefined : number);
    });
    const unit = unitOf(field).trim();
    const node = el("span", { class: "measured" }, input, unit ? el("span", { class: "unit" }, unit) : null);
    return { node, show: shown(input), marked: [input], focus: () => input.focus() };
  }

  time(field, id, describedBy) {
    const input = el("input", { type: "text", id, autocomplete: "off", "aria-describedby": describedBy });
    input.addEventListener("input", () => this.put(field, input.value.trim() || undefined));
    const now = el("button", { type: "button", class: "quiet", on: { click: () => {
      input.value = `${new Date().toISOString().slice(0, 19)}Z`;
      this.put(field, input.value);
    } } }, "Now");
    return { node: el("span", { class: "measured" }, input, now), show: shown(input), marked: [input], focus: () => input.focus() };
  }

  put(field, value) {
    this.set(withValue(this.record, field, value));
  }

  set(record) {
    this.record = record;
    this.counted();
    this.changed(record);
  }

  /** Show another record in every field. */
  show(record) {
    this.record = record;
    for (const { field, show, error } of this.controls.values()) {
      const value = field ? valueOf(record, field) : undefined;
      show(value);
      this.complain(error, value === "both" ? "Recorded as present and as absent; choose one." : "");
    }
    this.counted();
  }

  counted() {
    for (const { stated, fields } of this.groups) {
      const number = fields.filter((field) => valueOf(this.record, field) !== undefined).length;
      stated.textContent = number ? `${number} recorded` : "";
    }
  }

  /** Say at each field what is wrong with it. */
  refuse(errors, fields) {
    const said = new Map();
    for (const error of errors) {
      const key = error.field === "id" ? "id" : fields.at(error.field ?? "", error.value)?.key;
      said.set(key, [...(said.get(key) ?? []), error.message]);
    }
    for (const [key, { error, marked, field }] of this.controls) {
      const both = field && valueOf(this.record, field) === "both" ? "Recorded as present and as absent; choose one." : "";
      this.complain(error, said.get(key)?.join(" ") ?? both);
      for (const control of marked) {
        if (said.has(key)) control.setAttribute("aria-invalid", "true");
        else control.removeAttribute("aria-invalid");
      }
    }
  }

  complain(place, message) {
    if (place.textContent !== message) place.textContent = message;
    place.hidden = !message;
  }

  /** Go to a field, wherever it is hidden. */
  focus(key) {
    const control = this.controls.get(key);
    if (!control) return;
    control.node.hidden = false;
    const group = control.node.closest("details");
    if (group) Object.assign(group, { open: true, hidden: false });
    control.node.scrollIntoView({ block: "center" });
    control.focus();
  }

  filter(text, found) {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    let hits = 0;
    for (const { node, fields } of this.groups) {
      let here = 0;
      for (const field of fields) {
        const said = `${field.label} ${field.key} ${field.definition}`.toLowerCase();
        const hit = words.every((word) => said.includes(word));
        this.controls.get(field.key).node.hidden = !hit;
        here += hit;
      }
      node.hidden = !here;
      if (words.length && here) {
        node.dataset.was ??= node.open ? "open" : "closed";
        node.open = true;
      } else if (!words.length && node.dataset.was) {
        node.open = node.dataset.was === "open";
        delete node.dataset.was;
      }
      hits += here;
    }
    found.textContent = words.length ? `${count(hits, "field")} found` : "";
  }
}

const KINDS = { state: "states", vein: "states", choice: "choice", number: "number", time: "time" };

const shown = (input) => (value) => {
  if (document.activeElement !== input || value === undefined) input.value = value ?? "";
};

function describe(field) {
  const said = field.definition.toLowerCase() === `${field.label.toLowerCase()}.` ? "" : field.definition;
  if (field.kind === "number") return `${said} ${field.minimum} to ${field.maximum}${unitOf(field)}.`.trim();
  if (field.kind === "time") return `${said} Written as 2026-05-26T09:00:00Z.`.trim();
  return said;
}

function depth(field, fields) {
  const whole = field.within && fields.find((other) => other.key === field.within);
  return whole ? depth(whole, fields) + 1 : 0;
}
