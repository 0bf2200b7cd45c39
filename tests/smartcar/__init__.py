"""Smartcar: signing in, asking cars, budgets and errors, against the simulated vendor."""
