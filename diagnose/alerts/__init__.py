"""Telling people of findings, where they look anyway.

    channels    one file a kind of place: what it needs to know, and how a message looks there
    message     what is told: findings that opened, or are over
    matching    which findings a channel wants
    watch       what has to be told now; one row for each thing to tell
    deliver     tells it, and again later when that failed
    outgoing    the HTTP client: bounded, follows nowhere, keeps away from what no channel should reach

Enters: findings. Leaves: messages to addresses that an admin gave. A root cause is told, its symptoms with it.
"""
