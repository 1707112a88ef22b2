"""What a process does with memory that it has freed."""

from __future__ import annotations

import ctypes
import platform

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of malloc.h
_KEPT = 1 << 29
"""Bytes at the end of the heap that stay."""
_LARGEST = 1 << 25
"""Bytes of one array that come from the heap: the most that glibc takes."""


def keep_freed_memory() -> bool:
    """Keep what arrays leave for the next ones instead of giving it back; return whether that can be done.

    glibc returns the free end of the heap from 128 KiB on, and a loop over columns asks for the same pages
    a moment later: the system clears them anew, which took a seventh of the time of all columns.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(_TRIM_THRESHOLD, _KEPT) and mallopt(_MMAP_THRESHOLD, _LARGEST))
