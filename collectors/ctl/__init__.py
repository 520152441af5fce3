"""`diagnosectl`: what the pages show, for terminals and pipelines, over the JSON API of a server.

__main__    the command line: DIAGNOSE_URL and DIAGNOSE_TOKEN, one sub-command a file of `commands`
server      the API: asks, follows pages of lists, says in one line what went wrong
tables      what people read; `--json` prints what programs read
regression  whether something became worse by more than was allowed, with intervals
"""
