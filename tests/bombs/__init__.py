"""Small things that want to become large ones: made, sent down the roads of the product, and measured."""
