"""Delta tables: schemas, the one merge, reads, maintenance and the catalog of views."""
