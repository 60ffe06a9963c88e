"""A few records that between them give every query of the catalogue something to answer."""

from __future__ import annotations

from typing import Any

MILD: dict[str, Any] = {
    "id": "mild",
    "sex": "female",
    "age_years": 45,
    "recorded_severity": "mild",
    "thrombus": {"present": ["external-iliac-vein"], "absent": ["inferior-vena-cava"], "side": "left"},
    "findings": {
        "fully-ambulatory": "present",
        "severe-leg-pain": "absent",
        "tense-edema": "absent",
        "skin-discoloration": "absent",
        "altering-comorbidity": "absent",
        "may-thurner-configuration": "absent",
    },
    "measurements": {"symptom-duration-days": 7, "anticoagulation-days": 0, "platelet-count": 210},
}


def changed(id: str, findings: dict[str, str] | None = None, **fields: Any) -> dict[str, Any]:
    """The mild record with another id, and with findings and fields changed."""
    return {**MILD, "id": id, "findings": {**MILD["findings"], **(findings or {})}, **fields}


COMPRESSED = changed("compressed", {"may-thurner-configuration": "present"})
UNKNOWN = changed("unknown", {"may-thurner-configuration": "unknown"})
TENSE = changed("tense", {"tense-edema": "present"})
BLEEDING = changed("bleeding", {"altering-comorbidity": "unknown", "active-major-bleeding": "present"})
FORBIDDEN = changed(
    "forbidden",
    {
        "altering-comorbidity": "unknown",
        "active-major-bleeding": "present",
        "may-thurner-configuration": "present",
    },
)
PREGNANT = changed(
    "pregnant",
    {
        "altering-comorbidity": "unknown",
        "absolute-contraindication-to-anticoagulation": "absent",
        "pregnancy": "present",
        "tense-edema": "present",
    },
)
THREATENED = changed(
    "threatened",
    {"skin-discoloration": "unknown", "fully-ambulatory": "unknown", "phlegmasia-alba-dolens": "present"},
)
TORN = changed("torn", {"mobility-limitation": "present", "phlegmasia-cerulea-dolens": "present"})
EMPTY: dict[str, Any] = {"id": "empty"}
RECORDS = [MILD, COMPRESSED, UNKNOWN, TENSE, BLEEDING, FORBIDDEN, PREGNANT, THREATENED, TORN, EMPTY]
