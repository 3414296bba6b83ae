"""Disks that are slow to sync, or fail to, for a process that preloads them; the product knows nothing of it."""

import shutil
import subprocess
from pathlib import Path

import pytest

SLOW = r"""
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
FAILING = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* Every fsync and fdatasync fails while the file that the environment names as SYNC_FAILS_WITH is there. */
static int perhaps(const char *name, int file) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    const char *sign = getenv("SYNC_FAILS_WITH");
    if (sign && access(sign, F_OK) == 0) {
        errno = EIO;
        return -1;
    }
    return real(file);
}
int fsync(int file) { return perhaps("fsync", file); }
int fdatasync(int file) { return perhaps("fdatasync", file); }
"""


def build(folder: Path, source: str) -> str:
    """Return the library that a process names in ``LD_PRELOAD``; where it can't be built, skip the test."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler to build the disk with")
    (folder / "disk.c").write_text(source)
    library = folder / "disk.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, folder / "disk.c", "-ldl"], check=True)
    return str(library)
