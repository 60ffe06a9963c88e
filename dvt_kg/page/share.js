// A record in the fragment of a link: browsers keep that part to themselves.

const KEY = "record=";

/** The link that holds a record. */
export function linkOf(record) {
  const bytes = new TextEncoder().encode(JSON.stringify(record));
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  const coded = btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  return `${location.href.split("#")[0]}#${KEY}${coded}`;
}

/**
 * The record that a fragment holds, or null where it holds none.
 * @throws {Error} where it is cut or no record
 */
export function recordIn(fragment) {
  const text = fragment.replace(/^#/, "");
  if (!text.startsWith(KEY)) return null;
  const binary = atob(text.slice(KEY.length).replaceAll("-", "+").replaceAll("_", "/"));
  const record = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(binary, (c) => c.charCodeAt(0))));
  if (typeof record !== "object" || record === null || Array.isArray(record)) throw new Error("no record");
  return record;
}
