"""Typed recommendations fitted to the host and written down for people and machines, one form a file.

In: `correlate.engine.Evaluation` with its samples. `fitting` keeps values in `bounds`, says where the change is made
(`place`), what else it moves (`side_effects`), what is expected of it (`effects`), settles `conflicts` between findings
and adds `folklore` that will not help. Out, by `api`: what to type (`shell`), to keep (`sysctl_d`, `systemd`), to roll
out (`ansible`, `kubernetes`) and to tell (`plain`); a form answers None where it does not apply.
"""
