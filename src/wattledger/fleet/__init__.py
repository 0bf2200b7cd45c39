"""Bulk work over all usage points: partitions of some of them, each a Dask task over the ledger's functions.

`run` plans, resumes and adds up; `work` is what a task does, wherever it runs. Nothing secret is in a task.
"""
