// Elements built from data: text is always text, never markup.

/**
 * An element.
 * @param {string} tag
 * @param {object} attributes `data` and `on` hold data attributes and listeners; null leaves one out
 * @param {...(Node|string|null|Array)} children
 */
export function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** An element of a picture. */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill(node, { data = {}, on = {}, ...attributes }, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) node.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value);
  }
  for (const [name, value] of Object.entries(data)) if (value !== null && value !== undefined) node.dataset[name] = value;
  for (const [name, listener] of Object.entries(on)) node.addEventListener(name, listener);
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export const byId = (id) => document.getElementById(id);

/** Some things with something between them. */
export function between(items, separator) {
  return items.flatMap((item, index) => (index ? [separator, item] : [item]));
}

/** A number with its noun. */
export const count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

/** Offer a text or blob to be saved under a name. */
export function save(name, content, type) {
  const address = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  el("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** A function that waits until it was not called for a while. */
export function debounced(call, wait) {
  let timer;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => call(...given), wait);
  };
}
