"""A run on disk: written atomically, resumable after a kill at any moment."""
