// The server, asked: every address is relative to the page, every error is one kind of error.

import { byId } from "./dom.js";

const base = new URL(".", document.baseURI);
let token = "";

/** What the server would not do, in its own words. */
export class Refusal extends Error {
  constructor({ message, kind = "", field = null, remedy = "" }, status) {
    super(remedy && !message.includes(remedy) ? `${message} ${remedy}` : message);
    Object.assign(this, { kind, field, status });
  }
}

/**
 * The server's answer, whole.
 * @throws {Refusal} where it refuses or cannot be reached
 */
export async function ask(path, { body, type, accept = "application/json", signal } = {}) {
  const headers = { Accept: accept };
  if (type) headers["Content-Type"] = type;
  if (token) headers.Authorization = `Bearer ${token}`;
  let response;
  try {
    response = await fetch(new URL(path, base), {
      method: body === undefined ? "GET" : "POST", body, headers, signal, credentials: "omit",
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal({ message: "The server cannot be reached; see whether it is still running." }, 0);
  }
  if (response.status === 401) {
    await askToken();
    return ask(path, { body, type, accept, signal });
  }
  if (!response.ok) throw new Refusal(await said(response), response.status);
  return response;
}

/** What JSON the server gives. */
export async function askJson(path, options) {
  return (await ask(path, options)).json();
}

/** What the server says of some records. */
export function askAbout(path, record, options = {}) {
  return ask(path, { ...options, body: JSON.stringify({ patients: [record] }), type: "application/json" });
}

async function said(response) {
  try {
    const { error } = await response.json();
    if (error?.message) return error;
  } catch { /* no JSON: the status has to do */ }
  return { message: `The server answered ${response.status} ${response.statusText}.`.replace(" .", ".") };
}

let asking = null;

function askToken() {
  asking ??= new Promise((resolve) => {
    const dialog = byId("token");
    const text = byId("token-text");
    dialog.onclose = () => {
      token = text.value.trim();
      text.value = "";
      asking = null;
      resolve();
    };
    dialog.showModal();
  });
  return asking;
}
