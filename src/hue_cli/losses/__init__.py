"""What training lowers, as named terms."""
