"""Profiles, series, facts: kept and asked for here; nothing above knows how they lie on disk.

In come rows whose services, stacks and series are already numbers (`dictionary`, `serieskeys`), through
`ProfileStore.append` and `MetricStore.append`: durable on return, applied once whatever is repeated.
Out go merged profiles (`profiles`), flame graphs and top lists (`flamegraph`), series (`series`), histograms
(`histograms`), facts and host states (`facts`, `hosts`). `rollup` and `retention` keep it fast and bounded, by
the `classes` of data; `usage` and `disk` say how much there is and may be; `backup` takes all of it elsewhere.

The relational rows are Django models. Telemetry is plain SQL (`sql`) on tables of one day each (`days`, `schema`),
which an `engine` keeps: SQLite a file for each kind of data and day, PostgreSQL a schema.
"""
