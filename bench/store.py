"""The store alone, in one process: `python -m bench.store`.

Method: profiles of 150-400 stacks (depth 15-60, out of 20,000 a service), four in a batch; 16 batches in a transaction,
as a worker takes what waits, or one. Points are batches of 400 series. Flame graphs, lists and differences are of one
service: an hour of one host with a profile every ten seconds, touching no whole hour, so that no rollup helps; a day
of 50 hosts with a profile a minute; six hours of them with one every ten seconds. `page_json` goes over HTTP to the web
process. `days_kept` is a curve: ten hosts, a profile a minute, timed after 1, 3, 10 and 30 days. `beside` are plain
baselines in the same run: SQLite with a row per stack or point, and DuckDB with the same rows in columns, on one
thread; both are fed the same batches, one a transaction, and durable as the store is. Beside them stands this same
store on PostgreSQL, in a run of its own.
"""

from __future__ import annotations

import os

from bench import (
    _append,
    _growth,
    _page,
    _postgresql,
    _profile_queries,
    _results,
    _series_queries,
    _side_by_side,
    _stored,
)
from bench._installation import installation


def main() -> None:
    os.environ["DIAGNOSE_PORT"] = str(_page.PORT)
    with installation() as folder:
        from diagnose.management import static

        static.collect()
        fleet = _stored.fleet()
        rows = [
            *_append.profiles(folder, fleet),
            *_append.points(folder, fleet),
            *_profile_queries.queries(folder, fleet),
            *_page.requests(fleet),
            *_series_queries.queries(fleet),
            *_side_by_side.run(fleet),
            *_growth.curve(fleet),
        ]
    _results.write("store", _postgresql.beside(rows))


if __name__ == "__main__":
    main()
