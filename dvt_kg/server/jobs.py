"""The jobs by name, and how one is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dvt_kg.errors import DvtKgError
from dvt_kg.server import graph_jobs, knowledge_jobs, record_jobs
from dvt_kg.server.desk import Desk, Job, Reply
from dvt_kg.server.refusals import Refused, refusal

JOBS: Mapping[str, Callable[..., Reply]] = {
    "sparql": graph_jobs.sparql,
    "catalogue": graph_jobs.catalogue,
    "query": graph_jobs.named_query,
    "recommend": record_jobs.recommend,
    "explain": record_jobs.explain,
    "description": knowledge_jobs.description,
    "void": knowledge_jobs.void,
    "form": knowledge_jobs.form,
    "examples": knowledge_jobs.examples,
    "terms": knowledge_jobs.terms,
    "terms-of-code": knowledge_jobs.terms_of_code,
    "term": knowledge_jobs.term,
}


def do(desk: Desk, job: Job) -> Reply | Refused:
    """Do a job; what is refused is a result too."""
    try:
        return JOBS[job.name](desk, **job.arguments)
    except Refused as error:
        return error
    except DvtKgError as error:
        return refusal(error)
    except MemoryError:
        return Refused(422, "memory", "this takes more memory than allowed; ask for less")
    except RecursionError:
        return Refused(400, "too-deep", "this is nested too deep; flatten it")
    except Exception as error:  # a fault of the server must not end the worker; nothing of its words leaves
        return fault(error)


def fault(error: Exception) -> Refused:
    """A fault of the server, told by its kind and place alone: the words may hold facts of a patient."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}" if trace else "?"
    return Refused(500, "fault", f"the server failed ({type(error).__name__} at {place}); please report it")
