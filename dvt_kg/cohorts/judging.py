"""Judging: a batch of rows as answers, rejects and its part of the audit's sample."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from dvt_kg.cohorts import audits, rejects
from dvt_kg.cohorts.answering import Answerer
from dvt_kg.cohorts.batches import Batch
from dvt_kg.cohorts.encoding import Encoder
from dvt_kg.errors import RecordError
from dvt_kg.ontology import Ontology
from dvt_kg.patients import Fact


class Judged(NamedTuple):
    """What came of a batch.

    :param answers: the answers, with the row of each as ``place`` and its line
    :param rejects: what is said of the refused rows, likewise
    :param sample: the part of the audit's sample that it holds
    """

    answers: pa.Table
    rejects: pa.Table
    sample: list[dict[str, Any]]


class Judge:
    """What judges batches by the rules of an ontology.

    :param ontology: the ontology
    :param missing: whether to say what is missing
    :param seed: what the audit's sample is drawn by
    :param audited: the size of the sample
    """

    def __init__(self, ontology: Ontology, *, missing: bool, seed: int, audited: int) -> None:
        self.answerer = Answerer(ontology)
        self.encoder = Encoder(ontology, self.answerer.program)
        self.missing = missing
        self.seed = seed
        self.audited = audited

    def judge(self, batch: Batch, first: int, below: int = audits.ALL) -> Judged:
        """Answer or refuse each row of a batch.

        :param batch: the rows
        :param first: the place of the first in the cohort
        :param below: only profiles that come before this one in the order of the run can be in the sample
        """

        def facts(row: int) -> frozenset[Fact]:
            draft = batch.draft(row)
            assert not isinstance(draft, RecordError), "only rows that are let in are asked for"
            return frozenset(draft.facts)

        encoded = self.encoder.encode(batch.table, batch.header, batch.draft, batch.broken)
        kept = np.setdiff1d(np.arange(encoded.rows), list(encoded.refused), assume_unique=True)
        answers, keys = self.answerer.answer(encoded, kept, facts)
        if self.missing:
            answers = self.answerer.with_missing(answers, kept, facts)
        order = audits.mixed(keys, self.seed)
        sample = audits.draw(order, kept, self.audited, below, facts, answers, first)
        lines = np.asarray(batch.lines, np.int64)
        refused = [said | {"place": first + row} for row, said in sorted(encoded.refused.items())]
        answers = answers.append_column("place", pa.array(first + kept, pa.int64()))
        return Judged(
            answers.append_column("line", pa.array(lines[kept])),
            pa.Table.from_pylist(refused, rejects.SCHEMA.append(pa.field("place", pa.int64()))),
            sample,
        )
