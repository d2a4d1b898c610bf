"""Game theory over learned policies."""
