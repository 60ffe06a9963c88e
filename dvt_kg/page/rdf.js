// RDF as the page reads it: N-Triples, and the short names of IRIs.

const NAMESPACE = "https://w3id.org/dvt-kg#";
const PREFIXES = {
  dvt: NAMESPACE,
  owl: "http://www.w3.org/2002/07/owl#",
  rdf: "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
  rdfs: "http://www.w3.org/2000/01/rdf-schema#",
  skos: "http://www.w3.org/2004/02/skos/core#",
  dcterms: "http://purl.org/dc/terms/",
  xsd: "http://www.w3.org/2001/XMLSchema#",
  prov: "http://www.w3.org/ns/prov#",
  patient: "urn:dvt-kg:patient:",
};

/** The name in the ontology's own namespace, or null. */
export const localName = (iri) => (iri.startsWith(NAMESPACE) ? iri.slice(NAMESPACE.length) : null);

/** An IRI by its prefix where it has a known one. */
export function short(iri) {
  for (const [prefix, start] of Object.entries(PREFIXES)) if (iri.startsWith(start) && iri !== start) return `${prefix}:${iri.slice(start.length)}`;
  return iri;
}

/** A term of a result as short text. */
export function termText(term) {
  if (!term) return "";
  if (term.type === "uri") return short(term.value);
  return term.type === "bnode" ? `_:${term.value}` : term.value;
}

const IRI = String.raw`<([^>]*)>`;
const BLANK = String.raw`_:(\S+)`;
const LITERAL = String.raw`"((?:[^"\\]|\\.)*)"(?:@([A-Za-z0-9-]+)|\^\^<([^>]*)>)?`;
const TRIPLE = new RegExp(String.raw`^\s*(?:${IRI}|${BLANK})\s+${IRI}\s+(?:${IRI}|${BLANK}|${LITERAL})\s*\.\s*$`);
const ESCAPES = { t: "\t", b: "\b", n: "\n", r: "\r", f: "\f" };

const unescaped = (text) => text.replace(/\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))/g,
  (_, four, eight, one) => (four || eight ? String.fromCodePoint(Number.parseInt(four ?? eight, 16)) : ESCAPES[one] ?? one));

/** The triples of N-Triples, as rows of the columns subject, predicate and object. */
export function triplesOf(text) {
  return text.split("\n").flatMap((line) => {
    const found = TRIPLE.exec(line);
    if (!found) return [];
    const [, subject, blank, predicate, object, blankObject, literal, lang, datatype] = found;
    return [{
      subject: named(subject, blank),
      predicate: named(predicate),
      object: literal === undefined ? named(object, blankObject) : { type: "literal", value: unescaped(literal), "xml:lang": lang, datatype },
    }];
  });
}

const named = (iri, blank) => (iri === undefined ? { type: "bnode", value: blank } : { type: "uri", value: unescaped(iri) });
