"""Test disks of all shapes, booted as the competition's platform does it.

What comes out is read by the platform's rules: lines between a group's START
and END belong to it, a START closes what is open, all else is ignored.
"""
import os
import re
import subprocess
import sys
import time

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import disks
import guest
import images

START = re.compile(r"#### OS COMP TEST GROUP START ([a-zA-Z0-9-]+) ####$")
KERNEL_LINE = re.compile(r"^\[ *\d+\.\d{6}\] ", re.M)
LIMIT = 4           # seconds for a group
APPEND = f"comp.limit={LIMIT} comp.case=2 comp.time=200"
BASIC = "".join(f"========== START test_{n} ==========\npid > 0: 1\n"
                f"========== END test_{n} ==========\n" for n in ("one", "two"))
FIRST = ["basic", "busybox", "lua"]
EARLY = ["interrupts", "copy-file-range", "splice"]
LATE = ["libctest", "libcbench", "iperf", "netperf", "cyclictest", "iozone",
        "lmbench"]
OTHERS = ["bash", "crash", "flood", "hang", "massacre", "mount", "two-test1",
          "two-test2"]


def has_fat(kernel):
    return kernel == "linux" or \
        os.path.isdir(os.path.join(images.TOP, "fs", "fat"))


def linux_initrd(scratch):
    """Ours behind the one that loads Linux's modules."""
    path = str(scratch / "initrd.cpio")
    with open(path, "wb") as f:
        f.write(images.content(images.linux()[1]) +
                images.content(images.BUILD, "initramfs.cpio"))
    return path


def second_disk(scratch):
    """disk.img, which `make all` leaves for the platform."""
    path = str(scratch / "disk.img")
    subprocess.run([os.path.join(images.TOP, "scripts", "mkfat"), path],
                   check=True)
    return ["-drive", f"file={path},if=none,format=raw,id=x1,snapshot=on",
            "-device", "virtio-blk-device,drive=x1,bus=virtio-mmio-bus.1"]


def official(machine, image, scratch, append):
    """The platform's command line; `append` is for the tests' sake."""
    if machine.kernel == "linux":
        machine = machine.with_(initrd=linux_initrd(scratch))
    kernel, initrd, words = guest.kernel_files(machine.with_(append=append))
    return [guest.emulator(machine), "-machine", "virt", "-kernel", kernel,
            "-m", machine.mem, "-nographic", "-smp", str(machine.smp),
            "-bios", "default", "-drive",
            f"file={image},if=none,format=raw,id=x0,snapshot=on", "-device",
            "virtio-blk-device,drive=x0,bus=virtio-mmio-bus.0", "-no-reboot",
            "-device", "virtio-net-device,netdev=net", "-netdev",
            "user,id=net", "-rtc", "base=utc", *second_disk(scratch),
            *(["-append", words] if words else []),
            *(["-initrd", initrd] if initrd else [])]


def boot(words):
    """A key is typed, and the keyboard stays: at the end of its input QEMU
    drops what it prints while the host does not read."""
    keys, held = os.pipe()
    try:
        os.write(held, b"\n")
        return subprocess.run(words, stdin=keys, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=300)
    finally:
        os.close(keys)
        os.close(held)


class Run:
    """One run of the platform: (name, text) of each group, in order."""

    def __init__(self, machine, shape, scratch, append=APPEND):
        words = official(machine, disks.make(shape), scratch, append)
        began = time.monotonic()
        done = boot(words)
        self.seconds = time.monotonic() - began
        self.status = done.returncode
        self.text = done.stdout.decode(errors="ignore").replace("\r", "")
        self.groups, self.ended, self.cut = [], [], []
        self.judge()

    def judge(self):
        lines = None
        for line in self.text.split("\n"):
            m = START.search(line)
            if m:
                if lines is not None:
                    self.cut.append(self.groups[-1][0])
                    self.ended.append(self.groups[-1][0])
                lines = []
                self.groups.append((m[1], lines))
            elif "#### OS COMP TEST GROUP END" in line:
                assert lines is not None, f"an END too many: {line}"
                self.ended.append(self.groups[-1][0])
                lines = None
            elif lines is not None:
                lines.append(line)

    def names(self):
        return [name for name, _ in self.groups]

    def group(self, name):
        """The last run of that name is the one that counts."""
        text = dict(self.groups)[name]
        return "".join(line + "\n" for line in text)

    def check_whole(self):
        assert self.status == 0, self.text[-3000:]
        assert self.ended == self.names(), self.text[-3000:]
        assert [n for n in self.cut if not n.startswith("netperf")] == []
        for name, lines in self.groups:
            assert not KERNEL_LINE.search("\n".join(lines)), name


@pytest.fixture(scope="module")
def runs(machine, kernel, tmp_path_factory):
    made = {}

    def run(shape):
        if shape.startswith("fat") and not has_fat(kernel):
            pytest.skip("this kernel has no FAT")
        if shape not in made:
            m = machine.with_(smp=8 if shape == "root" else 1)
            made[shape] = Run(m, shape, tmp_path_factory.mktemp("comp"))
        return made[shape]
    return run


def with_suffix(names, suffix):
    return [n if n.startswith("two-") else n + suffix for n in names]


def both(name):
    return [name + "-musl", name + "-glibc"]


# netperf's script ends in a START: of a group that is closed at once.
EXPECTED = {
    "split": sum(map(both, FIRST + EARLY), []) + with_suffix(
        OTHERS, "-musl") + with_suffix(OTHERS, "-glibc") +
    sum(map(both, LATE[:3]), []) + sum(([
        "netperf" + s, "unixbench" + s] for s in ("-musl", "-glibc")), []) +
    sum(map(both, LATE[4:] + ["ltp", "unixbench"]), []),
    "flat": FIRST + EARLY + OTHERS + LATE[:4] + ["unixbench"] + LATE[4:] +
    ["unixbench", "ltp"],
    "fat-basic": ["basic"],
    "root": with_suffix(["basic", "busybox", "bash", "crash", "hang"],
                        "-glibc"),
}
EXPECTED["fat"] = EXPECTED["flat"]


@pytest.mark.parametrize("shape", disks.SHAPES)
def test_every_group_starts_and_ends_and_the_machine_is_off(runs, shape):
    run = runs(shape)
    run.check_whole()
    assert run.names() == EXPECTED[shape]
    assert run.seconds < 230


def suffixes(shape):
    return {"split": ["-musl", "-glibc"], "root": ["-glibc"]}.get(shape, [""])


@pytest.mark.parametrize("shape", disks.SHAPES)
def test_basic(runs, shape):
    for s in suffixes(shape):
        assert runs(shape).group("basic" + s) == BASIC


@pytest.mark.parametrize("shape", ["fat", "flat", "split", "root"])
def test_busybox(runs, shape):
    for s in suffixes(shape):
        lines = runs(shape).group("busybox" + s).splitlines()
        assert len(lines) == 14
        assert [l for l in lines if not re.match(
            "testcase busybox .* success$", l)] == []


@pytest.mark.parametrize("shape,folder", [
    ("fat", "/newroot"), ("flat", "/newroot"), ("split", "")])
def test_loaders_terminal_and_folder(runs, shape, folder):
    for s in suffixes(shape):
        where = folder or "/" + s[1:]
        assert runs(shape).group("lua" + s) == \
            f"dynamic ok\nterminal 1\n{where}\nno first line\n"


@pytest.mark.parametrize("shape", ["flat", "split", "root"])
def test_environment(runs, shape):
    for s in suffixes(shape):
        lines = runs(shape).group("bash" + s).splitlines()
        assert lines[1:] == ["proc ok", "nobody", "shm ok"]


@pytest.mark.parametrize("shape", ["fat", "flat", "split", "root"])
def test_a_crash_and_a_hang_end_their_group_only(runs, shape):
    for s in suffixes(shape):
        assert runs(shape).group("crash" + s) == ""
        assert runs(shape).group("hang" + s).endswith("waiting\n")
        if shape != "root":
            assert runs(shape).group("massacre" + s) == ""
            flood = runs(shape).group("flood" + s).splitlines()[:-1]
            assert len(flood) > 100 and set(flood) == {"flood"}


@pytest.mark.parametrize("shape", ["fat", "flat", "split"])
def test_every_official_group_has_its_place(runs, shape):
    for s in suffixes(shape):
        for name in disks.PLAIN:
            assert runs(shape).group(name + s) == f"{name}{s} ran\n"
        assert runs(shape).group("iperf" + s) == "0\n1\n"
        assert "UDP_STREAM end: fail" in runs(shape).group("netperf" + s)


@pytest.mark.parametrize("shape", ["fat", "flat", "split"])
def test_the_second_disk_is_a_fat_volume(runs, kernel, shape):
    if not has_fat(kernel):
        pytest.skip("this kernel has no FAT")
    for s in suffixes(shape):
        assert runs(shape).group("mount" + s) == "mounted and unmounted\n"


def ltp_points(text):
    """The sum over all cases that ended, and {case: status}."""
    points, status = 0, {}
    for m in re.finditer(r"^RUN LTP CASE (\S+)\n(.*?)"
                         r"^FAIL LTP CASE \1 : (\d+)\n", text, re.M | re.S):
        status[m[1]] = int(m[3])
        passed = re.search(r"Summary:\npassed +(\d+)", m[2])
        points += int(passed[1]) if passed else 0
    return points, status


@pytest.mark.parametrize("shape", ["fat", "flat", "split"])
def test_ltp(runs, shape):
    for s in suffixes(shape):
        text = runs(shape).group("ltp" + s)
        points, status = ltp_points(text)
        assert status == {"access01": 0, "fork99": 0, "hang01": 137,
                          "segv01": 139, "stdin01": 0, "zz_last": 0}
        assert next(iter(status)) == "access01"
        assert points == 3 + 3 + 1 + 3
        assert text.count("\x1b[1;32mTPASS: \x1b[0m") == 3


@pytest.fixture
def console(machine, kernel, scratch):
    def boot(shape, append):
        m = machine.with_(disk=disks.make(shape), append=append)
        if kernel == "linux":
            m = m.with_(initrd=linux_initrd(scratch))
        return guest.Console(m)
    return boot


def test_root_parameter_starts_the_disks_own_init(console):
    with console("root", "root=/dev/vda") as c:
        c.expect("the disk has its own init", 60)


def test_off_gives_the_shell(console):
    with console("split", "comp=off") as c:
        c.expect(r"# (?:\x1b\[6n)?$", 60)
        c.line("ls /etc/comp")
        c.expect("plan")
