"""Profiles for other programs: in go the stacks of a merged profile, out goes text in their format."""
