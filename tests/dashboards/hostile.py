"""Statements that a dashboard's connection must refuse: to write, to read files, to reach out."""

from __future__ import annotations

HOSTILE = {
    "read a file": "SELECT * FROM read_text('/etc/hostname')",
    "read bytes": "SELECT * FROM read_blob('/etc/passwd')",
    "read a file by name": "SELECT * FROM '/etc/passwd.csv'",
    "list a folder": "SELECT * FROM glob('/etc/*')",
    "read CSV": "SELECT * FROM read_csv('/etc/passwd')",
    "reach out": "SELECT * FROM read_parquet('http://127.0.0.1:9/secret.parquet')",
    "write a file": "COPY (SELECT 42) TO '{folder}/stolen.csv'",
    "export": "EXPORT DATABASE '{folder}/stolen'",
    "attach": "ATTACH '{folder}/other.duckdb' AS other",
    "attach in memory and copy": "ATTACH ':memory:' AS other; COPY FROM DATABASE served TO other",
    "install": "INSTALL httpfs",
    "load": "LOAD httpfs",
    "allow external access": "SET enable_external_access = true",
    "unlock": "SET lock_configuration = false",
    "reset": "RESET memory_limit",
    "more memory": "PRAGMA memory_limit = '100GB'",
    "create": "CREATE TABLE main.planted (a INTEGER)",
    "insert": "INSERT INTO live_counts VALUES ('forged', 'bullish', 1)",
    "update": "UPDATE long_term_figures SET profit = 1e9",
    "delete": "DELETE FROM live_alerts",
    "drop": "DROP TABLE live_alerts",
    "keep a secret": "CREATE PERSISTENT SECRET s (TYPE http, BEARER_TOKEN 'x')",
    "read the environment": "SELECT getenv('SUPERSET_SECRET_KEY')",
}
