"""`python -m wattledger` is `wattledger`."""

from wattledger.cli import main

main()
