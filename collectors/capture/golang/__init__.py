"""Profiles that Go programs serve themselves: `net/http/pprof`, read over HTTP.

    endpoint    one process's address, one request at a time, which ends when it has to
    endpoints   who serves them: as the host's owner says, or found among the processes that listen
    profiles    what is read there, and which of our types it is
    record      a capture on demand; `capture.samplers.golang` reads all the time

Nothing of the process is touched from outside: what it costs is what its own runtime does when it is asked.
"""
