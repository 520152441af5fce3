"""On-demand profiles: asked for by a person, taken by a collector, found in the store.

Enters: a person's request, a collector's reports and files, and the news from ingest that profiles are stored.
Leaves: a `wire.Command` on the host's stream in Redis, and after every change the capture as the API shows it on the
capture's own stream; `diagnose.stream` hands both to those who wait.

A capture moves waiting → queued → sent → running → done, or ends in failed, refused, cancelled or expired. It waits
while its host is busy with others (`line`). Only what is committed in the store makes it done: the collector's own
"done" merely says that the profile is on its way.
"""
