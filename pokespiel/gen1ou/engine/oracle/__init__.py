"""The oracle: bulk battles of the real Showdown simulator, and the engine replaying them."""
