"""Whether a change helped a finding: watched since it was made, compared at equal load, judged when there is enough.

In: a finding whose `applied_at` is set, by a person or because a change of what it recommended was seen (`noticed`).
`signals` names what it is judged by, `proof` compares before and after, `due` does so again and again until the verdict
is final. Out: `Finding.verification`, in the API's form.
"""
