"""What the image makers share: cpio archives, init, the reference kernel and
ext4 disks.  Nothing here needs root."""
import concurrent.futures
import hashlib
import inspect
import io
import json
import lzma
import os
import re
import shutil
import struct
import subprocess
import sys

sys.dont_write_bytecode = True
import debs

TOP = debs.TOP
BUILD = os.path.join(TOP, "build")
ROOTFS = os.path.join(TOP, "rootfs")
COMP = os.path.join(ROOTFS, "comp")
UUID = "68617274-776f-4f64-8000-726973637636"
LABEL = "hartwood"
COMMANDS = "/hartwood/cmd"
COMMANDS_SIZE = 65536

INIT_FLAGS = """-std=gnu11 -Os -static -nostdlib -ffreestanding -fno-pic -no-pie
-march=rv64gc -mabi=lp64d -fno-stack-protector -fno-asynchronous-unwind-tables
-Wall -Wextra -Werror -Wshadow -Wvla -Wundef -Wmissing-prototypes
-Wstrict-prototypes -Wl,-z,max-page-size=4096,-z,separate-code,--build-id=none,-z,noexecstack
-s""".split()


def newer(out, *inputs):
    """True if the file is there and no input changed after it."""
    return os.path.exists(out) and \
        all(os.path.getmtime(i) <= os.path.getmtime(out) for i in inputs)


def cross():
    return os.environ.get("CROSS_COMPILE", "riscv64-linux-gnu-")


def build_static(name, src):
    """A static program without a C library, of files of rootfs/; its file."""
    out = os.path.join(BUILD, "rootfs", name)
    heads = [os.path.join(d, f) for d in (ROOTFS, COMP)
             for f in os.listdir(d) if f.endswith(".h")]
    if not newer(out, *src, *heads, __file__):
        os.makedirs(os.path.dirname(out), exist_ok=True)
        subprocess.run([cross() + "gcc", *INIT_FLAGS, "-I", ROOTFS, "-o", out,
                        *src], check=True)
    return out


def build_init():
    return build_static("init", sorted(
        os.path.join(d, f) for d in (ROOTFS, COMP) for f in os.listdir(d)
        if f.endswith(".c")))


def build_hps():
    return build_static("hps", [os.path.join(ROOTFS, "hps", "hps.c"),
                                os.path.join(ROOTFS, "sys.c")])


# cpio

def newc(entries):
    """A cpio archive (format newc) of (name, mode, data, major, minor)."""
    out = io.BytesIO()

    def pad():
        out.write(b"\0" * (-out.tell() % 4))

    end = ("TRAILER!!!", 0, b"", 0, 0)
    for ino, entry in enumerate([*entries, end], 1):
        name, mode, data, major, minor = entry
        fields = [ino, mode, 0, 0, 1, 0, len(data), 0, 0, major, minor,
                  len(name) + 1, 0]
        out.write(b"070701" + b"".join(b"%08X" % f for f in fields))
        out.write(name.encode() + b"\0")
        pad()
        out.write(data)
        pad()
    return out.getvalue()


def entry_dir(name, mode=0o755):
    return (name, 0o040000 | mode, b"", 0, 0)


def entry_file(name, data, mode=0o644):
    return (name, 0o100000 | mode, data, 0, 0)


def entry_link(name, to):
    return (name, 0o120777, to.encode(), 0, 0)


def entry_char(name, mode, major, minor):
    return (name, 0o020000 | mode, b"", major, minor)


def content(*parts):
    with open(os.path.join(*parts), "rb") as f:
        return f.read()


def initramfs_base():
    """What each initramfs begins with: directories, console, init."""
    dirs = "dev dev/pts dev/shm proc sys run tmp root bin sbin etc newroot"
    return [*[entry_dir(d) for d in dirs.split()],
            entry_char("dev/console", 0o600, 5, 1),
            entry_char("dev/null", 0o666, 1, 3),
            entry_file("init", content(build_init()), 0o755),
            entry_file("etc/initramfs", b"")]


def busybox_applets(binary):
    """The applet names, which stand in the binary in alphabetical order, each
    ended by a zero byte; the first thing out of order is something else."""
    at, names = binary.find(b"[\0[[\0"), []
    while at >= 0:
        end = binary.index(b"\0", at)
        name = binary[at:end].decode("latin-1")
        if not re.fullmatch(r"[a-z0-9_.\[-]+", name) or \
           names and name <= names[-1]:
            break
        names.append(name)
        at = end + 1
    return names or ["sh"]


def without_unwinding(elf):
    """An ELF-64 program whose .eh_frame is zeroes: an empty table, as the C
    runtime takes it.  Only exceptions and thread cancellation look there,
    and busybox has neither; compressed, it is a twentieth of the program."""
    data = bytearray(elf)
    at, = struct.unpack_from("<Q", data, 40)
    size, count, strings = struct.unpack_from("<HHH", data, 58)
    heads = [struct.unpack_from("<IIQQQQ", data, at + i * size)
             for i in range(count)]
    for name, _, _, _, offset, length in heads:
        start = heads[strings][4] + name
        if data[start:start + 10] == b".eh_frame\0":
            data[offset:offset + length] = bytes(length)
    return bytes(data)


def busybox():
    vendor = os.path.join(debs.VENDOR, "busybox", "busybox")
    if os.path.exists(vendor):
        return content(vendor)
    tree = os.path.join(BUILD, "rootfs", "busybox")
    if not os.path.exists(os.path.join(tree, "usr/bin/busybox")):
        debs.unpack("initramfs", tree)
    return content(tree, "usr/bin/busybox")


def plan():
    """The plan of a competition run, without its comments."""
    text = re.sub(rb"[ \t]*#.*", b"", content(COMP, "plan"))
    return re.sub(rb"\n+", b"\n", text).lstrip(b"\n")


def initramfs(with_busybox=True):
    """The archive that is linked into the kernel."""
    entries = initramfs_base()
    ours = ["poweroff", "reboot", "halt", "init"]
    entries += [entry_link("sbin/" + n, "/init") for n in ours]
    entries += [
        entry_file("bin/hps", content(build_hps()), 0o755),
        entry_file("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n"),
        entry_file("etc/group", b"root:x:0:\ntty:x:5:\n"),
        entry_file("etc/hostname", b"hartwood\n"),
        entry_file("etc/profile", content(ROOTFS, "etc/initramfs.profile")),
        entry_dir("etc/comp"),
        entry_file("etc/comp/plan", plan()),
        entry_file("etc/comp/setup", content(COMP, "setup"), 0o755),
    ]
    if with_busybox:
        binary = without_unwinding(busybox())
        entries.append(entry_file("bin/busybox", binary, 0o755))
        entries += [entry_link("bin/" + n, "busybox")
                    for n in busybox_applets(binary)
                    if n not in [*ours, "busybox"]]
    return newc(entries)


# Debian's kernel

MODULES = """virtio_mmio virtio_blk crc32c_generic ext4 virtio_rng virtio_net
af_packet vfat msdos nls_cp437 nls_ascii overlay 9pnet_virtio 9p loop""".split()


def module_data(path):
    data = content(path)
    return lzma.decompress(data) if path.endswith(".xz") else data


def module_order(where):
    """MODULES and what they need, in loading order: (name, bytes)."""
    done, order = set(), []

    def visit(name):
        if name in done or name not in where:   # absent: built in
            return
        done.add(name)
        data = module_data(where[name])
        m = re.search(rb"\0depends=([^\0]+)\0", data)
        for d in m[1].decode().split(",") if m else []:
            visit(d.replace("-", "_"))
        order.append((name, data))

    for m in MODULES:
        visit(m)
    return order


def module_files(tree):
    where = {}
    for d, _, files in os.walk(os.path.join(tree, "usr/lib/modules")):
        for f in files:
            m = re.match(r"(.+)\.ko(\.xz)?$", f)
            if m:
                where[m[1].replace("-", "_")] = os.path.join(d, f)
    return where


def linux():
    """(kernel, initramfs) of the reference, made if they are not there."""
    deb, = debs.fetch("linux")
    version = re.match(r"linux-image-(.+?)_", os.path.basename(deb))[1]
    d = debs.cache_dir("linux", version)
    kernel = os.path.join(d, "vmlinux")
    mods = os.path.join(d, "modules-" + digest(MODULES)[:8])
    if not os.path.exists(kernel) or not os.path.exists(mods):
        tree = os.path.join(d, "tree")
        shutil.rmtree(tree, ignore_errors=True)
        subprocess.run(["dpkg-deb", "-x", deb, tree], check=True)
        part = mods + ".part"
        shutil.rmtree(part, ignore_errors=True)
        os.makedirs(part)
        for i, (name, data) in enumerate(module_order(module_files(tree))):
            with open(os.path.join(part, f"{i:03}-{name}.ko"), "wb") as f:
                f.write(data)
        os.replace(part, mods)
        image, = [f for f in os.listdir(os.path.join(tree, "boot"))
                  if f.startswith("vmlinu")]
        os.replace(os.path.join(tree, "boot", image), kernel)
        shutil.rmtree(tree)
    initrd = os.path.join(BUILD, "linux-initramfs.cpio")
    if not newer(initrd, build_init(), kernel, __file__):
        names = sorted(os.listdir(mods))
        entries = initramfs_base() + [entry_dir("mod")]
        entries += [entry_file("mod/" + n, content(mods, n)) for n in names]
        listing = "".join(f"/mod/{n}\n" for n in names)
        entries.append(entry_file("modules", listing.encode()))
        replace(initrd, newc(entries))
    return kernel, initrd


def replace(path, data):
    """The file appears whole or not at all."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".new", "wb") as f:
        f.write(data)
    os.replace(path + ".new", path)


# Disks

LINKS = {
    "usr/bin/awk": "mawk", "usr/bin/nawk": "mawk", "usr/bin/vi": "vim.tiny",
    "usr/bin/vim": "vim.tiny", "usr/bin/view": "vim.tiny",
    "usr/bin/ex": "vim.tiny", "usr/bin/editor": "vim.tiny",
    "usr/bin/pager": "less", "usr/bin/cc": "gcc", "usr/bin/c++": "g++",
    "usr/bin/lua": "lua5.4", "usr/bin/luac": "luac5.4",
    "usr/bin/nc": "busybox", "usr/bin/wget": "busybox",
    "usr/bin/w": "w.procps", "usr/bin/which": "which.debianutils",
    "usr/bin/rsh": "ssh", "usr/bin/telnet": "busybox",
    "usr/bin/unzip": "busybox", "usr/bin/rlogin": "ssh",
}

# Modules that programs import at start or often; compiled on the host so that
# a first start is not spent on compiling them.
PYTHON_MODULES = """encodings collections importlib json re asyncio concurrent
multiprocessing logging email urllib http unittest ctypes sqlite3
abc.py codecs.py io.py os.py site.py stat.py posixpath.py genericpath.py
_collections_abc.py _sitebuiltins.py sitecustomize.py types.py enum.py
functools.py operator.py keyword.py heapq.py reprlib.py random.py bisect.py
hashlib.py subprocess.py signal.py threading.py selectors.py socket.py
socketserver.py struct.py time.py datetime.py _pydatetime.py calendar.py
locale.py argparse.py gettext.py shutil.py fnmatch.py glob.py tempfile.py
weakref.py _weakrefset.py contextlib.py copy.py copyreg.py warnings.py
traceback.py linecache.py tokenize.py token.py textwrap.py string.py pickle.py
dataclasses.py inspect.py ast.py dis.py opcode.py _opcode_metadata.py typing.py
queue.py timeit.py decimal.py _pydecimal.py fractions.py numbers.py
statistics.py math.py base64.py binascii.py zipfile zlib.py gzip.py
_compression.py bz2.py lzma.py csv.py pathlib contextvars.py uuid.py secrets.py
hmac.py platform.py pty.py tty.py getpass.py pdb.py code.py codeop.py
__future__.py runpy.py pkgutil.py compileall.py py_compile.py filecmp.py
sched.py zipimport.py rlcompleter.py _colorize.py _pyrepl""".split()

JUNK = """usr/share/doc usr/share/man usr/share/locale usr/share/info
usr/share/lintian usr/share/bug usr/share/gcc usr/share/gdb/auto-load
usr/share/icons usr/share/pixmaps usr/share/applications usr/share/menu
usr/lib/python3.13/test usr/lib/python3.13/idlelib
usr/lib/python3.13/tkinter""".split()

COMMON_PAM = {
    "auth": "required pam_unix.so nullok", "account": "required pam_unix.so",
    "password": "required pam_unix.so obscure nullok yescrypt",
    "session": "required pam_unix.so",
}


class Tree:
    """A directory that becomes the root of a disk."""

    def __init__(self, top):
        self.top = top

    def path(self, name):
        return os.path.join(self.top, name.lstrip("/"))

    def put(self, name, data, mode=0o644):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if os.path.lexists(path):
            os.unlink(path)
        with open(path, "wb") as f:
            f.write(data if isinstance(data, bytes) else data.encode())
        os.chmod(path, mode)

    def link(self, name, to):
        """A link, if what it points at is there and its name is free."""
        path = self.path(name)
        target = os.path.join(os.path.dirname(path), to)
        if not os.path.lexists(path) and os.path.exists(target):
            os.symlink(to, path)

    def has(self, name):
        return os.path.exists(self.path(name))


def unpack_all(files, top):
    """base-files comes first: its links /bin, /lib and /sbin steer the rest."""
    def one(deb):
        subprocess.run(["dpkg-deb", "-x", deb, top], check=True)

    shutil.rmtree(top, ignore_errors=True)
    os.makedirs(top)
    one(files[0])
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        list(pool.map(one, files[1:]))


def emulator():
    return shutil.which("qemu-riscv64-static") or shutil.which("qemu-riscv64")


def emulate(tree, *words):
    """Run a program of the tree on the host; False if that cannot be."""
    if not emulator():
        return False
    env = {k: v for k, v in os.environ.items()
           if k not in ("LD_PRELOAD", "LD_LIBRARY_PATH")}
    run = subprocess.run([emulator(), "-L", tree.top, *words], env=env,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return run.returncode == 0


def set_up_users(tree):
    master = tree.path("usr/share/base-passwd/passwd.master")
    passwd = content(master).decode().replace("root:*:", "root:x:")
    passwd += "user:x:1000:1000:user:/home/user:/bin/bash\n"
    group = content(tree.path("usr/share/base-passwd/group.master")).decode()
    group += "user:x:1000:\n"
    names = [l.split(":")[0] for l in passwd.splitlines()]
    shadow = "".join(f"{n}:{'' if n in ('root', 'user') else '*'}:20000:0:"
                     "99999:7:::\n" for n in names)
    tree.put("etc/passwd", passwd)
    tree.put("etc/group", group)
    tree.put("etc/shadow", shadow, 0o640)
    for kind, rule in COMMON_PAM.items():
        if tree.has("etc/pam.d"):
            tree.put("etc/pam.d/common-" + kind, f"{kind} {rule}\n")
    if tree.has("etc/pam.d"):
        tree.put("etc/pam.d/common-session-noninteractive",
                 "session required pam_unix.so\n")
    os.makedirs(tree.path("home/user"), exist_ok=True)


def set_up_etc(tree):
    for name in ("profile", "bash.bashrc", "inputrc", "nsswitch.conf", "hosts"):
        tree.put("etc/" + name, content(ROOTFS, "etc", name))
    tree.put("etc/hostname", "hartwood\n")
    tree.put("etc/resolv.conf", "nameserver 10.0.2.3\n")
    tree.put("etc/fstab", "")
    tree.put("etc/environment", "")
    tree.put("etc/shells", "/bin/sh\n/bin/bash\n/bin/dash\n")
    tree.put("etc/gitconfig", "[user]\n\tname = root\n\temail = root@hartwood\n"
             "[init]\n\tdefaultBranch = main\n")
    for home in ("root", "home/user"):
        tree.put(home + "/.bashrc", content(ROOTFS, "etc", "bashrc.root"))
        tree.put(home + "/.profile", 'if [ -n "$BASH" ] && [ -f ~/.bashrc ]; '
                 "then\n\t. ~/.bashrc\nfi\n")
    tree.put("etc/vim/vimrc.tiny", "set nocompatible\nset ruler\n"
             "set backspace=indent,eol,start\n")
    os.chmod(tree.path("root"), 0o700)


def set_up(tree):
    """What the packages' maintainer scripts would have done, as far as a
    shell and the programs expect it."""
    for d in ("dev proc sys run tmp root mnt home opt srv var/tmp var/log "
              "var/lib/misc var/spool var/cache dev/shm dev/pts hartwood "
              "usr/local/bin usr/local/sbin var/mail").split():
        os.makedirs(tree.path(d), exist_ok=True)
    for d in ("tmp", "var/tmp"):
        os.chmod(tree.path(d), 0o1777)
    for name, to in (("var/run", "/run"), ("var/lock", "/run/lock"),
                     ("etc/mtab", "../proc/self/mounts")):
        if not os.path.lexists(tree.path(name)):
            os.symlink(to, tree.path(name))
    set_up_users(tree)
    set_up_etc(tree)
    for name, to in LINKS.items():
        tree.link(name, to)
    for name in JUNK:
        shutil.rmtree(tree.path(name), ignore_errors=True)
    tree.put(COMMANDS, b"\n" * COMMANDS_SIZE)
    emulate(tree, tree.path("usr/sbin/ldconfig"), "-r", tree.top)
    lib = tree.path("usr/lib/python3.13")
    if os.path.isdir(lib):
        todo = [os.path.join(lib, m) for m in PYTHON_MODULES]
        emulate(tree, tree.path("usr/bin/python3"), "-I", "-m", "compileall",
                "-q", "-s", tree.top, "--invalidation-mode", "unchecked-hash",
                *[t for t in todo if os.path.exists(t)])


def digest(*things):
    """Of strings, and of the files and folders that tuples name."""
    h = hashlib.sha256()
    for t in things:
        h.update(t.encode() if isinstance(t, str) else
                 json.dumps(t).encode())
    return h.hexdigest()


def file_digest(path):
    """Of a file, or of all files below a folder."""
    if not os.path.isdir(path):
        return debs.sha256(path)
    parts = []
    for d, dirs, files in os.walk(path):
        dirs.sort()
        for f in sorted(files):
            p = os.path.join(d, f)
            parts.append([os.path.relpath(p, path), os.lstat(p).st_mode,
                          os.readlink(p) if os.path.islink(p)
                          else debs.sha256(p)])
    return digest(parts)


def recipe(*things):
    """A digest of functions and constants that shape what is made, so that
    other changes to this file make nothing anew."""
    return digest([t if isinstance(t, (str, list, dict)) else
                   inspect.getsource(t) for t in things])


def package_tree(name):
    """(tree, digest) of a package set, unpacked and set up in the cache."""
    files = debs.fetch(name)
    want = digest([os.path.basename(f) for f in files], file_digest(
        os.path.join(ROOTFS, "etc")), recipe(
            unpack_all, Tree, set_up, set_up_users, set_up_etc, LINKS, JUNK,
            PYTHON_MODULES, COMMON_PAM))
    top = debs.cache_dir("trees", name)
    stamp = top + ".stamp"
    with debs.Guard("tree-" + name):
        if not os.path.exists(stamp) or open(stamp).read() != want:
            if os.path.exists(stamp):
                os.unlink(stamp)
            print(f"unpacking {len(files)} packages for {name}",
                  file=sys.stderr)
            unpack_all(files, top)
            set_up(Tree(top))
            with open(stamp, "w") as f:
                f.write(want)
    return top, want


FEATURES = ["orphan_file", "metadata_csum_seed", "metadata_csum", "64bit"]

# Runs under fakeroot, which lends root's name and devices for that long.
MKFS = r"""
set -e
cd "$TREE"
for d in "c 5 1 console 600" "c 1 3 null 666" "c 1 5 zero 666" \
         "c 1 8 random 666" "c 1 9 urandom 666" "c 5 0 tty 666"; do
	set -- $d
	rm -f "dev/$4"
	mknod -m "$5" "dev/$4" "$1" "$2" "$3"
done
[ ! -e etc/shadow ] || chown 0:42 etc/shadow
[ ! -d home/user ] || chown -R 1000:1000 home/user
cd "$OLDPWD"
PATH=$PATH:/usr/sbin:/sbin mke2fs $ARGS -d "$TREE" "$IMAGE" "$SIZE"
cd "$TREE"
rm -f dev/console dev/null dev/zero dev/random dev/urandom dev/tty
"""


def mkfs(tree, image, size):
    """An ext4 image with what mke2fs 1.47 turns on by default; a host whose
    mke2fs is older leaves out what it does not know."""
    args = ["-q", "-F", "-t", "ext4", "-b", "4096", "-L", LABEL, "-U", UUID,
            "-E", f"hash_seed={UUID},root_owner=0:0,"
            "lazy_itable_init=0,lazy_journal_init=0"]
    for features in (FEATURES, FEATURES[2:]):
        if os.path.exists(image):
            os.unlink(image)
        words = args + ["-O", ",".join(features)]
        env = dict(os.environ, TREE=tree, IMAGE=image, SIZE=f"{size}M",
                   ARGS=" ".join(words))
        run = subprocess.run(["fakeroot", "sh", "-c", MKFS], env=env,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             text=True)
        if run.returncode == 0:
            return
    raise debs.Failure("mke2fs: " + run.stderr.strip())


def overlay(tree, puts, work):
    """A copy of the tree made of hard links, with the files of `puts`."""
    shutil.rmtree(work, ignore_errors=True)
    subprocess.run(["cp", "-al", tree, work], check=True)
    top = Tree(work)
    for src, dst in puts:
        path = top.path(dst)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if os.path.isdir(src):
            shutil.copytree(src, path, symlinks=True, dirs_exist_ok=True)
        else:
            if os.path.lexists(path):
                os.unlink(path)
            shutil.copy(src, path)
    for name in ("sbin/init", "sbin/poweroff", "sbin/reboot", "sbin/halt"):
        path = top.path("usr/" + name)
        if os.path.lexists(path):
            os.unlink(path)
        if name == "sbin/init":
            shutil.copy(build_init(), path)
        else:
            os.symlink("init", path)
    path = top.path("usr/bin/hps")
    if os.path.lexists(path):
        os.unlink(path)
    shutil.copy(build_hps(), path)
    # Of its own: fakeroot changes its owner, and a boot its content.
    for name in ("etc/shadow", "hartwood/cmd"):
        data, mode = content(top.path(name)), os.stat(top.path(name)).st_mode
        top.put(name, data, mode & 0o7777)


def is_made(image, want, keep_written):
    """True if there is nothing to do."""
    stamp = image + ".stamp"
    if not (os.path.exists(image) and os.path.exists(stamp)):
        return False
    if open(stamp).read() == want:
        return True
    if not keep_written or \
       os.path.getmtime(image) <= os.path.getmtime(stamp) + 1:
        return False
    print(f"{os.path.relpath(image)} has been written to and is kept, though "
          "its inputs have changed; remove it to have it made anew",
          file=sys.stderr)
    return True


def make_disk(image, top, puts, size):
    """The image appears whole or not at all."""
    print(f"making {os.path.relpath(image)}", file=sys.stderr)
    os.makedirs(os.path.dirname(image), exist_ok=True)
    work = os.path.join(debs.cache_dir("trees"), f".work-{os.getpid()}")
    try:
        overlay(top, puts, work)
        mkfs(work, image + ".new", size)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    os.replace(image + ".new", image)


def disk(image, package_set, size, puts=(), keep_written=False):
    """Make the image, unless the one that is there came from the same inputs
    or, with keep_written, has been written to since."""
    top, have = package_tree(package_set)
    want = digest(have, file_digest(build_init()),
                  file_digest(build_hps()), str(size),
                  [[file_digest(s), d] for s, d in puts],
                  recipe(overlay, mkfs, MKFS, FEATURES, LABEL, UUID))
    stamp = image + ".stamp"
    with debs.Guard("disk-" + digest(os.path.abspath(image))[:16]):
        if is_made(image, want, keep_written):
            return
        if os.path.exists(stamp):
            os.unlink(stamp)
        make_disk(image, top, puts, size)
        with open(stamp, "w") as f:
            f.write(want)
