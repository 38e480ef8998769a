"""Memory that was freed stays with the process."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's malloc")
def test_freed_memory_is_there_for_what_comes_next() -> None:
    # In a process of its own: the setting stays. Smaller blocks than 32 MiB glibc keeps by itself, in time.
    script = """
import resource
from hue_cli.infer.memory import keep_freed_memory
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(4):
        b"1" * (40 << 20)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults()
before = faults()
keep_freed_memory()
faults()
print(before, faults())
"""
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    before, after = map(int, found.stdout.split())
    assert after < before / 4
