"""Typed recommendations as text for people and machines, one form a file.

In: `correlate.rule.Recommendation`. Out: what to type (`shell`), to keep (`sysctl_d`, `systemd`) and to roll out
(`ansible`); each `render` answers None where its form does not apply. `api` puts them together.
"""
