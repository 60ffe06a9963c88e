// The record: a JSON object, read and changed by the fields of the form.

export const STATES = ["present", "absent"];

/** What a record states in a field; "both" of a vein that it calls present and absent. */
export function valueOf(record, field) {
  if (field.kind === "vein") {
    const stated = STATES.filter((state) => listed(record, state).includes(field.key));
    return stated.length > 1 ? "both" : stated[0];
  }
  const value = field.path.split("/").reduce((at, key) => (isObject(at) ? at[key] : undefined), record);
  return value === null || value === "unknown" ? undefined : value;
}

/** The record with another value in a field; undefined is unknown. */
export function withValue(record, field, value) {
  const changed = structuredClone(record);
  if (field.kind === "vein") {
    const thrombus = isObject(changed.thrombus) ? changed.thrombus : {};
    for (const state of STATES) {
      const others = listed(changed, state).filter((name) => name !== field.key);
      put(thrombus, state, value === state ? [...others, field.key].sort() : others);
    }
    put(changed, "thrombus", thrombus);
    return changed;
  }
  const [first, second] = field.path.split("/");
  if (second === undefined) put(changed, first, value);
  else {
    const inner = isObject(changed[first]) ? changed[first] : {};
    put(inner, second, value);
    put(changed, first, inner);
  }
  return changed;
}

function listed(record, state) {
  const names = record.thrombus?.[state];
  return Array.isArray(names) ? names : [];
}

function put(object, key, value) {
  const empty = value === undefined || (typeof value === "object" && Object.keys(value).length === 0);
  if (empty) delete object[key];
  else object[key] = value;
}

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** Every record of a JSON text: a list, an object with `patients`, or one record. */
export function recordsOf(text) {
  const found = JSON.parse(text);
  const records = Array.isArray(found) ? found : isObject(found) && Array.isArray(found.patients) ? found.patients : [found];
  if (!records.length || !records.every(isObject)) throw new Error("no records in it");
  return records;
}

/** The fields by key, with the words for what is recorded in them. */
export class Fields {
  constructor(form) {
    this.all = form.groups.flatMap((group) => group.fields);
    this.byKey = new Map(this.all.map((field) => [field.key, field]));
    this.byPath = new Map(this.all.filter((f) => f.kind !== "vein").map((field) => [field.path, field]));
    this.labels = form.labels;
  }

  label(name) {
    return this.byKey.get(name)?.label ?? this.labels[name] ?? name;
  }

  /** The field of a place of a record, as errors and explanations name it. */
  at(path, value) {
    const place = path.replace(/^\//, "").replace(/\/\d+$/, "");
    return /^thrombus\/(present|absent)$/.test(place) ? this.byKey.get(value) : this.byPath.get(place);
  }

  /** A fact as answers write it, its name before its state or number, as its field and words. */
  fact(text) {
    const cut = text.lastIndexOf(" ");
    const field = this.byKey.get(text.slice(0, cut));
    return { field, words: field ? this.words(field, text.slice(cut + 1)) : text };
  }

  /** A fact by its place in the record, as its field and words. */
  placed({ path, value }) {
    const field = this.at(path, value);
    const state = path.startsWith("/thrombus/") && field?.kind === "vein" ? path.split("/")[2] : value;
    return { field, words: field ? this.words(field, state) : `${path} ${value}` };
  }

  words(field, value) {
    if (field.kind === "state" || field.kind === "vein") return `${field.label} ${value}`;
    if (field.kind === "choice") return `${field.label}: ${field.choices.find((c) => c.value === value)?.label ?? value}`;
    if (field.kind === "number") return `${field.label}: ${value}${unitOf(field)}`;
    return `${field.label}: ${value}`;
  }
}

const UNITS = { a: "years", d: "days" };

/** A unit as one reads it, and nothing where the label names it already. */
export function unitOf(field) {
  const unit = UNITS[field.unit] ?? field.unit.replace(/10\^(\d+)/, (_, power) => `× 10${raised(power)}`);
  return unit && !field.label.split(/\b/).join("").includes(unit) ? ` ${unit}` : "";
}

const raised = (digits) => [...digits].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]).join("");
