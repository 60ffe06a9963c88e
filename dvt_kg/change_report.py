"""What changed between two versions of the ontology, as a person reads it: text and Markdown."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from dvt_kg.answers import NOTICE
from dvt_kg.differences import ADDED, CHANGED, CONTRADICTION, REMOVED, Changes, PropertyChange, TermChange
from dvt_kg.explanation_report import effects
from dvt_kg.reports import count

ONE_LINE = 88  # characters of an old and a new value that still stand in one line
DEPRECATED = "owl:deprecated"  # told by the kind of change
_ABOUT_WHOLE = "about terms that were added or removed (--format json lists them)"
_SHOWN_FIRST = {"rdfs:label": 0, "skos:definition": 1}


class Entry(NamedTuple):
    """One change: what kind, of what, and how."""

    lead: str
    subject: str
    details: tuple[str, ...] = ()


@dataclass(frozen=True)
class Section:
    """Changes under one heading, with a remark on what is left out."""

    title: str
    entries: tuple[Entry, ...]
    remark: str = ""


def text(found: Changes, patients: dict[str, Any] | None = None, *, width: int = 110) -> str:
    """The changes as text.

    :param patients: what :func:`dvt_kg.changed_answers.changed_answers` gives
    """
    lines = _opening(found)
    for section in _sections(found, patients):
        lines += ["", section.title]
        indent = " " * (2 + max((len(entry.lead) for entry in section.entries), default=0) + 2)
        for lead, subject, details in section.entries:
            start = f"  {lead}".ljust(len(indent))
            lines += _wrapped(subject, width, start, indent)
            for detail in details:
                inside = indent + "  "
                lines += _wrapped(detail, width, inside, inside + "  ")
        lines += _wrapped(section.remark, width, "  ", "  ") if section.remark else []
    return "\n".join(lines) + "\n"


def _wrapped(words: str, width: int, first: str, further: str) -> list[str]:
    lines = textwrap.wrap(
        words, width, initial_indent=first, subsequent_indent=further, break_on_hyphens=False
    )
    return lines or [first.rstrip()]


def markdown(found: Changes, patients: dict[str, Any] | None = None) -> str:
    """The changes as Markdown, as for release notes."""
    lines = [_escaped(line) for line in _opening(found)]
    for section in _sections(found, patients):
        lines += ["", f"## {section.title}", *([""] if section.entries else [])]
        for lead, subject, details in section.entries:
            lines.append(f"- **{_escaped(lead)}** {_escaped(subject)}")
            lines += [f"  - {_escaped(detail)}" for detail in details]
        lines += ["", _escaped(section.remark)] if section.remark else []
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return re.sub(r"([\\`*_<>\[\]#|])", r"\\\1", text)


def _opening(found: Changes) -> list[str]:
    versions = (f"{v.version} (digest {v.digest[:8]})" for v in (found.old, found.new))
    lines = [f"Ontology {' → '.join(versions)}"]
    if found.same:
        return [*lines, "Nothing changed."]
    if found.same_content:
        return [*lines, "Nothing changed but what the ontology says of itself."]
    counts = (
        (len(found.clinical), "clinical change", "clinical changes"),
        (len(found.conclusions), "change of what follows", "changes of what follows"),
        (len(found.terms), "other change of a term", "other changes of terms"),
        (len(found.axioms), "other axiom", "other axioms"),
    )
    said = (f"{number} {one if number == 1 else many}" for number, one, many in counts if number)
    return [*lines, f"{'; '.join(said)}."]


def _sections(found: Changes, patients: dict[str, Any] | None) -> Iterator[Section]:
    parts = (
        Section("Version", tuple(_header(found.version))),
        Section("Clinically", tuple(_clinical(found.clinical))),
        _conclusions(found),
        Section("Terms", tuple(_terms(found.terms))),
        _axioms(found),
        *([] if patients is None else [_patients(patients)]),
    )
    return (part for part in parts if part.entries or part.remark)


def _header(version: Iterable[PropertyChange]) -> Iterator[Entry]:
    for change in version:
        lines = _values(change)
        yield Entry(change.label, lines[0] if len(lines) == 1 else "", lines if len(lines) > 1 else ())


def _clinical(terms: Iterable[TermChange]) -> Iterator[Entry]:
    for term in terms:
        details: list[str] = []
        for change in term.properties:
            if term.change in (ADDED, REMOVED):
                details.append(f"{change.label}: {'; '.join(change.before + change.after)}")
            elif change.name != DEPRECATED or term.change == CHANGED:
                details += _values(change, f"{change.label}: ")
        yield Entry(f"{term.kind} {term.change}", term.label, tuple(details))


def _values(change: PropertyChange, lead: str = "") -> tuple[str, ...]:
    """How the values of a property differ, in one line where they are short."""
    if len(change.before) == len(change.after) == 1:
        old, new = change.before[0], change.after[0]
        if len(old) + len(new) <= ONE_LINE:
            return (f"{lead}{old} → {new}",)
        return (f"{lead}was: {old}", f"{lead}now: {new}")
    both = (("no longer: ", change.before), ("now also: " if change.before else "now: ", change.after))
    return tuple(f"{lead}{word}{'; '.join(values)}" for word, values in both if values)


def _conclusions(found: Changes) -> Section:
    """What follows otherwise; what concludes something about terms that are new or gone is counted."""
    entries, whole = [], _whole(found)
    for conclusion in found.conclusions:
        concluded = {conclusion.concludes} if conclusion.concludes else conclusion.about
        if whole.isdisjoint(concluded):
            premises = " and ".join(conclusion.premises)
            contradicts = conclusion.conclusion == CONTRADICTION
            says = f": cannot be true{' together' if len(conclusion.premises) > 1 else ''}"
            says = premises + (says if contradicts else f" → {conclusion.conclusion}")
            entries.append(Entry("no longer" if conclusion.change == REMOVED else "now", says))
    rest = len(found.conclusions) - len(entries)
    remark = f"Besides, {count(rest, 'rule')} {_ABOUT_WHOLE}." if rest else ""
    if found.not_compiled:
        remark = f"Not compared: {found.not_compiled}"
    return Section("What follows for a patient", tuple(entries), remark)


def _whole(found: Changes) -> set[str]:
    """The terms that were added or removed."""
    return {t.name for t in (*found.clinical, *found.terms) if t.change in (ADDED, REMOVED)}


def _terms(terms: Iterable[TermChange]) -> Iterator[Entry]:
    whole, parts = [], []
    for term in terms:
        if term.change != CHANGED:
            whole.append(Entry(term.change, f"{term.label} ({term.name}), {term.kind}"))
        for change in term.properties:
            if change.name != DEPRECATED or term.change == CHANGED:
                subject = term.name if change.name == "rdfs:label" else term.label
                order = _SHOWN_FIRST.get(change.name, 2), change.label, subject
                parts.append((order, Entry(change.label, subject, _values(change))))
    yield from whole
    yield from (entry for _, entry in sorted(parts))


def _axioms(found: Changes) -> Section:
    """The axioms, but for those about terms that are new or gone, which are counted."""
    whole = _whole(found)
    shown = tuple(Entry(a.change, a.axiom) for a in found.axioms if a.about not in whole)
    rest = len(found.axioms) - len(shown)
    return Section("Axioms", shown, f"Besides, {count(rest, 'axiom')} {_ABOUT_WHOLE}." if rest else "")


def _patients(patients: dict[str, Any]) -> Section:
    entries = [
        Entry(record["patient"], "answered otherwise", tuple(line.plain for line in effects(record)))
        for record in patients["differ"]
    ]
    entries += [
        Entry(record["patient"], f"refused by the {record['by']} version: {record['message']}")
        for record in patients["refused"]
    ]
    same = patients["compared"] - len(patients["differ"])
    return Section("Records", tuple(entries), f"{count(same, 'record')} answered the same. {NOTICE}")
