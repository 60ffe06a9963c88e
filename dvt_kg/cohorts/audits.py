"""The audit: a random sample of a cohort's distinct profiles, judged again by HermiT.

The sample is the profiles whose keys, mixed with the run's seed, are the smallest, so that it can be
drawn batch by batch: what is smallest of all is smallest of its batch.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyoxigraph as ox
from numpy.typing import NDArray

from dvt_kg import queries
from dvt_kg.answers import recommend
from dvt_kg.classification import classify
from dvt_kg.errors import AuditError
from dvt_kg.hermit import HermiT
from dvt_kg.ontology import Ontology, local_name
from dvt_kg.patients import Fact, Patient
from dvt_kg.program import LISTS

ALL = 1 << 64  # behind every place of a profile


def mixed(keys: NDArray[np.uint64], seed: int) -> NDArray[np.uint64]:
    """The keys of profiles in the order of a run: by which of them the sample is chosen."""
    with np.errstate(over="ignore"):
        order: NDArray[np.uint64] = keys[0] * np.uint64(2 * seed + 1) + keys[1]
    return order


def draw(
    order: NDArray[np.uint64],
    rows: NDArray[np.int64],
    size: int,
    below: int,
    facts: Callable[[int], Collection[Fact]],
    answers: pa.Table,
    before: int,
) -> list[dict[str, Any]]:
    """The part of the sample that some rows hold.

    :param order: the place of each row's profile in the order of the run
    :param rows: the rows, as the batch counts them; there is one in ``answers`` for each
    :param size: the size of the sample
    :param below: only profiles below this place can be in it
    :param facts: the facts of a row
    :param answers: what was answered
    :param before: the place of the batch in the cohort
    :returns: for each profile its place, the place of the row, its facts, and what was answered
    """
    chosen = order[rows]
    places, first = np.unique(chosen, return_index=True)
    found = []
    for place, row in list(zip(places.tolist(), first.tolist(), strict=True))[:size]:
        if place < below:
            at = int(rows[row])
            stated = [_written(fact) for fact in sorted(facts(at), key=str)]
            answer = answers.slice(row, 1).to_pylist()[0]
            found.append({"place": place, "row": before + at, "facts": stated, "answer": answer})
    return found


def smallest(samples: Iterable[dict[str, Any]], size: int) -> list[dict[str, Any]]:
    """The sample of all batches: each profile once, those that come first."""
    by_place = {sample["place"]: sample for sample in samples}
    return [by_place[place] for place in heapq.nsmallest(size, by_place)]


def audit(
    sample: Iterable[dict[str, Any]],
    ontology: Ontology,
    *,
    java: Path | None = None,
    timeout: float,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Have HermiT judge a sample, and the queries derive and answer, in place of the rules.

    :returns: how many profiles were judged
    :raises AuditError: where an answer differs
    :raises ReasonerError: where HermiT fails, or the rules themselves differ from it
    """
    chosen = list(sample)
    if not chosen:
        return 0
    # Ids may be given twice in a cohort, so that the records of a sample are numbered.
    patients = [Patient(str(number), frozenset(map(_fact, s["facts"]))) for number, s in enumerate(chosen)]
    classification = classify(patients, HermiT(ontology, java=java, timeout=timeout), progress=progress)
    conflicts: dict[str, set[str]] = {}
    for row in queries.ask(classification.graph(), "conflicts").plain():
        conflicts.setdefault(str(row["patient"]), set()).add(str(row["intervention"]))
    missing = {result["patient"]: result["missing"] for result in recommend(classification)["results"]}
    for (patient, profile), given in zip(classification, chosen, strict=True):
        node = ox.NamedNode(patient.iri)
        found: dict[str, set[str]] = {"conflictsOn": conflicts.get(patient.iri, set())}
        for triple in (*patient.triples(), *classification.triples(patient, profile)):
            if triple.subject == node:
                found.setdefault(local_name(triple.predicate), set()).add(local_name(triple.object))
        judged: dict[str, Any] = {"status": next(iter(found["status"]))}
        judged |= {column: sorted(found.get(name, ())) for column, name in LISTS.items()}
        judged["missing"] = missing[patient.id]
        answer = given["answer"]
        if profile.contradictory and answer["clashes"]:
            judged["clashes"] = answer["clashes"]  # that it clashes, not on what, is what HermiT says
        differing = {
            column: (said, answer[column])
            for column, said in judged.items()
            if column in answer and said != answer[column]
        }
        if differing:
            raise AuditError(answer["id"], answer["profile"], differing)
    return len(chosen)


def _written(fact: Fact) -> list[str]:
    kind = "number" if isinstance(fact.value, Decimal) else "name"
    return [kind, fact.property, str(fact.value)]


def _fact(written: list[str]) -> Fact:
    kind, name, value = written
    return Fact(name, Decimal(value) if kind == "number" else value)
