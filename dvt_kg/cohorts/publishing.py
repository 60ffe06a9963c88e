"""Publishing: the batches of a run put together into output, rejects, summary and provenance."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import version as package_version
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyoxigraph as ox

from dvt_kg.classification import PROV, provenance
from dvt_kg.cohorts import outputs
from dvt_kg.cohorts.answering import SCHEMA
from dvt_kg.cohorts.batches import Part
from dvt_kg.cohorts.job import Job, writing
from dvt_kg.cohorts.summaries import Counts, as_page, in_words
from dvt_kg.graph import INFERRED
from dvt_kg.ontology import DCTERMS, IRI, RDF, RDFS, XSD, Ontology
from dvt_kg.reasoner import RuleReasoner
from dvt_kg.records import SEEN
from dvt_kg.tables import ID

MEMORY = "512MB"  # that the search for ids given twice may take before it goes to disk
_TERMS = {name: ox.NamedNode(DCTERMS + name) for name in ("identifier", "title")}
_PLACED = [("id", pa.string()), ("place", pa.int64()), ("line", pa.int64())]
_ASKED = {"answers": pa.schema([*_PLACED, ("profile", pa.string())]), "rejects": pa.schema(_PLACED)}
_HELD = ("place", "line")  # what a batch keeps beside the answers


class _Twice:
    """The rows whose id was given before.

    :param job: the run
    :param marks: what is known of each batch
    """

    def __init__(self, job: Job, marks: dict[int, dict[str, Any]]) -> None:
        self.marks = marks
        self._connection = duckdb.connect(config={"memory_limit": MEMORY})
        self._connection.execute(
            f"SET temp_directory = '{str(job.folder / 'spilled').replace(chr(39), chr(39) * 2)}'"
        )
        for name, schema in _ASKED.items():
            files = [str(path) for path in job.paths(name)]
            self._connection.register(name, ds.dataset(files, schema, format="ipc"))
        self._connection.execute(
            "CREATE TEMP TABLE stated AS"
            " WITH ids AS (SELECT id, place, line FROM answers UNION ALL"
            " SELECT id, place, line FROM rejects WHERE id IS NOT NULL),"
            " several AS (SELECT id, min(place) AS first FROM ids GROUP BY id HAVING count(*) > 1)"
            " SELECT ids.place, ids.line, several.first FROM ids JOIN several USING (id)"
        )
        (count,) = self._connection.execute("SELECT count(*) FROM stated").fetchall()[0]
        self.any = bool(count)

    def of(self, number: int) -> dict[int, str]:
        """The places of a batch whose id was seen before, each with where."""
        if not self.any:
            return {}
        low, high = number * outputs.PLACES, (number + 1) * outputs.PLACES
        found = self._connection.execute(
            "SELECT later.place, later.first, one.line FROM stated AS later JOIN stated AS one"
            " ON one.place = later.first"
            " WHERE later.place <> later.first AND later.place >= ? AND later.place < ?",
            [low, high],
        ).fetchall()
        return {
            place: f"{self.marks[first // outputs.PLACES]['file']}, line {line}"
            for place, first, line in found
        }

    def profiles(self) -> int:
        """How many different profiles the answered rows have."""
        kept = " WHERE place NOT IN (SELECT place FROM stated WHERE place <> first)" if self.any else ""
        found = self._connection.execute(f"SELECT count(DISTINCT profile) FROM answers{kept}").fetchall()
        return int(found[0][0])

    def close(self) -> None:
        """Give the memory back."""
        self._connection.close()


def put_together(
    job: Job,
    chosen: outputs.Format,
    ontology: Ontology,
    parts: Sequence[Part],
    audited: int,
    *,
    page: bool,
    progress: Callable[[str, float, int], None],
) -> list[str]:
    """Write all files of a run into its folder.

    :param chosen: how the answers are written
    :param audited: how many profiles HermiT judged
    :returns: the files' names
    :raises CohortError: where they cannot be written
    """
    folder, output = job.folder, job.output
    marks = dict(job.marks())
    counts = Counts()
    made = datetime.now(UTC)
    with writing(folder):
        twice = _Twice(job, marks)

        def answers() -> Iterator[pa.Table]:
            for number, mark in marks.items():
                table = job.table(number, "answers")
                if seen := twice.of(number):
                    table = table.filter(pc.invert(pc.is_in(table["place"], pa.array(list(seen)))))
                counts.answered(table, mark["rows"])
                progress("writing", (number + 1) / len(marks), counts.rows)
                yield table.drop_columns(list(_HELD))

        def rejects() -> Iterator[pa.Table]:
            for number, mark in marks.items():
                table = job.table(number, "rejects")
                if seen := twice.of(number):
                    table = _with_twice(table, job.table(number, "answers"), seen, mark["file"])
                counts.refused(table)
                yield table.drop_columns(["place"])

        asked = job.identity["options"]["missing"]
        schema = SCHEMA.append(pa.field("missing", outputs.NAMES)) if asked else SCHEMA
        head = "".join(
            f"{t.subject} {t.predicate} {t.object} {INFERRED} .\n"
            for t in provenance(RuleReasoner.version, ontology, made)
        )
        chosen.write(folder / output.name, schema, answers(), head)
        beside = outputs.rejects_format(chosen)
        rejected = outputs.beside(output, "rejects" + beside.ending)
        beside.write(folder / rejected, outputs.REJECTS, rejects(), "")
        profiles = twice.profiles()
        twice.close()
        summary = counts.summary(ontology, missing=asked) | {
            "profiles": profiles,
            "audit": {"profiles": audited, "agreeing": audited, "seed": job.identity["seed"]},
            "inputs": [part.name for part in parts],
            "output": output.name,
        }
        names = [output.name, rejected]
        for ending, text in (
            ("summary.json", json.dumps(summary, indent=2, ensure_ascii=False) + "\n"),
            ("summary.txt", in_words(summary)),
            *([("summary.html", as_page(summary))] if page else []),
        ):
            names.append(outputs.beside(output, ending))
            job.write(names[-1], text)
        names.append(outputs.beside(output, "provenance.ttl"))
        job.write(names[-1], _provenance(job, ontology, parts, names[:-1], made))
    return names


def _with_twice(rejects: pa.Table, answers: pa.Table, seen: dict[int, str], file: str) -> pa.Table:
    """The rejects of a batch and the rows whose id was seen before."""
    rows = rejects.to_pylist()
    refused = {row["place"]: row for row in rows}
    for place, where in seen.items():
        message = SEEN.format(where=where)
        if place in refused:
            refused[place]["further"].append(f"{ID}: {message}")
    found = answers.filter(pc.is_in(answers["place"], pa.array(list(seen)))).select(["id", *_HELD])
    for row in found.to_pylist():
        message = SEEN.format(where=seen[row["place"]])
        rows.append(
            {"file": file, "line": row["line"], "id": row["id"], "field": ID, "value": row["id"]}
            | {"message": message, "further": [], "place": row["place"]}
        )
    return pa.Table.from_pylist(sorted(rows, key=lambda row: row["place"]), rejects.schema)


def _provenance(
    job: Job, ontology: Ontology, parts: Sequence[Part], names: Sequence[str], made: datetime
) -> str:
    """Who made the files of what and when, in PROV as Turtle."""
    run = ox.BlankNode("run")
    agent = ox.BlankNode("program")
    kind, label = ox.NamedNode(RDF + "type"), ox.NamedNode(RDFS + "label")

    def prov(name: str) -> ox.NamedNode:
        return ox.NamedNode(PROV + name)

    def time(when: datetime) -> ox.Literal:
        text = when.replace(microsecond=0).isoformat().replace("+00:00", "Z")
        return ox.Literal(text, datatype=ox.NamedNode(XSD + "dateTime"))

    version = ox.NamedNode(f"{IRI}/{ontology.version}")
    triples = [
        ox.Triple(run, kind, prov("Activity")),
        ox.Triple(run, prov("startedAtTime"), time(datetime.fromisoformat(job.identity["started"]))),
        ox.Triple(run, prov("endedAtTime"), time(made)),
        ox.Triple(run, prov("wasAssociatedWith"), agent),
        ox.Triple(agent, kind, prov("SoftwareAgent")),
        ox.Triple(agent, label, ox.Literal(f"{RuleReasoner.version}, dvt-kg {package_version('dvt-kg')}")),
        ox.Triple(run, prov("used"), version),
        ox.Triple(version, kind, prov("Entity")),
        ox.Triple(version, _TERMS["identifier"], ox.Literal(f"sha256 of the triples {ontology.digest}")),
    ]
    for number, part in enumerate(parts):
        entity = ox.BlankNode(f"input{number}")
        triples += [
            ox.Triple(run, prov("used"), entity),
            ox.Triple(entity, kind, prov("Entity")),
            ox.Triple(entity, _TERMS["title"], ox.Literal(part.name)),
        ]
    for number, name in enumerate(names):
        entity = ox.BlankNode(f"output{number}")
        with (job.folder / name).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        triples += [
            ox.Triple(entity, kind, prov("Entity")),
            ox.Triple(entity, prov("wasGeneratedBy"), run),
            ox.Triple(entity, _TERMS["title"], ox.Literal(name)),
            ox.Triple(entity, _TERMS["identifier"], ox.Literal(f"sha256 {digest}")),
        ]
    prefixes = {"prov": PROV, "dcterms": DCTERMS, "rdfs": RDFS, "xsd": XSD}
    turtle = ox.serialize(triples, format=ox.RdfFormat.TURTLE, prefixes=prefixes)
    assert turtle is not None, "nothing is given to write to"
    return turtle.decode()
