"""Scoring: models and photographs in, a table beside the papers' figures out."""
