"""Two spans of time compared at equal load: what became better or worse, how surely, and whether that is enough to say.

In: two `Side`s, each cut into tiles of equal length. `matching` weighs tiles so that load cannot explain a difference,
`estimates` gives each measure's difference with an interval that holds for all of them together, and `outcome` says
improved, no effect, worse, or not enough data and how long until there is. Pure: no store, no clock.
"""
