"""Batches of collectors: from an HTTP body to rows of the store, exactly once.

In comes the msgpack of one `wire.Batch` at `POST /api/v1/batches`: `api` checks who sends it and that its
size and envelope are sound, puts it on the queue and answers with the host's committed sequence number.
`write` takes it from there in a Celery task: `formats` decode it, `clock` repairs its times, the store's day
files and then the main database apply it once each, and `ledger` moves the host's mark. What cannot be read is
quarantined with its error and holds nobody up.
"""
