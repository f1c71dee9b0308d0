"""Damaged file systems and archives, each known by a seed and a number."""
import gzip
import os
import random
import struct
import subprocess
import uuid
import zlib

import images

SIZE = 4 << 20              # of a base image
ALIGN = 2048                # sectors, of a partition
PARTS = 120                 # GPT has room for 128
OUT = os.path.join(images.BUILD, "fuzz")

# What mke2fs is told.  Checksums hide most flips from the code behind them,
# so most bases do without.
BASES = {
    "plain": "-b 1024 -O ^metadata_csum,^has_journal",
    "journal": "-b 1024 -J size=1 -O ^metadata_csum",
    "csum": "-b 1024 -J size=1 -O metadata_csum,64bit",
    "old": "-b 1024 -O ^extent,^64bit,^metadata_csum,^flex_bg,^has_journal",
    "large": "-b 4096 -O ^metadata_csum,^has_journal",
}


TIME = 1000000000           # of all files: a mutant is the same on each day


def tool(*words, text=None):
    env = dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin",
               E2FSPROGS_FAKE_TIME=str(TIME))
    return subprocess.run(words, input=text, env=env, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def make_tree(top):
    """Something of each kind; ext4_walk.c knows the names."""
    for name in ("many", "dir/deep/deeper"):
        os.makedirs(os.path.join(top, name))
    for i in range(300):
        with open(os.path.join(top, f"many/a-file-of-many-{i}"), "w") as f:
            f.write(str(i))
    with open(os.path.join(top, "big"), "wb") as f:
        f.write(random.Random(1).randbytes(400000))
    for name, step, n in (("holes", 65536, 12), ("frag", 8192, 120)):
        with open(os.path.join(top, name), "wb") as f:
            for i in range(n):
                f.seek(i * step)
                f.write(b"x" * 4096)
    with open(os.path.join(top, "attrs"), "w") as f:
        f.write("attributes\n")
    os.symlink("dir/deep", os.path.join(top, "fast"))
    os.symlink("s" * 300, os.path.join(top, "slow"))
    os.link(os.path.join(top, "attrs"), os.path.join(top, "dir/attrs-too"))
    for folder, _, files in os.walk(top, topdown=False):
        for name in [*files, "."]:
            os.utime(os.path.join(folder, name), (TIME, TIME),
                     follow_symlinks=False)


def add_journal(image):
    """Leaves a transaction in the journal that a mount has to replay."""
    blocks = tool("debugfs", "-R", "blocks big", image).stdout.split()
    where = ",".join(b for b in blocks if b.isdigit())[:200].rsplit(",", 1)[0]
    n = where.count(",") + 1
    data = image + ".data"
    with open(data, "wb") as f:
        f.write(b"J" * 1024 * n)
    tool("debugfs", "-w", "-f", "-", image,
         text=f"jo\njw -b {where} {data}\njc\nq\n")
    os.unlink(data)


def base(kind, tree):
    image = os.path.join(OUT, kind + ".ext4")
    if os.path.exists(image):
        os.unlink(image)
    os.makedirs(OUT, exist_ok=True)
    run = tool("mke2fs", "-q", "-F", "-t", "ext4", "-N", "512", "-U",
               images.UUID, "-E", f"hash_seed={images.UUID},"
               "lazy_itable_init=0", *BASES[kind].split(), "-d", tree, image,
               f"{SIZE >> 10}k")
    assert run.returncode == 0, run.stdout
    tool("debugfs", "-w", "-f", "-", image, text="\n".join(
        f"ea_set attrs user.a{i} {'v' * (i * 40 + 1)}" for i in range(8)))
    tool("e2fsck", "-fyD", image)
    if kind == "journal":
        add_journal(image)
    return image


def bases(scratch):
    """The undamaged images, as bytes, by kind."""
    tree = os.path.join(scratch, "tree")
    os.makedirs(tree)
    make_tree(tree)
    return {k: images.content(base(k, tree)) for k in BASES}


WILD = (0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0x3ff, 0x400, 0x7fff, 0x8000,
        0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff)


def change(rng, data, at):
    """One change of a few bytes."""
    kind = rng.randrange(6)
    if kind < 2:
        data[at] ^= 1 << rng.randrange(8)
    elif kind == 2:
        data[at] = rng.choice((0, 0xff, rng.randrange(256)))
    elif kind == 3:
        at &= ~1
        data[at:at + 2] = struct.pack("<H", rng.choice(WILD) & 0xffff)
    elif kind == 4:
        at &= ~3
        data[at:at + 4] = struct.pack("<I", rng.choice(WILD))
    else:
        at &= ~511
        data[at:at + 512] = rng.choice((bytes(512), b"\xff" * 512,
                                        rng.randbytes(512)))


def ext4_places(image):
    """Sectors worth damaging: (superblock, group descriptors, the rest)."""
    block = 1024 << image[1024 + 24]
    table = max(block, 2048)
    used = [s for s in range(table, len(image), 512)
            if image[s:s + 512].count(0) < 512]
    # Data are random bytes or one letter; metadata have zeros.
    used = [s for s in used if image[s:s + 512].count(0) > 60]
    return 1024, table, used


def ext4(images_of, seed, n):
    """(kind, mutant); a mutant may be shorter than its base."""
    rng = random.Random(f"ext4 {seed} {n}")
    kind = rng.choice(sorted(images_of))
    data = bytearray(images_of[kind])
    sb, table, used = ext4_places(data)
    for _ in range(rng.choice((1, 1, 2, 3, 5, 8, 20))):
        where = rng.randrange(10)
        if where < 2:
            change(rng, data, sb + rng.randrange(400))
        elif where < 3:
            change(rng, data, table + rng.randrange(128))
        else:
            change(rng, data, rng.choice(used) + rng.randrange(512))
    # What errors= says here is the mount's to choose, not a flip's: "panic"
    # would be obeyed.
    data[1024 + 60:1024 + 62] = b"\1\0"
    if rng.randrange(12) == 0:
        del data[rng.randrange(8, len(data) // 512) * 512:]
    return kind, bytes(data)


def gpt(parts, total):
    """The first 34 sectors of a disk with (first, last) partitions."""
    kind = uuid.UUID("0fc63daf-8483-4772-8e79-3d69d8477de4").bytes_le
    table = b"".join(
        kind + uuid.UUID(int=i + 1).bytes_le +
        struct.pack("<QQQ72s", a, b, 0, b"") for i, (a, b) in enumerate(parts))
    table = table.ljust(128 * 128, b"\0")
    fields = ["<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, 0, 0, 1,
              total - 1, 34, total - 34, uuid.UUID(int=99).bytes_le, 2, 128,
              128, zlib.crc32(table)]
    fields[4] = zlib.crc32(struct.pack(*fields))
    mbr = bytearray(512)
    mbr[446:462] = struct.pack("<B3sB3sII", 0, b"", 0xee, b"", 1, total - 1)
    mbr[510:] = b"\x55\xaa"
    return bytes(mbr) + struct.pack(*fields).ljust(512, b"\0") + table


def ext4_disk(path, images_of, seed, numbers):
    """A disk with a mutant in each partition."""
    step = (SIZE // 512 + ALIGN - 1) // ALIGN * ALIGN
    total = ALIGN + step * len(numbers) + ALIGN
    parts = []
    with open(path, "wb") as f:
        f.truncate(total * 512)
        for i, n in enumerate(numbers):
            _, data = ext4(images_of, seed, n)
            first = ALIGN + i * step
            parts.append((first, first + len(data) // 512 - 1))
            for at in range(0, len(data), 4096):
                piece = data[at:at + 4096]
                if piece.count(0) != len(piece):
                    f.seek(first * 512 + at)
                    f.write(piece)
        f.seek(0)
        f.write(gpt(parts, total))


# Archives

def archive():
    rng = random.Random(2)
    return images.newc([
        images.entry_dir("given"), images.entry_dir("given/dir"),
        images.entry_file("given/random", rng.randbytes(30000)),
        images.entry_file("given/text", b"some text, again and again\n" * 900),
        images.entry_link("given/link", "text"),
        images.entry_char("given/null", 0o666, 1, 3),
        *[images.entry_file(f"given/f{i}", b"%d" % i) for i in range(40)]])


def archives():
    plain = archive()
    zstd = subprocess.run(["zstd", "-qc"], input=plain, check=True,
                          stdout=subprocess.PIPE).stdout
    return {"cpio": plain, "gzip": gzip.compress(plain, mtime=0),
            "zstd": zstd}


def initrd(kinds, seed, n):
    """(kind, mutant)"""
    rng = random.Random(f"initrd {seed} {n}")
    kind = rng.choice(sorted(kinds))
    data = bytearray(kinds[kind])
    for _ in range(rng.choice((0, 1, 1, 2, 4, 10))):
        at = rng.randrange(len(data))
        if rng.randrange(2):            # headers are at the front
            at = rng.randrange(min(300, len(data)))
        if kind == "cpio" and rng.randrange(3) == 0:
            at &= ~3
            data[at:at + 8] = rng.choice((b"FFFFFFFF", b"7FFFFFFF", b"00000000",
                                          b"0000FFFF", b"80000000"))
        else:
            change(rng, data, at)
    if rng.randrange(4) == 0:
        del data[rng.randrange(1, len(data)):]
    return kind, bytes(data)
