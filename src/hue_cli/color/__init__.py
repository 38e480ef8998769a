"""Colour arithmetic: sRGB, CIE L*a*b*, and how networks scale them.

``lab`` works on NumPy arrays, ``lab_torch`` is its differentiable twin; ``space`` and
``constants`` are plain Python.
"""
