"""The graph as a service: SPARQL 1.1 Protocol, answers to records, the catalogue, the terms, a page.

The requests are taken by one process, which answers what it has answered before; the work is done by
others (:mod:`dvt_kg.server.workers`), each of which can be ended at any time. Data flows one way::

    requests -> a job -> a worker's desk -> a reply -> the response
"""
