"""`ProfileStore` and `MetricStore` in SQL: one text for every engine, always about one day's tables (`days`).

In come batches and selectors (`profiles`, `metrics`); out go sums and columns of points. `merge` and `stored` take
hourly sums (`rollup`) where they are up to date and raw rows elsewhere; `chunks` reads and seals points.
"""
