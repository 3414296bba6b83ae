"""A disk that is slow to sync, for a process that preloads it; the product knows nothing of it."""

import shutil
import subprocess
from pathlib import Path

import pytest

SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>

/* Every fsync and fdatasync takes 60 ms longer, so that a kill often falls before it. */
static int slowly(const char *name, int file) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    usleep(60000);
    return real(file);
}
int fsync(int file) { return slowly("fsync", file); }
int fdatasync(int file) { return slowly("fdatasync", file); }
"""


def build(folder: Path) -> str:
    """Return the library that a process names in ``LD_PRELOAD``; where it can't be built, skip the test."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler to build the slow disk with")
    (folder / "slow.c").write_text(SOURCE)
    library = folder / "slow.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, folder / "slow.c", "-ldl"], check=True)
    return str(library)
