"""From a spec to a network, the one contract around it, and trained ones out of their run folders."""
