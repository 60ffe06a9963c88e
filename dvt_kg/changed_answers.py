"""Records whose answers differ between two versions of the ontology."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dvt_kg.classification import classify
from dvt_kg.counterfactuals import Outcome, difference
from dvt_kg.explainer import explainer
from dvt_kg.ontology import Ontology
from dvt_kg.readers import read
from dvt_kg.reasoner import RuleReasoner


def changed_answers(old: Ontology, new: Ontology, files: Sequence[str | Path]) -> dict[str, Any]:
    """Answer records by both versions and say where the answers differ.

    :param files: the records, as :func:`dvt_kg.read` takes them
    :returns: ``compared``, the number of records that both versions read; ``differ``, for each record that is
        answered otherwise its id as ``patient`` and how (see :func:`dvt_kg.counterfactuals.difference`);
        and ``refused``, for each record that a version refuses its ``patient``, that version as ``by``
        (``old``, ``new``) and the ``message``
    """
    refused: list[dict[str, Any]] = []
    outcomes: list[dict[str, Outcome]] = []
    for by, ontology in (("old", old), ("new", new)):
        reading = read(files, ontology)
        refused += [{"patient": str(e.record), "by": by, "message": str(e)} for e in reading.errors]
        judged = classify(reading.patients, RuleReasoner(ontology))
        explain = explainer(ontology).explain
        outcomes.append({p.id: explain(p, profile, what_if=False).outcome for p, profile in judged})
    both = [id for id in outcomes[0] if id in outcomes[1]]
    found = ({"patient": id} | difference(outcomes[0][id], outcomes[1][id]) for id in both)
    differ = [record for record in found if any(v for k, v in record.items() if k != "patient")]
    return {"compared": len(both), "differ": differ, "refused": refused}
