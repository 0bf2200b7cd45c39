"""Vendors as real loopback servers: used by the demonstration, the tests and the benchmarks only.

They answer on 127.0.0.1 alone, hold no real data, and can be told to misbehave.
"""
