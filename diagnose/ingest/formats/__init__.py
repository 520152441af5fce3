"""One codec module a format. In go bytes or wire samples, out go `store.rows` inputs; a format knows no tables."""
