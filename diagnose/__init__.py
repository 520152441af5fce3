"""Diagnose reads along the data flow:

    ingest      batches of collectors, checked and queued; written by a Celery task
    store       profiles and series: append, merge, range, rollup, retention
    correlate   samples of one host and window -> signals -> rules -> verdicts (pure functions)
    findings    verdicts become findings with a lifecycle, a rank, advice and verification
    captures    on-demand profiles: request, progress, result
    reports     charts and exports of the above
    web         one module per page, and the public JSON API
    stream      a small asyncio process for what waits: collectors' command polls, pages' event streams

`models` holds the relational tables, `access` alone decides who may do what.
"""
