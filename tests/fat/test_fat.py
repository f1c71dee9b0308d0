"""FAT against Linux's: the same random operations give the same results and
the same tree, fsck.fat finds nothing, mtools and Linux read what was written.

Every case has a disk of its own; one boot for each kernel runs them all.
"""
import dataclasses
import os
import re
import shutil
import subprocess

import pytest

import debs
import guest
import images
import reference

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.path.join(images.BUILD, "fat", "fat_ops")
BUSES = 7               # virtio-mmio 1 to 7
ENV = dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin",
           LC_ALL="C.UTF-8", MTOOLS_SKIP_CHECK="1")


@dataclasses.dataclass
class Case:
    name: str
    kib: int
    mkfs: str
    options: str = "tz=UTC"
    seed: int = 1
    count: int = 1500
    after: str = ""     # more commands, in the folder that was filled
    type: str = "vfat"


PROBE = r"""
umask 0; for f in prog.exe text.dat; do echo x >$f; chmod 444 $f
stat -c '%a %u %g %n' $f; chmod 755 $f; done
mkdir ro.dir; chmod 555 ro.dir; stat -c '%a %n' ro.dir .
chown 7:8 text.dat; echo $?; chmod 640 text.dat; echo $?; stat -c %a text.dat
ln text.dat hard; ln -s a soft; mkfifo p; mknod c c 1 3; echo $?
su user -c 'touch -d 2001-02-03 text.dat; echo new >>text.dat; rm -f prog.exe'
touch -d 1970-05-05 text.dat; stat -c %Y text.dat
touch -d 2200-05-05 text.dat; stat -c %Y text.dat
touch -d '2020-02-02 13:14:15.6' text.dat; stat -c '%x %y %z' text.dat
setfattr -n user.a -v b text.dat 2>&1; ls -A | LC_ALL=C sort
"""

# Sees the change of what a mount may do, and what stays as it was.
REMOUNT = r"""
cd /mnt; mount -o remount,ro /mnt; echo $?; grep -o ' /mnt .*' /proc/mounts
echo no >>w/late; echo $?; mkdir w/late.d; rm -r w 2>/dev/null; echo $?
touch fat_ops; mv fat_ops x; echo $?; cat fat_ops | cksum
exec 3<fat_ops; mount -o remount,rw /mnt; echo $?
echo yes >>w/late; cat w/late; mkdir w/late.d && rmdir w/late.d; echo $?
exec 4>>w/late; mount -o remount,ro /mnt 2>/dev/null; echo $?; exec 4>&-
mount -o remount,ro /mnt; mount -o remount,rw,umask=077 /mnt; echo $?
grep -o ' /mnt .*' /proc/mounts; mount -o remount,nonsense /mnt 2>/dev/null
echo $?; stat -c '%a %n' w; exec 3<&-
"""

CASES = [
    Case("fat12", 2048, "-F 12", count=2500),
    Case("fat16", 16384, "-F 16 -s 4", seed=2, count=3000),
    Case("fat32", 40960, "-F 32 -s 1", seed=3, count=4000),
    Case("sectors", 65536, "-F 16 -S 4096 -s 2", seed=4),
    Case("full", 800, "-F 12 -s 1 -r 64", seed=5, count=3000),
    Case("winnt", 16384, "-F 16 -s 8",
         "shortname=winnt,umask=027,uid=5,gid=6,quiet", 6, after=PROBE),
    Case("masks", 36864, "-F 32 -s 1 -f 1",
         "iocharset=ascii,showexec,dmask=022,fmask=133,time_offset=90", 7,
         after=PROBE),
    Case("win95", 4096, "-F 12",
         "shortname=win95,nonumtail,rodir,errors=continue,sync", 8, 400,
         after=PROBE),
    Case("lower", 33792, "-F 32 -s 1",
         "shortname=lower,flush,dirsync,sys_immutable,allow_utime=20", 9, 700,
         after=PROBE),
    Case("remount", 16384, "-F 16 -s 2", "tz=UTC,umask=022", 10, 300,
         after=REMOUNT),
    Case("msdos", 16384, "-F 16 -s 4", "tz=UTC", 11, 2000, after=PROBE +
         REMOUNT, type="msdos"),
    Case("strict", 4096, "-F 12", "tz=UTC,check=s,dots,quiet", 14, 900,
         type="msdos"),
    Case("relaxed", 36864, "-F 32 -s 1", "tz=UTC,check=r,nodots,showexec",
         15, 1500, after=PROBE, type="msdos"),
]

COMMAND = r"""
for d in /dev/vd?; do
  mount -t {type} -o {options} $d /mnt 2>/dev/null || continue
  [ -f /mnt/{name} ] && break
  umount /mnt
done
grep -o ' /mnt .*' /proc/mounts
cp /mnt/fat_ops /tmp && chmod 755 /tmp/fat_ops && mkdir -p /mnt/w && cd /mnt/w
/tmp/fat_ops {seed} {count} >/tmp/o 2>&1; echo $?
{after}
cd /; umount /mnt || exit 1
mount -t {type} -o {options} $d /mnt && cd /mnt && find w | LC_ALL=C sort \
  >>/tmp/o && find . -type f | LC_ALL=C sort | xargs -d '\n' sha1sum >>/tmp/o
stat -f -c '%T %s %b %f %a %l' /mnt
cd /; umount /mnt; sha1sum </tmp/o; tail -n 60 /tmp/o
"""

READ = r"""
for d in /dev/vd?; do
  mount -t {type} -o {options},ro $d /mnt 2>/dev/null || continue
  [ -f /mnt/{name} ] && break
  umount /mnt
done
cd /mnt && find . -type f | LC_ALL=C sort | xargs -d '\n' sha1sum
cd /; umount /mnt
"""


def groups():
    return [CASES[i:i + BUSES] for i in range(0, len(CASES), BUSES)]


def command(text, case):
    return "mkdir -p /mnt" + text.format(**dataclasses.asdict(case))


def build_program():
    source = os.path.join(HERE, "fat_ops.c")
    if not images.newer(PROGRAM, source):
        os.makedirs(os.path.dirname(PROGRAM), exist_ok=True)
        subprocess.run([images.cross() + "gcc", "-O1", "-static", "-s",
                        "-Wall", "-Wextra", "-Werror", "-o", PROGRAM, source],
                       check=True)


def host(*words):
    return subprocess.run(words, env=ENV, text=True, check=True,
                          stdout=subprocess.PIPE).stdout


def make_image(path, case):
    if os.path.exists(path):
        os.unlink(path)
    host("mkfs.vfat", *case.mkfs.split(), "-C", "-n", case.name.upper(), path,
         str(case.kib))
    host("mcopy", "-i", path, PROGRAM, "::fat_ops")
    marker = os.path.join(os.path.dirname(path), case.name)
    with open(marker, "w") as f:
        f.write(case.name)
    host("mcopy", "-i", path, marker, "::" + case.name)


def with_disks(machine, paths, root):
    args = []
    for i, path in enumerate(paths):
        args += ["-drive", f"file={path},if=none,format=raw,id=f{i}",
                 "-device", f"virtio-blk-device,drive=f{i},"
                 f"bus=virtio-mmio-bus.{1 + i}"]
    return machine.with_(disk=root, args=tuple(args))


def run_cases(machine, root, where, text):
    """{name: Answer}; the images are those in `where`."""
    answers = {}
    for group in groups():
        m = with_disks(machine, [os.path.join(where, c.name + ".img")
                                 for c in group], root)
        got = reference.run_all(m, [command(text, c) for c in group], 120)
        answers.update(zip([c.name for c in group], got))
    return answers


@pytest.fixture(scope="session")
def written(machine, test_disk, tmp_path_factory, kernel):
    """The folder of the images that the kernel under test wrote, and what it
    said; and what Linux says to the same."""
    where = str(tmp_path_factory.mktemp("fat"))
    theirs = os.path.join(where, "linux")
    os.makedirs(theirs)
    build_program()
    for c in CASES:
        make_image(os.path.join(where, c.name + ".img"), c)
        shutil.copy(os.path.join(where, c.name + ".img"), theirs)
    mine = run_cases(machine, test_disk, where, COMMAND)
    recipe = debs.sha256(PROGRAM)
    linux = {}
    for group in groups():
        m = with_disks(machine.with_(kernel="linux"),
                       [os.path.join(theirs, c.name + ".img") for c in group],
                       test_disk)
        inputs = [recipe + repr(c) for c in group]
        linux.update(zip([c.name for c in group], reference.linux_answers(
            m, [command(COMMAND, c) for c in group], inputs, 120)))
    return where, linux, mine


@pytest.mark.parametrize("case", CASES, ids=[c.name for c in CASES])
def test_same_as_linux(written, case):
    _, linux, mine = written
    assert not linux[case.name].trouble, linux[case.name].trouble
    assert not mine[case.name].trouble, mine[case.name].trouble
    assert mine[case.name].out == linux[case.name].out
    assert mine[case.name].status == linux[case.name].status == 0


@pytest.mark.parametrize("case", CASES, ids=[c.name for c in CASES])
def test_fsck_finds_nothing(written, case):
    run = subprocess.run(
        ["fsck.fat", "-n", os.path.join(written[0], case.name + ".img")],
        env=ENV, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if case.type == "msdos" and "check=s" not in case.options:
        # It makes names that DOS would not, as it does on Linux.
        lines = [l for l in run.stdout.splitlines() if l.startswith("  ")]
        assert {l.split(" (")[0] for l in lines[::3]} == \
            {"  Bad short file name"}, run.stdout
        assert set(lines[1::3]) == {"  Auto-renaming it."}, run.stdout
        return
    assert run.returncode == 0, run.stdout
    assert len(run.stdout.splitlines()) == 2, run.stdout


def sums_by_mtools(path, folder):
    host("mcopy", "-n", "-s", "-i", path, "::*", folder)
    out = {}
    for base, _, files in os.walk(folder):
        for f in files:
            full = os.path.join(base, f)
            out["./" + os.path.relpath(full, folder)] = \
                host("sha1sum", full).split()[0].lstrip("\\")
    return out


def sums_in(text):
    """{name: sum}; mtools shows each half of a UTF-16 pair as "_"."""
    return {re.sub("[\U00010000-\U0010ffff]", "__", m[2]): m[1] for m in
            re.finditer(r"^([0-9a-f]{40})  (.*)$", text, re.M)}


@pytest.fixture(scope="session")
def linux_reads(machine, written, test_disk):
    """What Linux finds on the images afterwards."""
    return run_cases(machine.with_(kernel="linux"), test_disk, written[0],
                     READ)


@pytest.mark.parametrize("case", CASES, ids=[c.name for c in CASES])
def test_others_read_it(written, linux_reads, tmp_path, case):
    linux = linux_reads[case.name]
    assert linux.status == 0 and not linux.trouble, linux
    sums = sums_in(linux.out)
    assert sums
    mtools = sums_by_mtools(os.path.join(written[0], case.name + ".img"),
                            str(tmp_path))
    if case.type == "msdos":    # mtools has its own idea of odd names
        sums = {k: v for k, v in sums.items()
                if re.match(r"\.(/[\w~+-][\w~+.-]*)+(?<!/__)$", k, re.A)}
        assert sums
        mtools = {k: v for k, v in mtools.items() if k.lower() in sums}
    if "shortname=" in case.options or case.type == "msdos":
        # Linux shows other letters.
        mtools, sums = ({k.lower(): v for k, v in d.items()}
                        for d in (mtools, sums))
    assert mtools == sums
