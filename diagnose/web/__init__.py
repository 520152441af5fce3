"""The pages, one module each, and the public JSON API in `api`.

In: requests of people and scripts. Out: HTML and JSON, made of what store, findings, captures and reports answer.
"""
