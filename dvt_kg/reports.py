"""Answers as a person reads them: text for a terminal, and a table of options as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import IO, Any

from rich import box
from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from dvt_kg.patients import PATIENT_IRI

Answer = dict[str, Any]

STATUS_STYLE = {
    "matched": "green",
    "indeterminate": "yellow",
    "out-of-scope": "cyan",
    "contradictory": "red",
}
STATE = {"met": ("✓", "green"), "not-met": ("✗", "red"), "unknown": ("?", "yellow")}
_CONTRAINDICATION = {
    "absolute": ("CONTRAINDICATED", "bold red"),
    "relative": ("relatively contraindicated", "yellow"),
    "excluded": ("absolute ones excluded", "green"),
    "not-assessed": ("not assessed", "yellow"),
    "none-on-file": ("none on file", "dim"),
}
_DIRECTION_STYLE = {"for": "green", "either": "yellow", "against": "red"}
_RANK_STYLE = ("green", "yellow", "yellow", "red")
OPTION_COLUMNS = (
    *("patient", "status", "presentation", "intervention", "rating", "contraindication", "unassessed"),
    *("guideline", "locator", "verification", "evidence", "rationale", "source", "reasoner"),
)
RECOMMENDATION_COLUMNS = ("state", "direction", "grade", "qualification", "superseded_by")


def write_csv(answer: Answer, out: IO[str]) -> None:
    """The options as CSV, one a row; a record without options is one row with its status.

    Where the answer holds recommendations of other guidelines, each is a row too, and columns of
    their own say their state, direction and grade.
    """
    further = any("recommendations" in result for result in answer["results"])
    columns = OPTION_COLUMNS + (RECOMMENDATION_COLUMNS if further else ())
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    for result in answer["results"]:
        recommended = [
            {**r, "presentation": r["population"], "rationale": r["text"]}
            for r in result.get("recommendations", ())
        ]
        for option in (result["options"] + recommended) or [{}]:
            row = {column: option.get(column, "") for column in columns}
            row |= {"patient": result["patient"], "status": result["status"], "reasoner": answer["reasoner"]}
            lists = (key for key in ("unassessed", "evidence", "superseded_by") if key in row)
            row |= {key: ";".join(option.get(key, ())) for key in lists}
            writer.writerow(row)


def print_text(answer: Answer, out: IO[str]) -> None:
    """Every record's answer for a reader: in colour on a terminal, else in 110 columns."""
    items: list[RenderableType] = []
    for result in answer["results"]:
        items += [Group(*_result(result)), ""]
    print_items(items or ["No record was answered."], answer, out)


def print_items(items: Iterable[RenderableType], answer: Answer, out: IO[str]) -> None:
    """What is to be read, and below it the notice and what made the answer."""
    terminal = out.isatty()
    target = out if terminal else io.StringIO()
    console = Console(file=target, width=None if terminal else 110, highlight=False)
    for item in items:
        console.print(item)
    made = f"Ontology {answer['ontology_version']}, {answer['reasoner']}."
    console.print(Text(f"{answer['notice']}\n{made}", "dim"))
    if isinstance(target, io.StringIO):
        out.writelines(line.rstrip() + "\n" for line in target.getvalue().splitlines())


def _result(result: Answer) -> Iterator[RenderableType]:
    status = result["status"]
    title = Text.assemble((result["patient"], "bold"), ": ", (status, f"bold {STATUS_STYLE[status]}"))
    title.append(f"  {_headline(result)}")
    yield title
    if result.get("contradiction"):
        yield from _contradiction(result["contradiction"])
    yield from _alerts(result["alerts"])
    yield from _conflicts(result["conflicts"])
    if result["presentations"]:
        yield heading("Presentations that fit")
        for presentation in result["presentations"]:
            yield indent(Text(presentation["label"], "bold"))
            yield _criteria(presentation["criteria"])
        for caveat in result["caveats"]:
            yield bullet(Text(caveat["text"], "italic"))
    for guideline in result["guidelines_without_match"]:
        yield indent(Text(f"No presentation of {guideline} fits this record.", "italic"))
    if result["options"]:
        yield heading("Options, most appropriate first")
        yield _options(result["options"])
        yield from _option_notes(result["options"], result["distinctions"])
    yield from _recommendations(result.get("recommendations", []))
    yield from _disagreements(result.get("disagreements", []))
    yield from _open(result["undetermined"])
    yield from _ruled_out(result["ruled_out"])
    if result["next_steps"]:
        yield heading("Next steps")
        yield from (bullet(step["text"]) for step in result["next_steps"])
    yield from _sources(result)


def _headline(result: Answer) -> str:
    met, open_ = len(result["presentations"]), len(result["undetermined"])
    sentence = {
        "matched": f"{count(met, 'presentation')} met, {open_} open",
        "indeterminate": f"no presentation is met yet, {open_} open",
        "out-of-scope": "every presentation is ruled out",
        "contradictory": "the record contradicts itself; nothing is rated until it is corrected",
    }
    return sentence[result["status"]]


def count(number: int, noun: str) -> str:
    """A number with its noun."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def heading(text: str) -> RenderableType:
    """A heading within a record."""
    return Padding(Text(text, "bold underline"), (1, 0, 0, 2), expand=False)


def indent(item: RenderableType, by: int = 4) -> RenderableType:
    """Something set in by some columns."""
    return Padding(item, (0, 0, 0, by), expand=False)


def bullet(text: str | Text) -> RenderableType:
    """An item of a list."""
    grid = Table.grid(padding=(0, 1))
    grid.add_row("•", text)
    return indent(grid)


def _contradiction(clashes: Iterable[list[Answer]]) -> Iterator[RenderableType]:
    yield heading("These facts cannot all be true")
    for clash in clashes:
        yield bullet("  and  ".join(f"{fact['path']} = {fact['value']}" for fact in clash))


def _alerts(alerts: Iterable[Answer]) -> Iterator[RenderableType]:
    for alert in alerts:
        red = alert["kind"] == "red-flag"
        style = "bold red" if red else "yellow"
        title = f"{'RED FLAG' if red else 'Pitfall'}: {alert['label']}"
        yield Padding(
            Panel(
                alert["text"],
                title=Text(title, style),
                title_align="left",
                border_style=style,
                box=box.ASCII2,
            ),
            (1, 0, 0, 2),
            expand=False,
        )


def _conflicts(conflicts: list[Answer]) -> Iterator[RenderableType]:
    if conflicts:
        yield heading("Conflicts: reported, not resolved")
    partial = [conflict for conflict in conflicts if conflict.get("kind") == "partial"]
    for conflict in (conflict for conflict in conflicts if conflict.get("kind") != "partial"):
        text = Text.assemble((conflict["label"], "bold"))
        for rating, presentation, guideline in zip(
            conflict["ratings"], conflict["presentations"], conflict["guidelines"], strict=True
        ):
            text.append(f"\n{rating}, for {presentation}").append(f" [{guideline}]", "dim")
        yield bullet(text)
    if partial:
        about = ", ".join(dict.fromkeys(conflict["label"] for conflict in partial))
        yield bullet(
            Text(
                f"{count(len(partial), 'pair')} of statements of which one leaves the choice to the single"
                f" case, on {about}: --format json lists them.",
                "dim",
            )
        )


def _recommendations(recommendations: list[Answer]) -> Iterator[RenderableType]:
    """What other guidelines say: what applies as a table, what is open by the fact that it waits for."""
    by_state: dict[str, list[Answer]] = {"applies": [], "superseded": [], "open": []}
    for recommendation in recommendations:
        by_state[recommendation["state"]].append(recommendation)
    if by_state["applies"]:
        yield heading("What other guidelines and the article say of such patients")
        yield indent(_advice(by_state["applies"]), 3)
    for r in by_state["superseded"]:
        if all(criterion["state"] == "met" for criterion in r["criteria"]):
            newer = "; ".join(r["superseded_by"])
            yield bullet(Text(f"Superseded: {r['text']} [{r['guideline']}] Now: {newer}", "dim"))
    yield from _waiting(by_state["open"])


def _advice(recommendations: Iterable[Answer]) -> RenderableType:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=True)
    for column, ratio in (("", 1), ("What it says", 8), ("Strength and source", 4)):
        table.add_column(column, ratio=ratio)
    for r in recommendations:
        text = Text(r["text"])
        if "qualification" in r:
            text.append(f" {r['qualification']}", "italic")
        if r["direction"] != "against" and r["contraindication"] in ("absolute", "relative", "not-assessed"):
            mark, style = _CONTRAINDICATION[r["contraindication"]]
            what = "contraindications " if r["contraindication"] == "not-assessed" else ""
            text.append(f" [{what}{mark}]", style)
        grade = f"{r['grade']} ({r['scale']})" if r["grade"].isdigit() else r["grade"]
        strength = f"{grade}; {r['guideline']}, {r['locator']} ({r['verification']})"
        table.add_row(Text(r["direction"], _DIRECTION_STYLE[r["direction"]]), text, strength)
    return table


def _waiting(recommendations: Iterable[Answer]) -> Iterator[RenderableType]:
    """The advice that one more fact would settle; the rest is only counted."""
    waiting: dict[str, list[str]] = {}
    rest = 0
    for r in recommendations:
        unknown = [c["label"] for c in r["criteria"] if c["state"] == "unknown"]
        if len(unknown) == 1:
            said = f"{r['direction']} {r['label']} ({r['guideline']})"
            waiting.setdefault(unknown[0], []).append(said)
        else:
            rest += 1
    if waiting:
        yield indent(Text("Open until it is known:", "italic"))
        for name, advice in sorted(waiting.items()):
            yield bullet(Text.assemble((name, "bold"), f": {'; '.join(advice)}"))
    if rest:
        yield indent(Text(f"Open until more than one thing is known: {count(rest, 'statement')}.", "italic"))


def _disagreements(disagreements: list[Answer]) -> Iterator[RenderableType]:
    if disagreements:
        yield heading("Matters on which the sources disagree")
    for disagreement in disagreements:
        statements = ", ".join(s["statement"] for s in disagreement["statements"])
        text = Text.assemble((disagreement["label"], "bold"), f": {disagreement['text']}")
        yield bullet(text.append(f" [{statements}]", "dim"))


def _criteria(criteria: Iterable[Answer]) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    for criterion in criteria:
        mark, style = STATE[criterion["state"]]
        because = ", ".join(criterion["because"]) or "not recorded"
        grid.add_row(Text(mark, style), criterion["label"], Text(because, "dim"))
    return indent(grid, 6)


def _options(options: Iterable[Answer]) -> RenderableType:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("Rating", "Intervention", "Contraindication", "For"):
        table.add_column(column)
    for option in options:
        mark, style = _CONTRAINDICATION[option["contraindication"]]
        crossed = "strike" if option["contraindication"] == "absolute" else ""
        table.add_row(
            Text(option["rating"].replace("-", " "), _RANK_STYLE[min(option["rank"], len(_RANK_STYLE)) - 1]),
            Text(option["label"], crossed),
            Text(mark, style),
            f"{option['guideline']}, {option['locator']}",
        )
    return indent(table, 3)


def _option_notes(options: list[Answer], distinctions: list[Answer]) -> Iterator[RenderableType]:
    """What stands behind the table: the reasons, what forbids, what was not assessed."""
    seen = set()
    for option in options:
        if option["intervention"] not in seen:
            seen.add(option["intervention"])
            present = [
                f"{c['condition']} ({c['strength']}{', ungraded list' if c['grading'] == 'ungraded' else ''})"
                for c in option.get("contraindications", ())
            ]
            if present:
                text = Text.assemble((option["label"], "bold"), " is contraindicated by ")
                yield bullet(text.append("; ".join(dict.fromkeys(present))))
            if option.get("unassessed"):
                text = Text.assemble((option["label"], "bold"), ": absolute contraindications not assessed: ")
                yield bullet(text.append(", ".join(option["unassessed"])))
    yield from (bullet(Text.assemble((d["label"], "bold"), f": {d['text']}")) for d in distinctions)
    yield heading("Why they are rated so")
    for option in options:
        text = Text.assemble(
            (option["label"], "bold"), f", {option['rating'].replace('-', ' ')} ({option['locator']}): "
        )
        text.append(option["rationale"])
        if option["evidence"]:
            text.append(f" Evidence: {', '.join(option['evidence'])}.", "dim")
        yield bullet(text)


def _open(undetermined: list[Answer]) -> Iterator[RenderableType]:
    if undetermined:
        yield heading("Still open, and what would settle it")
    for item in undetermined:
        yield bullet(Text.assemble((item["label"], "bold"), f"\nrecord: {', '.join(item['missing'])}"))
        yield _criteria(item["criteria"])


def _ruled_out(ruled_out: list[Answer]) -> Iterator[RenderableType]:
    if ruled_out:
        yield heading("Ruled out")
        grid = Table.grid(padding=(0, 2))
        for item in ruled_out:
            because = ", ".join(item["because"])
            grid.add_row(Text("✗", "red"), item["label"], Text(f"{item['criterion']}: {because}", "dim"))
        yield indent(grid)


def _sources(result: Answer) -> Iterator[RenderableType]:
    sources = [option["source"] for option in result["options"]]
    sources += [c["source"] for option in result["options"] for c in option.get("contraindications", ())]
    sources += [r["source"] for r in result.get("recommendations", ()) if r["state"] == "applies"]
    sources += [s for item in (*result["alerts"], *result["next_steps"]) for s in item["sources"]]
    if sources:
        yield heading("Sources")
        yield from (bullet(Text(source, "dim")) for source in dict.fromkeys(sources))


def print_rows(
    rows: Sequence[Mapping[str, str | None]], columns: Sequence[str], out: IO[str], *, stack: bool = True
) -> None:
    """Rows as a table; where it does not fit the width, each row stacked, as psql does.

    :param stack: whether to stack; else long cells are wrapped
    """
    console = Console(file=out, width=None if out.isatty() else 200, highlight=False)
    shown = [{c: (row[c] or "").removeprefix(PATIENT_IRI) for c in columns} for row in rows]
    width = sum(max([len(c), *(len(row[c]) for row in shown)]) + 3 for c in columns) + 1
    if width <= console.width or not stack:
        table = Table(*columns, box=box.SIMPLE_HEAD)
        for row in shown:
            table.add_row(*(escape(row[c]) for c in columns))
        console.print(table)
    else:
        for number, row in enumerate(shown, 1):
            console.print(f"-- {number} --", style="dim")
            grid = Table.grid(padding=(0, 2))
            for column in columns:
                if row[column]:
                    grid.add_row(f"[bold]{column}[/bold]", escape(row[column]))
            console.print(grid)
    console.print(f"{len(rows)} rows" if len(rows) != 1 else "1 row", style="dim")
