"""Damaged file systems, archives and programs: whatever is wrong with them,
the kernel answers with an errno, a signal or a message, and lives.

FUZZ_SEED and FUZZ_COUNT choose among the mutants; `make fuzz` runs many more
than the short, fixed sample of `make test`.  A failure names its number:
FUZZ_FIRST starts there.
"""
import os
import re
import subprocess
import sys

import pytest

import guest
import images

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import mutate

FLAGS = "-std=gnu11 -O2 -D_GNU_SOURCE -Wall -static -s".split()
SEED = int(os.environ.get("FUZZ_SEED", "1"))
FIRST = int(os.environ.get("FUZZ_FIRST", "0"))
COUNT = int(os.environ.get("FUZZ_COUNT", "0"))
INITRDS_AT_ONCE = 12
PROGRAMS = ["/usr/bin/true", "/bin/busybox", "/usr/bin/dash",
            "/lib/ld-musl-riscv64.so.1", "/lib/ld-linux-riscv64-lp64d.so.1"]


def numbers(sample):
    """Which mutants to take."""
    return list(range(FIRST, FIRST + (COUNT or sample)))


@pytest.fixture(scope="session")
def fuzz_disk():
    """The small root disk, and our programs on it."""
    put = []
    os.makedirs(mutate.OUT, exist_ok=True)
    for name in ("ext4_walk", "elf_run"):
        source, out = os.path.join(HERE, name + ".c"), \
            os.path.join(mutate.OUT, name)
        if not images.newer(out, source, os.path.join(HERE, "fuzz.h")):
            subprocess.run([images.cross() + "gcc", *FLAGS, "-o", out, source],
                           check=True)
        put.append((out, "/fuzz/" + name))
    source, out = os.path.join(HERE, "../abi/wild_test.c"), \
        os.path.join(mutate.OUT, "wild")
    if not images.newer(out, source):
        subprocess.run([images.cross() + "gcc", *FLAGS, "-fno-builtin",
                        "-Wno-nonnull", "-Wno-unused-function", "-o", out,
                        source], check=True)
    put.append((out, "/fuzz/wild"))
    image = os.path.join(images.BUILD, "fuzz.ext4")
    images.disk(image, "abi", 192, put)
    return image


def run(machine, command):
    """The boot must end well, the command too."""
    boot = guest.run(machine, [command])
    out = boot.commands[0].out if boot.commands else ""
    if not boot.ok or boot.commands[0].status or "all done" not in out:
        pytest.fail(f"{out[-3000:]}\n{boot.complaint()}", pytrace=False)
    return out


def test_ext4(machine, fuzz_disk, scratch, request):
    bases = mutate.bases(str(scratch))
    todo = numbers(100)
    image = str(scratch / "mutants.img")
    ends = {}
    while todo:
        take, todo = todo[:mutate.PARTS], todo[mutate.PARTS:]
        mutate.ext4_disk(image, bases, SEED, take)
        out = run(machine.with_(disk=fuzz_disk, drive=image, timeout=1500,
                                append="root=/dev/vdb"),
                  f"echo mutants {take[0]} to {take[-1]}; "
                  f"/fuzz/ext4_walk 1 {len(take)}")
        for end in re.findall(r"^part \d+: (.*)", out, re.M):
            ends[end] = ends.get(end, 0) + 1
        assert "STUCK" not in out and "is not there" not in out, out
    print(ends)
    assert ends.get("used, 0"), ends


def test_elf(machine, fuzz_disk):
    take = numbers(300)
    print(run(machine.with_(disk=fuzz_disk, timeout=1500),
              f"/fuzz/elf_run {SEED} {take[0]} {take[-1]} "
              + " ".join(PROGRAMS)))


def test_calls(machine, fuzz_disk):
    """tests/abi/wild_test.c with other numbers than those of `make test`: a
    seed for each 200 mutants, as root and as an ordinary user."""
    if not COUNT:
        pytest.skip("tests/abi runs it")
    for seed in range(SEED, SEED + max(1, COUNT // 200)):
        wild = f"WILD_SEED={seed} /fuzz/wild"
        out = run(machine.with_(disk=fuzz_disk, timeout=1500, silence=300),
                  f"{wild}; su user -c '{wild}'; echo all done")
        assert out.count("1..") == 2 and "not ok" not in out, out


def test_initrd(machine, kernel, scratch):
    """The machine comes up whatever the boot loader's archive holds."""
    if kernel == "linux":
        pytest.skip("Debian's kernel has no initramfs of its own")
    kinds = mutate.archives()
    path = str(scratch / "initrd")
    for n in numbers(INITRDS_AT_ONCE):
        kind, data = mutate.initrd(kinds, SEED, n)
        print(f"initrd {n} ({kind})", flush=True)
        with open(path, "wb") as f:
            f.write(data)
        m = machine.with_(initrd=path, smp=1, mem="128M")
        with guest.Console(m) as c:
            try:
                c.expect("# (?:\x1b\\[6n)?$", 60)
            except AssertionError as e:
                pytest.fail(f"mutant {n} ({kind}): {e}", pytrace=False)
