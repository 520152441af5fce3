"""Whole installations on their way: into a backup, out of it, or from SQLite to PostgreSQL.

`snapshot` reads everything as it was at one moment while work goes on; `archive` keeps it in files that do not depend
on the engine; `load` writes it into an empty installation. What is read and written is counted and digested, table by
table (`tally`), so that nothing can be lost on the way without being noticed.
"""
