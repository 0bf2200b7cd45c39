"""Interval readings in every form SMT gives them: rows or arrays in, blocks of days out. Pure."""
