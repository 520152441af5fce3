"""The process that waits for others: collectors' command polls and pages' event streams.

Enters: `GET /commands` and `GET /events`, each with a ticket that the API signed for one Redis stream; and the names of
changed streams on one Redis channel. Leaves: the stream's new entries, as soon as they are there.

A plain ASGI application: a waiter costs a few kilobytes, where each would hold a thread of the web process. It
touches no database, so that a slow query never delays a command.
"""
