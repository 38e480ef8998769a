"""Photographs beyond this machine: object storage by URL, and a cluster to colorize them on."""
