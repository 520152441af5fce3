"""From the probes to the server and back.

gather      samples of an interval become encoded series; `outbox` moves them into the spool
spool       encoded batches (`payload`) wait on disk until the server has committed them
ship        sends batches over `client`; deletes what is committed
commands    asks the server for captures to make (`asking` waits); `replies` says how they go, and sends their files
enroll      an enrolment token becomes this host's own token
"""
