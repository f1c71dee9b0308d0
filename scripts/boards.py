#!/usr/bin/env python3
"""boards.py DIR: the device trees of all boards that Debian's riscv64 kernel
knows, as DIR/MAKER-BOARD.dtb.

As a module: files of Debian packages that boot tests need beside QEMU.
"""
import os
import subprocess
import sys

sys.dont_write_bytecode = True
import debs
import images


def members(package_set, package, *patterns):
    """The folder with a package's files of these patterns, in the cache."""
    deb, = [f for f in debs.fetch(package_set)
            if os.path.basename(f).startswith(package)]
    name = images.digest(os.path.basename(deb), patterns)[:16]
    out = os.path.join(debs.cache_dir("trees"), f"{package}-{name}")
    with debs.Guard("tree-" + package):
        if not os.path.exists(out):
            part = out + ".part"
            os.makedirs(part, exist_ok=True)
            tar = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb],
                                   stdout=subprocess.PIPE)
            subprocess.run(["tar", "-x", "-C", part, "--wildcards",
                            *patterns], stdin=tar.stdout, check=True)
            tar.stdout.close()
            if tar.wait():
                raise debs.Failure(f"{deb} is damaged")
            os.replace(part, out)
    return out


def find(top, name):
    """The one file below top whose path ends so."""
    hits = [os.path.join(d, f) for d, _, files in os.walk(top) for f in files
            if os.path.join(d, f).endswith("/" + name)]
    if len(hits) != 1:
        raise debs.Failure(f"{len(hits)} files {name} in {top}")
    return hits[0]


def trees():
    """{"maker-board": file} of all boards."""
    top = members("linux", "linux-image", "*.dtb")
    return {os.path.basename(d) + "-" + f[:-4]: os.path.join(d, f)
            for d, _, files in os.walk(top) for f in files
            if f.endswith(".dtb")}


def opensbi():
    """Debian 13's firmware for any machine."""
    return find(members("qemu10", "opensbi", "*/riscv64-linux-gnu/*"),
                "generic/fw_dynamic.bin")


def u_boot():
    """U-Boot for QEMU's `virt`, to be started by the firmware."""
    return find(members("uboot", "u-boot-qemu", "*/qemu-riscv64_smode/*"),
                "qemu-riscv64_smode/u-boot.bin")


def main(out):
    os.makedirs(out, exist_ok=True)
    for name, path in trees().items():
        images.replace(os.path.join(out, name + ".dtb"), images.content(path))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(sys.argv[1])
