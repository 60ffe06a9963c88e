"""The ontology as a site of plain pages, which works from disk without a network."""
