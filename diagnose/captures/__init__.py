"""On-demand profiles: asked for by a person, taken by a collector, found in the store.

Enters: a person's request, a collector's reports of progress, and the news from ingest that the profile is stored.
Leaves: a `wire.Command` on the host's stream in Redis, and after every change the capture as the API shows it on the
capture's own stream; `diagnose.stream` hands both to those who wait.

A capture moves queued → sent → running → done, or ends in failed, cancelled or expired. Only what is committed in the
store makes it done: the collector's own "done" merely says that the profile is on its way.
"""
