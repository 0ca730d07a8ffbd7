"""Fails as most scripts do: an exception that nobody catches, without a word to Spark."""

raise ValueError("the seventh column is missing")
