"""Diagnosis reports: what was wrong in a window, how it is known, what to do about it, and whether it helped.

document    what a report holds; plain data, kept as JSON
assemble    makes one of findings, readings and profiles
pictures    the readings that a finding rests on, small enough to keep
words       its title and summary
kept        reports that were made: kept, listed, shared by a link that expires
compare     two reports: what is new, fixed, worse
weekly      the fleet's report of each week
"""
