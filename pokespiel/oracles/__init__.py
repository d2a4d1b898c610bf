"""Best-response oracles: who answers a mixture."""
