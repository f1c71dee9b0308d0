"""Wherever things are: the kernel, the device tree, the hart that comes first,
the size of RAM; and RAM and registers full of garbage.

What a boot looks like follows from its seed, which the test's name shows.
PLACES_SEED and PLACES_COUNT choose others.
"""
import os
import random
import struct
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import guest
import images
import shell

RAM = 0x80000000
LOADER = RAM + 0x200000         # where QEMU puts what -kernel names
LOADER_END = LOADER + 0x1000
MIB = 1 << 20
TREE = 0x10000                  # room for one
FIRST = int(os.environ.get("PLACES_SEED", "1"))
COUNT = int(os.environ.get("PLACES_COUNT", "6"))


@pytest.fixture
def bare(machine, kernel):
    if kernel == "linux":
        pytest.skip("Debian's kernel has no initramfs of its own")
    return machine


@pytest.fixture(scope="module")
def loader(tmp_path_factory):
    """The loader's bytes; its table begins at 8."""
    elf = str(tmp_path_factory.mktemp("loader") / "loader.elf")
    subprocess.run([images.cross() + "gcc", "-nostdlib", "-ffreestanding",
                    "-march=rv64gc", "-mabi=lp64d", "-mcmodel=medany",
                    "-static", "-Wl,-Ttext=0,--build-id=none", "-o", elf,
                    os.path.join(HERE, "loader.S")], check=True)
    subprocess.run([images.cross() + "objcopy", "-O", "binary", elf,
                    elf + ".bin"], check=True)
    return images.content(elf + ".bin")


def holes(start, end, taken):
    """What is left of [start, end) without the taken ranges, in words of 32
    bytes."""
    out, at = [], start
    for a, b in sorted(taken):
        if at < a:
            out.append((at, a))
        at = max(at, b)
    if at < end:
        out.append((at, end))
    out = [((a + 31) & ~31, b & ~31) for a, b in out]
    return [(a, b) for a, b in out if a < b]


class Places:
    """Where all is in one boot."""

    def __init__(self, seed, image_size, file_size):
        r = random.Random(seed)
        self.smp = r.choice([1, 2, 3, 4, 8])
        self.hart = r.randrange(self.smp)
        self.mem = r.choice([64, 96, 127, 200, 256, 333, 512])
        self.seed = r.getrandbits(64) | 1
        end = RAM + self.mem * MIB
        span = (image_size + 2 * MIB - 1) & ~(2 * MIB - 1)
        # From the third MiB pair (the loader's is the second) to the end.
        last = (self.mem * MIB - span) // (2 * MIB)
        self.kernel = RAM + r.choice([2, 3, last, r.randint(2, last)]) * \
            2 * MIB
        self.kernel_end = self.kernel + image_size
        # QEMU puts its tree into the last pages.
        found = ((end - TREE) & ~(2 * MIB - 1), end)
        spots = holes(LOADER_END, end, [
            (self.kernel - 2 * MIB, self.kernel_end), found])
        a, b = r.choice([s for s in spots if s[1] - s[0] > 2 * TREE])
        self.tree = r.choice([a, b - TREE, r.randrange(a, b - TREE)]) & ~7
        if r.random() < 0.2 and self.kernel_end <= found[0]:
            self.tree = 0               # where it is
        # Garbage everywhere, also in what the kernel will clear.
        taken = [(LOADER, LOADER_END), (self.kernel, self.kernel + file_size)]
        taken.append((self.tree, self.tree + TREE) if self.tree else found)
        self.areas = holes(LOADER, end, taken)[:15]

    def table(self):
        words = [self.kernel, self.tree, self.hart, self.seed]
        for area in self.areas:
            words += area
        return struct.pack(f"<{len(words)}Q", *words)


@pytest.mark.parametrize("seed", range(FIRST, FIRST + COUNT))
def test_places(bare, loader, scratch, seed):
    path, _, _ = guest.kernel_files(bare)
    image = images.content(path)
    size, = struct.unpack_from("<Q", image, 16)
    p = Places(seed, size, len(image))
    table = p.table()
    program = scratch / "loader.bin"
    program.write_bytes(loader[:8] + table + loader[8 + len(table):])
    m = bare.with_(kernel=str(program), smp=p.smp, mem=f"{p.mem}M", args=(
        "-device", f"loader,file={path},addr={p.kernel:#x},force-raw=on"))
    with guest.Console(m) as c:
        cpus = shell.look_round(c)
        assert len(cpus) == p.smp, vars(p)
        assert int(cpus[0]["hart"]) == p.hart, vars(p)
        c.line("grep MemTotal /proc/meminfo")
        got = c.expect(r"\nMemTotal:\s+(\d+) kB")
        assert p.mem * 0.9 - 24 < int(got[1]) / 1024 < p.mem
        c.expect(shell.PROMPT)
        shell.switch_off(c)
