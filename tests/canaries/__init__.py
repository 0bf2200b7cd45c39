"""Secrets that may come out in one place each: put through whole processes, then looked for everywhere."""
