"""dvt-kg: from a deep vein thrombosis record to rated management, with reasons and sources.

    >>> import dvt_kg
    >>> reading = dvt_kg.read_records([{"id": "case-01", "thrombus": {"present": ["popliteal-vein"]}}])
    >>> [patient.id for patient in reading.patients]
    ['case-01']

For research and information, for review by a professional; not medical advice.
"""

from importlib import import_module as _import_module
from importlib.metadata import version as _version
from typing import TYPE_CHECKING, Any

from dvt_kg.answers import recommend
from dvt_kg.checks import check_ontology, check_patients
from dvt_kg.classification import Classification, Profile, classify
from dvt_kg.errors import (
    AuditError,
    CohortError,
    DvtKgError,
    EndpointError,
    JavaError,
    MappingError,
    OntologyError,
    QueryError,
    ReasonerError,
    ReasonerTimeout,
    RecordError,
    UnsupportedAxiom,
    UsageError,
)
from dvt_kg.graph import KnowledgeGraph
from dvt_kg.hermit import HermiT
from dvt_kg.mappings import Mapping, code_mappings, look_up_code, sssom
from dvt_kg.ontology import Ontology, load, record_terms
from dvt_kg.patients import Fact, Patient
from dvt_kg.queries import Query, Rows, ask, catalogue
from dvt_kg.readers import Reading, read, read_records, read_text
from dvt_kg.reasoner import Reasoner, RuleReasoner
from dvt_kg.release import build

if TYPE_CHECKING:
    from dvt_kg.cohorts.run import cohort
    from dvt_kg.comparison import compare
    from dvt_kg.differences import changes
    from dvt_kg.endpoint import Endpoint, ask_endpoint
    from dvt_kg.explanation_graph import explained
    from dvt_kg.explanations import explain
    from dvt_kg.publishing import publish
    from dvt_kg.site.pages import docs

# Slow to import, so only where they are used.
_LATE = {
    "Endpoint": "endpoint",
    "ask_endpoint": "endpoint",
    "changes": "differences",
    "cohort": "cohorts.run",
    "compare": "comparison",
    "docs": "site.pages",
    "explain": "explanations",
    "explained": "explanation_graph",
    "publish": "publishing",
}


def __getattr__(name: str) -> Any:
    if name in _LATE:
        return getattr(_import_module(f"dvt_kg.{_LATE[name]}"), name)
    raise AttributeError(f"module 'dvt_kg' has no attribute {name!r}")


__version__ = _version("dvt-kg")

__all__ = [
    "AuditError",
    "Classification",
    "CohortError",
    "DvtKgError",
    "Endpoint",
    "EndpointError",
    "Fact",
    "HermiT",
    "JavaError",
    "KnowledgeGraph",
    "Mapping",
    "MappingError",
    "Ontology",
    "OntologyError",
    "Patient",
    "Profile",
    "Query",
    "QueryError",
    "Reading",
    "Reasoner",
    "ReasonerError",
    "ReasonerTimeout",
    "RecordError",
    "Rows",
    "RuleReasoner",
    "UnsupportedAxiom",
    "UsageError",
    "__version__",
    "ask",
    "ask_endpoint",
    "build",
    "catalogue",
    "changes",
    "check_ontology",
    "check_patients",
    "classify",
    "code_mappings",
    "cohort",
    "compare",
    "docs",
    "explain",
    "explained",
    "load",
    "look_up_code",
    "publish",
    "read",
    "read_records",
    "read_text",
    "recommend",
    "record_terms",
    "sssom",
]
