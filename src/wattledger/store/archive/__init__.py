"""Payloads: archived first, read second, replayed and withdrawn; their bytes and backups."""
