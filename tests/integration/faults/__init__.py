"""The whole product under faults: killed, starved, stopped and doubled in the middle of a stream of numbered batches.

`feeder` is a collector's own spool and shipper, `tally` reads back what the store holds of the numbers, `stand` has the
product, the feeder and the database in its hand, and `rounds` remembers which seeded rounds are done.
"""
