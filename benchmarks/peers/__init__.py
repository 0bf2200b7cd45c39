"""The same readings into and out of other products and other ways, in one run: `./dev bench --peers`."""
