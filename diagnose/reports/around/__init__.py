"""What happened around a finding: what began with it (`beginnings`), which functions grew (`grown`), and how much of
the slow moments pauses explain (`pauses`). In: a finding. Out: rows for its page and the API."""
