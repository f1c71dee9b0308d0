"""Sample test disks in each shape that the competition has had.

The programs are Debian's busybox and our own small ones (src/), built with
glibc and with musl; the scripts (scripts/) have the forms of the official
ones.  Everything here was written for these tests.
"""
import os
import re
import shutil
import subprocess

import debs
import images

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(images.BUILD, "comp")
MUSL = os.path.join(images.TOP, "scripts", "musl-gcc")
LIBS = {"glibc": "ld-linux-riscv64-lp64d.so.1 libc.so.6 libm.so.6".split()}
# Groups of the official sets of which only place and order count here.
PLAIN = ("interrupts copy-file-range splice libctest libcbench cyclictest "
         "iozone lmbench unixbench").split()
PLAIN_SCRIPT = """./busybox echo "#### OS COMP TEST GROUP START {0} ####"
./busybox echo "{0} ran"
./busybox echo "#### OS COMP TEST GROUP END {0} ####"
"""
SHAPES = ("fat-basic", "fat", "flat", "split", "root")


def sources():
    return sorted(os.path.join(HERE, "src", f)
                  for f in os.listdir(os.path.join(HERE, "src")))


def compile_one(source, libc, dynamic):
    name = os.path.basename(source)[:-2]
    out = os.path.join(OUT, "bin", libc, name)
    if images.newer(out, source, __file__):
        return out
    os.makedirs(os.path.dirname(out), exist_ok=True)
    cc = [MUSL] if libc == "musl" else [images.cross() + "gcc", "-s"]
    subprocess.run([*cc, "-std=gnu11", "-O2", "-Wall",
                    *([] if dynamic else ["-static"]), "-o", out, source],
                   check=True)
    return out


def musl_library():
    """musl's loader and library, out of the package that musl-gcc unpacked."""
    return os.path.join(debs.cache_dir("trees", "musl"),
                        "usr/lib/riscv64-linux-musl/libc.so")


def put(tree, name, data, mode=0o755):
    images.Tree(tree).put(name, data, mode)


def scripts(tree, group_suffix, only=None, folder="scripts"):
    """The scripts; the platform puts the libc's name into their marks."""
    for f in sorted(os.listdir(os.path.join(HERE, folder))):
        text = images.content(HERE, folder, f).decode()
        if only and f.split("_")[0] not in only:
            continue
        put(tree, f, text.replace("@ ####", group_suffix + " ####"))


def all_scripts(tree, group_suffix):
    scripts(tree, group_suffix)
    for name in PLAIN:
        put(tree, name + "_testcode.sh",
            PLAIN_SCRIPT.format(name + group_suffix))


def programs(tree, libc):
    """What lies in /musl or /glibc."""
    put(tree, "busybox", images.busybox())
    for source in sources():
        name = os.path.basename(source)[:-2]
        # LTP's programs are dynamic in the official sets.
        dynamic = name in ("dynamic", "case")
        binary = images.content(compile_one(source, libc, dynamic))
        where = {"step": "basic/step", "case": "ltp/testcases/bin/access01"}
        put(tree, where.get(name, name), binary)
    put(tree, "basic/run-all.sh", images.content(HERE, "src", "..",
                                                 "run-all.sh"))
    bin_dir = os.path.join(tree, "ltp/testcases/bin")
    for name in ("hang01", "segv01", "fork99", "stdin01", "zz_last"):
        shutil.copy(os.path.join(bin_dir, "access01"),
                    os.path.join(bin_dir, name))
    put(tree, "ltp/testcases/bin/never.sh", "echo never\n")


def libraries(tree, libc):
    if libc == "musl":
        put(tree, "libc.so", images.content(musl_library()))
        return
    sysroot = "/usr/riscv64-linux-gnu/lib"
    for name in LIBS["glibc"]:
        put(tree, name, images.content(sysroot, name))


def split_tree(tree):
    for libc in ("musl", "glibc"):
        top = os.path.join(tree, libc)
        programs(top, libc)
        libraries(os.path.join(top, "lib"), libc)
        all_scripts(top, "-" + libc)


def flat_tree(tree):
    programs(tree, "musl")
    libraries(tree, "musl")
    libraries(os.path.join(tree, "lib/glibc"), "glibc")
    put(tree, "bin/true", "#!/busybox sh\n")
    all_scripts(tree, "")


def basic_tree(tree):
    """2023's first stage: programs and run-all.sh, no marks, no busybox."""
    put(tree, "step", images.content(compile_one(
        os.path.join(HERE, "src", "step.c"), "musl", False)))
    put(tree, "run-all.sh", images.content(HERE, "run-all.sh"))
    put(tree, "text.txt", "text\n", 0o644)


def root_tree(tree):
    """A system of Debian packages with scripts under /glibc, and an init
    that must not be started."""
    top, _ = images.package_tree("abi")
    subprocess.run(["cp", "-a", "--reflink=auto", top + "/.", tree], check=True)
    put(tree, "sbin/init", "#!/bin/sh\necho the disk has its own init\n"
        "exec sleep 1000\n")
    programs(os.path.join(tree, "glibc"), "glibc")
    scripts(os.path.join(tree, "glibc"), "-glibc",
            only=("basic", "bash", "hang", "crash", "busybox"))


LARGE = {"lua": "usr/bin/lua5.4", "iozone": "usr/bin/iozone",
         "cyclictest": "usr/bin/cyclictest", "hackbench": "usr/bin/hackbench",
         "iperf3": "usr/bin/iperf3", "netperf": "usr/bin/netperf",
         "netserver": "usr/bin/netserver"}


def large_tree(tree):
    """Debian's own benchmarks where the official set has its builds."""
    top = os.path.join(OUT, "packages")
    glibc = os.path.join(tree, "glibc")
    debs.unpack("comp", top)
    put(glibc, "busybox", images.busybox())
    for name, path in LARGE.items():
        put(glibc, name, images.content(top, path))
    shutil.copytree(os.path.join(top, "usr/lib/lmbench/bin"),
                    os.path.join(glibc, "lmbench"))
    for folder, _, files in os.walk(os.path.join(top, "usr/lib")):
        for f in files:
            if folder.count("/lmbench") == 0 and ".so" in f:
                put(glibc, "lib/" + f, images.content(folder, f))
                soname(os.path.join(glibc, "lib"), f)
    scripts(glibc, "-glibc", folder="large")


def soname(folder, name):
    """`libx.so.1` beside `libx.so.1.2.3`."""
    short = re.sub(r"(\.so\.\d+)\..*", r"\1", name)
    if short != name and not os.path.lexists(os.path.join(folder, short)):
        os.symlink(name, os.path.join(folder, short))


TREES = {"large": large_tree, "fat-basic": basic_tree, "fat": flat_tree, "flat": flat_tree,
         "split": split_tree, "root": root_tree}

MKEXT4 = """chown -R 0:0 "$TREE" && PATH=$PATH:/usr/sbin:/sbin
mke2fs -q -F -t ext4 -d "$TREE" "$IMAGE" "$SIZE" """


def mkext4(tree, image, size):
    env = dict(os.environ, TREE=tree, IMAGE=image, SIZE=f"{size}M")
    subprocess.run(["fakeroot", "sh", "-c", MKEXT4], env=env, check=True)


def mkfat(tree, image, size):
    """FAT32 from the first sector on, with clusters of 4 KiB: fewer of them
    would be FAT16."""
    env = dict(os.environ, MTOOLS_SKIP_CHECK="1",
               PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")
    with open(image, "wb") as f:
        f.truncate(size << 20)
    subprocess.run(["mkfs.fat", "-F", "32", "-s", "8", image], env=env,
                   check=True, stdout=subprocess.DEVNULL)
    names = sorted(os.path.join(tree, n) for n in os.listdir(tree))
    subprocess.run(["mcopy", "-s", "-i", image, *names, "::"], env=env,
                   check=True)


def make(shape):
    """The image of that shape, made anew if what goes in has changed."""
    os.makedirs(OUT, exist_ok=True)
    image = os.path.join(OUT, shape + ".img")
    inputs = [os.path.join(d, f) for d, _, files in os.walk(HERE)
              for f in files if not f.endswith(".pyc")]
    if images.newer(image, *inputs):
        return image
    tree = os.path.join(OUT, "tree-" + shape)
    shutil.rmtree(tree, ignore_errors=True)
    os.makedirs(tree)
    # Compiling with it unpacks musl.
    compile_one(sources()[0], "musl", False)
    TREES[shape](tree)
    if shape.startswith("fat"):
        mkfat(tree, image + ".new", 288)
    else:
        mkext4(tree, image + ".new", 256 if shape == "root" else 64)
    os.replace(image + ".new", image)
    shutil.rmtree(tree)
    return image
