"""Cohorts: tables of any number of records, answered batch by batch.

    inputs -> batches -> bits -> program -> answers and rejects -> output, summary, provenance

The parts of an input (:mod:`~dvt_kg.cohort.inputs`, :mod:`~dvt_kg.cohort.typed`,
:mod:`~dvt_kg.cohort.texts`) give batches of rows; a batch becomes columns of bits
(:mod:`~dvt_kg.cohort.encoding`), over which the rules run (:mod:`~dvt_kg.cohort.bits`), and answers
(:mod:`~dvt_kg.cohort.answering`). A run (:mod:`~dvt_kg.cohort.run`) keeps what is done in a folder
(:mod:`~dvt_kg.cohort.job`), has HermiT judge a sample again (:mod:`~dvt_kg.cohort.audits`) and
publishes the whole (:mod:`~dvt_kg.cohort.publishing`).
"""
