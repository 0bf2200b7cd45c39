"""A page's table of figures after another run: what was measured again is replaced, all else stays."""

from __future__ import annotations


def merged(before: str, run: str, table: str) -> str:
    """Rows of the same name give way to `table`'s, all others stay.

    `run` says command, day and machine; of earlier runs it replaces that of the same command.
    """
    lines = [line for line in before.splitlines() if line]
    runs = [line for line in lines if line.startswith("`") and line.split("`")[1] != run.split("`")[1]]
    head, rows = table.splitlines()[:2], table.splitlines()[2:]
    kept = {_name(line): line for line in lines if line.startswith("| ") and line not in head}
    kept.update({_name(line): line for line in rows})
    return "\n".join(["\n\n".join([*runs, run]), "", *head, *kept.values()])


def _name(row: str) -> str:
    return row.split("|")[1].strip()
