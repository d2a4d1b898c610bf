"""Torch networks that play, and how they are stored."""
