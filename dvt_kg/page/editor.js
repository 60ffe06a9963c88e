// The editor of queries. It stands in a shadow root, where its styles need no inline style element.

import {
  EditorState, EditorView, HighlightStyle, StreamLanguage, bracketMatching, defaultKeymap, drawSelection,
  history, historyKeymap, indentWithTab, keymap, lineNumbers, sparql, syntaxHighlighting, tags,
} from "./vendor/codemirror.js";

// Colours come from the page, so that they follow light and dark.
const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword], color: "var(--code-keyword)", fontWeight: "600" },
  { tag: [tags.string, tags.literal], color: "var(--code-string)" },
  { tag: [tags.variableName, tags.special(tags.variableName), tags.local(tags.variableName)], color: "var(--code-variable)" },
  { tag: [tags.atom, tags.number, tags.bool], color: "var(--code-atom)" },
  { tag: tags.comment, color: "var(--code-comment)" },
]);
const look = EditorView.theme({
  "&": { color: "var(--ink)", backgroundColor: "var(--field)", fontSize: "0.875rem", maxHeight: "28rem" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.5", overflow: "auto" },
  ".cm-content": { caretColor: "var(--ink)", minHeight: "11rem" },
  ".cm-gutters": { backgroundColor: "var(--field)", color: "var(--muted)", borderRight: "1px solid var(--line)" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  ".cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground": { backgroundColor: "var(--selection)" },
  ".cm-matchingBracket": { outline: "1px solid var(--muted)" },
  "&.cm-focused": { outline: "3px solid var(--focus)", outlineOffset: "1px" },
});

// Chromium types over a selection with a span of inline style, which the page's policy forbids and logs.
const typedOver = EditorView.domEventHandlers({
  beforeinput(event, view) {
    if (event.inputType !== "insertText" || !event.data || event.isComposing || view.state.selection.main.empty) return false;
    event.preventDefault();
    view.dispatch(view.state.replaceSelection(event.data), { userEvent: "input.type" });
    return true;
  },
});

/**
 * Put an editor into a place.
 * @param {HTMLElement} place
 * @param {object} options its label, what describes it, and what Ctrl+Enter does
 * @returns {{text: string, focus: Function}}
 */
export function editor(place, { label, hint, run }) {
  const root = place.attachShadow({ mode: "open" });
  const inside = document.createElement("div");
  root.append(inside);
  const view = new EditorView({
    root,
    parent: inside,
    state: EditorState.create({
      extensions: [
        keymap.of([{ key: "Mod-Enter", run: () => (run(), true) }]),
        typedOver, lineNumbers(), history(), drawSelection(), bracketMatching(), EditorView.lineWrapping,
        StreamLanguage.define(sparql), syntaxHighlighting(colours), look,
        keymap.of([...defaultKeymap, ...historyKeymap, indentWithTab]),
        EditorView.contentAttributes.of({ tabindex: "0", "aria-label": `${label}. ${hint}`, spellcheck: "false" }),
      ],
    }),
  });
  return {
    get text() {
      return view.state.doc.toString();
    },
    set text(text) {
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
      view.scrollDOM.scrollTop = 0;
    },
    focus: () => view.focus(),
  };
}
