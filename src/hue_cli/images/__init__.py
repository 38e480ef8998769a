"""Photographs: reading them, resizing, giving them colour at full size, writing them."""
