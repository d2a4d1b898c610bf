"""Gen 1 OU as a meta-game."""
