"""Explanations and comparisons as a person reads them in a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import IO, Any

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from dvt_kg.reports import STATE, STATUS_STYLE, bullet, count, heading, indent, print_items

Answer = dict[str, Any]

_MARK = {
    "met": ("✓", "green"),
    "open": ("?", "yellow"),
    "ruled-out": ("✗", "red"),
    "contradictory": ("!", "red"),
}
SHOWN_SETS, SHOWN_NAMES = 3, 8


def said(fact: Answer) -> str:
    """A fact in words, by its key in the record.

    >>> said({"path": "/findings/tense-edema", "value": "absent"})
    'tense-edema absent'
    >>> said({"path": "/thrombus/present", "value": "external-iliac-vein"})
    'external-iliac-vein present'
    """
    *parents, key = fact["path"].strip("/").split("/")
    if parents == ["thrombus"] and key in ("present", "absent"):
        return f"{fact['value']} {key}"
    return f"{key.replace('_', '-')} {fact['value']}"


def print_explanations(answer: Answer, out: IO[str], *, focused: bool = False) -> None:
    """Every record's explanation for a reader: in colour on a terminal, else in 110 columns.

    :param focused: whether to show the chosen presentations alone, with the axioms that carry them
    """
    print_items(_explanations(answer, focused), answer, out)


def print_comparisons(answer: Answer, out: IO[str]) -> None:
    """Every comparison for a reader: in colour on a terminal, else in 110 columns."""
    print_items(_comparisons(answer), answer, out)


def _explanations(answer: Answer, focused: bool) -> Iterator[RenderableType]:
    by_patient: dict[str, list[Answer]] = {}
    for entry in answer["explanations"]:
        by_patient.setdefault(entry["patient"], []).append(entry)
    for record in answer["records"]:
        yield Group(*_record(record, by_patient.get(record["patient"], []), focused))
        yield ""
    if not answer["records"]:
        yield "No record was explained."


def _record(record: Answer, entries: list[Answer], focused: bool) -> Iterator[RenderableType]:
    status = record["status"]
    yield Text.assemble((record["patient"], "bold"), ": ", (status, f"bold {STATUS_STYLE[status]}"))
    presentations = [entry for entry in entries if "presentation" in entry]
    for entry in entries:
        if "conclusion" in entry and entry["state"] != "contradictory":
            yield heading(f"{entry['state']}: {entry['label']}")
            yield from _justified(entry)
    if "contradiction" in record:
        yield heading("These facts cannot all be true, so nothing else is concluded")
        yield from _justified(record["contradiction"], leads=("together ", "and together "))
        yield from _concluded("Red flags that stand nevertheless", record["alerts"])
    elif presentations:
        for state, title in (("met", "Fits"), ("open", "Still open"), ("ruled-out", "Does not fit")):
            if chosen := [entry for entry in presentations if entry["state"] == state]:
                yield heading(title)
                for entry in chosen:
                    yield from _presentation(entry, axioms=focused)
    if presentations and not focused and "contradiction" not in record:
        yield from _concluded("Alerts", record["alerts"])
        yield from _concluded("Conflicts", record["conflicts"])
        yield from _contraindications(record["contraindications"])
        yield from _next(record["next"])
    if presentations:
        yield from _changes(presentations[0]["changes"])
        yield from _contradicting(record["contradicting"])


def _facts(justification: Answer) -> str:
    return ", ".join(map(said, justification["facts"])) or "nothing that is recorded"


def _justified(
    entry: Answer, *, axioms: bool = True, leads: tuple[str, str] = ("rests on ", "or on ")
) -> Iterator[RenderableType]:
    """The sets of facts, and what carries the first of them."""
    found = entry["justifications"]
    if not found:
        yield indent(Text("rests on nothing that is recorded", "dim"), 6)
    for number, justification in enumerate(found[:SHOWN_SETS]):
        yield indent(Text.assemble((leads[bool(number)], "dim"), _facts(justification)), 6)
        if axioms and not number:
            yield from _axioms(justification)
    if len(found) > SHOWN_SETS:
        more = count(len(found) - SHOWN_SETS, "more set")
        yield indent(Text(f"and on {more} of facts: --format json lists them", "dim"), 6)
    if not entry["complete"]:
        yield indent(Text("There are more sets than were kept: the list is not whole.", "bold yellow"), 6)


def _axioms(justification: Answer) -> Iterator[RenderableType]:
    """What carries a set of facts to its conclusion, and the sources on the way."""
    grid = Table.grid(padding=(0, 1))
    for axiom in justification["axioms"]:
        grid.add_row(Text("by", "dim"), Text(axiom, "dim"))
    yield indent(grid, 8)
    if justification["sources"]:
        yield indent(Text(f"sources: {', '.join(justification['sources'])}", "dim"), 8)


def _presentation(entry: Answer, *, axioms: bool) -> Iterator[RenderableType]:
    mark, style = _MARK[entry["state"]]
    yield Padding(Text.assemble((mark, style), " ", (entry["label"], "bold")), (0, 0, 0, 4))
    if entry["state"] in ("met", "open"):
        grid = Table.grid(padding=(0, 2))
        for criterion in entry["criteria"]:
            mark, style = STATE[criterion["state"]]
            first = criterion["justifications"][:1]
            grid.add_row(
                Text(mark, style), criterion["label"], Text(_facts(first[0]) if first else "not known", "dim")
            )
        yield indent(grid, 6)
        for number, names in enumerate(entry["missing"][:SHOWN_SETS]):
            yield indent(Text.assemble(("or " if number else "find out ", "dim"), ", ".join(names)), 6)
    elif entry["state"] == "ruled-out":
        for criterion in entry["criteria"]:
            if criterion["state"] == "not-met":
                yield indent(Text.assemble(("✗ ", "red"), f"{criterion['label']}: failed"), 6)
                yield from _justified(criterion, axioms=axioms)
            elif criterion["state"] == "unknown":
                yield indent(Text(f"? {criterion['label']}: open", "dim"), 6)
    ratings: dict[str, list[str]] = {}
    for option in entry["options"]:
        forbidden = option["contraindication"] == "absolute"
        ratings.setdefault(option["rating"], []).append(option["label"] + " (CONTRAINDICATED)" * forbidden)
    for rating, labels in ratings.items():
        yield indent(Text.assemble((f"{rating.replace('-', ' ')}: ", "dim"), "; ".join(labels)), 6)
    if entry["state"] == "met" and (axioms or len(entry["justifications"]) > 1):
        yield from _justified(entry, axioms=axioms)


def _concluded(title: str, conclusions: list[Answer]) -> Iterator[RenderableType]:
    if conclusions:
        yield heading(title)
    for conclusion in conclusions:
        name = Text(conclusion["label"], "bold")
        if "labels" in conclusion:
            name.append(f": {' and '.join(conclusion['labels'])}", "dim")
        yield bullet(name)
        yield from _justified(conclusion, axioms=False)


def _contraindications(found: list[Answer]) -> Iterator[RenderableType]:
    if found:
        yield heading("Contraindications to the options")
    for item in found:
        yield bullet(Text.assemble((item["label"], "bold"), f": {item['state']}"))
        if item["justifications"]:
            yield from _justified(item, axioms=False)
        if item["unassessed"]:
            names = ", ".join(map(unassessed, item["unassessed"]))
            yield indent(Text.assemble(("not assessed ", "dim"), names), 6)


def unassessed(item: Answer) -> str:
    """A condition that is not assessed, with what would assess it where that goes by other names.

    >>> unassessed({"condition": "a", "missing": [["a"], ["b", "c"]]})
    'a (or b and c)'
    """
    others = [" and ".join(names) for names in item["missing"] if names != [item["condition"]]]
    return f"{item['condition']} (or {', or '.join(others)})" if others else str(item["condition"])


def _next(names: list[Answer]) -> Iterator[RenderableType]:
    if not names:
        return
    yield heading("Best to find out next")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("what")
    for column in ("presentations", "criteria", "contraindications"):
        table.add_column(column, justify="right")
    for name in names[:SHOWN_NAMES]:
        table.add_row(name["name"], *map(_share, name["settles"].values()))
    yield indent(table, 3)
    note = "Open questions that an answer would settle: at least, and on average over what it may be."
    rest = len(names) - SHOWN_NAMES
    yield indent(Text(note + (f" {rest} more names settle something." if rest > 0 else ""), "dim"))


def _share(share: Answer) -> str:
    return f"{share['least']} / {share['average']:g}" if share["average"] else ""


def grouped(changes: list[Answer]) -> list[tuple[list[str], Answer]]:
    """The changes with one effect together: the facts in words, and one of the changes."""
    groups: dict[str, list[Answer]] = {}
    for change in changes:
        effect = {key: value for key, value in change.items() if key not in ("set", "was")}
        groups.setdefault(json.dumps(effect), []).append(change)
    return [([said(change["set"]) for change in group], group[0]) for group in groups.values()]


def _changes(changes: list[Answer]) -> Iterator[RenderableType]:
    """What would change the answer."""
    if changes:
        yield heading("What would change it")
        if any(isinstance(change["set"]["value"], int | float) for change in changes):
            yield indent(Text("A number stands for every number on its side of the threshold.", "dim"))
    for facts, change in grouped(changes):
        more = f" (and {count(len(facts) - SHOWN_NAMES, 'more fact')})" if len(facts) > SHOWN_NAMES else ""
        yield bullet(Text.assemble(("if ", "dim"), (" or ".join(facts[:SHOWN_NAMES]), "bold"), more))
        yield from (indent(line, 8) for line in effects(change))


def effects(change: Answer) -> list[Text]:
    """How the answer differs, as a difference of outcomes says it, line by line."""
    lines: list[Text] = []
    if "status" in change:
        lines.append(Text(f"{change['status']['before']} → {change['status']['after']}"))
    for presentation, states in change.get("presentations", {}).items():
        lines.append(Text(f"{presentation}: {states['before']} → {states['after']}"))
    for sign, key, style in (("+", "appears", "green"), ("-", "disappears", "red")):
        for option in change[key]:
            text = f"{sign} {option['intervention']}, {option['rating']}, for {option['presentation']}"
            lines.append(Text(text + (_warning(option) if key == "appears" else ""), style))
    for item in change["changes"]:
        for aspect in ("ratings", "contraindication"):
            if aspect in item:
                old, new = (_listed(item[aspect][when]) for when in ("before", "after"))
                lines.append(Text(f"{item['intervention']}: {aspect} {old} → {new}"))
    for kind, name in (("alerts", "alerts"), ("next_steps", "next steps")):
        for verb, names in change.get(kind, {}).items():
            lines += [Text(f"{name} that {verb}: {', '.join(names)}")] if names else []
    return lines


def _warning(option: Answer) -> str:
    """What speaks against an option, so that none looks recommended that is not."""
    state = option["contraindication"]
    if state == "absolute":
        return "; CONTRAINDICATED"
    return f"; contraindication {state.replace('-', ' ')}" if state in ("relative", "not-assessed") else ""


def _listed(value: str | list[str]) -> str:
    return value if isinstance(value, str) else ", ".join(value)


def _contradicting(facts: list[Answer]) -> Iterator[RenderableType]:
    if facts:
        names = ", ".join(map(said, facts[:SHOWN_NAMES]))
        more = f" and {len(facts) - SHOWN_NAMES} more" if len(facts) > SHOWN_NAMES else ""
        yield indent(Text(f"Would contradict the rest of the record: {names}{more}.", "dim"), 2)


def _comparisons(answer: Answer) -> Iterator[RenderableType]:
    for comparison in answer["comparisons"]:
        yield Group(*_comparison(comparison))
        yield ""
    for key, when in (("only_before", "before"), ("only_after", "after")):
        if answer[key]:
            yield Text(f"Only {when}: {', '.join(answer[key])}", "yellow")


def _comparison(comparison: Answer) -> Iterator[RenderableType]:
    names = dict.fromkeys((comparison["before"], comparison["patient"]))
    yield Text(" → ".join(names), "bold")
    if not comparison["facts"]:
        yield indent("The facts are the same.")
    else:
        yield heading("Facts")
        for fact in comparison["facts"]:
            old, new = (" and ".join(map(said, fact[when])) for when in ("before", "after"))
            yield bullet(f"{old or 'not recorded'} → {new or 'not recorded'}")
    yield heading("Answer")
    same = Text("Presentations, options, alerts and next steps are the same.")
    yield from (bullet(line) for line in effects(comparison) or [same])
    for criterion, states in comparison["criteria"].items():
        yield bullet(f"criterion {criterion}: {states['before']} → {states['after']}")
    for when, contradiction in comparison.get("contradiction", {}).items():
        yield heading(f"These facts cannot all be true ({when})")
        yield from _justified(contradiction, leads=("together ", "and together "))
    if comparison["why"]:
        yield heading("Why")
    for reason in comparison["why"]:
        states = [reason[when]["state"] for when in ("before", "after")]
        what = (
            "contraindication to " if "contraindication" in reason else "alert " if "alert" in reason else ""
        )
        yield bullet(Text.assemble(what, (reason["label"], "bold"), f": {' → '.join(states)}"))
        sets = (" and ".join(names) for names in reason["because"])
        among = "because of " if reason["smallest"] else "because of some of "
        yield indent(Text.assemble((among, "dim"), ", or of ".join(sets)), 6)
        for key in ("failed", "open"):
            if reason["after"].get(key):
                yield indent(Text.assemble((f"{key} ", "dim"), ", ".join(reason["after"][key])), 6)
        if reason["after"]["justifications"]:
            yield from _justified(reason["after"], axioms=False)
