"""Connections, their vendor tokens, leases and heartbeats."""
