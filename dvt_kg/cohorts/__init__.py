"""Cohorts: tables of any number of records, answered batch by batch.

    inputs -> batches -> bits -> program -> answers and rejects -> output, summary, provenance

The parts of an input (:mod:`~dvt_kg.cohorts.inputs`, :mod:`~dvt_kg.cohorts.typed`,
:mod:`~dvt_kg.cohorts.texts`) give batches of rows; a batch becomes columns of bits
(:mod:`~dvt_kg.cohorts.encoding`), over which the rules run (:mod:`~dvt_kg.cohorts.bits`), and answers
(:mod:`~dvt_kg.cohorts.answering`). A run (:mod:`~dvt_kg.cohorts.run`) keeps what is done in a folder
(:mod:`~dvt_kg.cohorts.job`), has HermiT judge a sample again (:mod:`~dvt_kg.cohorts.audits`) and
publishes the whole (:mod:`~dvt_kg.cohorts.publishing`).
"""
