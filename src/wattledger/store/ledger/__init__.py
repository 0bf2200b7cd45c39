"""Interval energy: blocks written in bulk, merged, digested, and read back as series, gaps and revisions."""
