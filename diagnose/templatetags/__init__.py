"""Template filters: SI values enter, text for people leaves."""
