"""The machine comes up and goes down, whatever it is made of."""
import os
import shutil
import struct
import subprocess

import pytest

import guest
import images

UUID = images.UUID
# busybox asks the terminal where its cursor is.
PROMPT = r"# (?:\x1b\[6n)?$"


def boot(machine, *commands):
    b = guest.run(machine, list(commands), limit=60)
    assert b.ok, b.complaint()
    assert [c.status for c in b.commands] == [0] * len(commands), b.commands
    return [c.out.strip() for c in b.commands]


@pytest.mark.parametrize("smp", [1, 2, 4, 8])
def test_harts(machine, abi_disk, smp):
    out = boot(machine.with_(disk=abi_disk, smp=smp), "nproc",
               "grep -c ^processor /proc/cpuinfo", "uname -sm",
               "grep -c '^cpu[0-9]' /proc/stat")
    assert out == [str(smp), str(smp), "Linux riscv64", str(smp)]


# What firmware keeps is not in MemTotal, and a kernel needs some for itself.
@pytest.mark.parametrize("mem", [64, 128, 256, 1024, 3072, 6144])
def test_memory(machine, kernel, abi_disk, mem):
    if kernel == "linux" and mem < 128:
        pytest.skip("Debian's kernel and its modules do not fit")
    out, = boot(machine.with_(disk=abi_disk, mem=f"{mem}M"),
                "grep MemTotal /proc/meminfo")
    total = int(out.split()[1]) / 1024
    assert mem * 0.9 - 60 < total < mem


@pytest.mark.parametrize("smp", [1, 4])
def test_younger_qemu(machine, abi_disk, smp):
    out = boot(machine.with_(disk=abi_disk, smp=smp, qemu="10"), "nproc")
    assert out == [str(smp)]


@pytest.mark.parametrize("cpu", [
    "rv64,sstc=off", "rv64,v=true", "rv64,svadu=off,zba=off,zbb=off"])
def test_processors(machine, abi_disk, cpu):
    out = boot(machine.with_(disk=abi_disk, qemu="10", args=("-cpu", cpu)),
               "sleep 0.1; echo awake")
    assert out == ["awake"]


@pytest.mark.parametrize("append", [
    "root=/dev/vda", "root=/dev/vda rootwait", "root=/dev/vda rw quiet",
    "root=/dev/vda rootfstype=ext4", f"root=UUID={UUID}",
    f"root=LABEL={images.LABEL}", "root=/dev/vda init=/sbin/init",
    "root=/dev/vda console=ttyS0 some.unknown=1 word"])
def test_root_parameters(machine, abi_disk, append):
    out = boot(machine.with_(disk=abi_disk, append=append),
               "grep ' / ' /proc/mounts | tail -n 1 | cut -d' ' -f3",
               "cat /proc/cmdline")
    assert out[0] == "ext4"
    assert append in out[1]


def test_read_only_root(machine, abi_disk):
    out = boot(machine.with_(disk=abi_disk, append="root=/dev/vda ro"),
               "awk '$2 == \"/\" { print substr($4, 1, 2) }' /proc/mounts "
               "| tail -n 1",
               "! touch /x 2>/dev/null")
    assert out[0] == "ro"


def test_memory_limit(machine, abi_disk):
    out, = boot(machine.with_(disk=abi_disk, append="mem=256M"),
                "grep MemTotal /proc/meminfo")
    assert int(out.split()[1]) < 256 * 1024


def test_hart_limit(machine, abi_disk):
    assert boot(machine.with_(disk=abi_disk, smp=4, append="maxcpus=2"),
                "nproc") == ["2"]


def with_partition(disk, image):
    """A disk whose second MBR partition is a copy of the given one."""
    start, size = 4096, os.path.getsize(disk) // 512
    table = struct.pack("<B3sB3sII", 0, b"", 0x83, b"", 2048, 2048)
    table += struct.pack("<B3sB3sII", 0, b"", 0x83, b"", start, size)
    mbr = bytearray(512)
    mbr[440:444] = struct.pack("<I", 0x48617274)
    mbr[446:446 + 32] = table
    mbr[510:512] = b"\x55\xaa"
    with open(image, "wb") as f:
        f.write(mbr)
        f.truncate((start + size) * 512)
    subprocess.run(["dd", f"if={disk}", f"of={image}", "bs=1M", "seek=2",
                    "conv=notrunc,sparse"], check=True,
                   stderr=subprocess.DEVNULL)


@pytest.mark.parametrize("root", ["/dev/vda2", "PARTUUID=48617274-02"])
def test_root_on_a_partition(machine, abi_disk, scratch, root):
    image = str(scratch / "parts.img")
    with_partition(abi_disk, image)
    m = machine.with_(disk=image, append=f"root={root} rootwait")
    with guest.Console(m) as c:
        c.expect(PROMPT, 90)
        c.line("grep -c . /proc/partitions; grep ' / ' /proc/mounts")
        c.expect("ext4")
        c.line("poweroff")
        c.wait_off()


def check(image):
    env = dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")
    run = subprocess.run(["e2fsck", "-fn", image], env=env, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert run.returncode == 0, run.stdout


def test_what_is_written_stays(machine, abi_disk, scratch):
    image = str(scratch / "copy.ext4")
    shutil.copyfile(abi_disk, image)
    m = machine.with_(disk=image, write=True)
    boot(m, "mkdir -p /w/d; for i in 1 2 3 4 5 6 7 8 9; do echo $i > /w/d/$i; "
         "done; dd if=/dev/zero of=/w/big bs=1M count=20; rm /w/d/5; "
         "mv /w/d/6 /w/six; ln /w/six /w/hard")
    check(image)
    out = boot(m, "ls /w/d | tr '\\n' ' '", "cat /w/six /w/hard",
               "stat -c %s /w/big")
    check(image)
    assert out == ["1 2 3 4 7 8 9", "6\n6", str(20 << 20)]


def test_a_second_disk(machine, abi_disk, scratch):
    image = str(scratch / "second.img")
    with open(image, "wb") as f:
        f.write(b"second disk".ljust(512))
        f.truncate(8 << 20)
    # The device tree of `virt` lists the higher transport first, and Linux
    # counts in that order.
    out = boot(machine.with_(disk=abi_disk, drive=image),
               "head -c 11 /dev/vda", "grep vda /proc/partitions",
               "grep ' / ' /proc/mounts | tail -n 1 | cut -d' ' -f1")
    assert out[0] == "second disk"
    assert out[1].split()[2] == "8192"
    assert out[2] == "/dev/vdb"


@pytest.fixture
def bare(machine, kernel):
    if kernel == "linux":
        pytest.skip("Debian's kernel has no initramfs of its own")
    return machine


def test_a_disk_of_zeros(bare, scratch):
    image = str(scratch / "zeros.img")
    with open(image, "wb") as f:
        f.truncate(16 << 20)
    with guest.Console(bare.with_(disk=image)) as c:
        c.expect(PROMPT, 60)
        c.line("mount | grep -c proc; echo $((6 * 7)); ls /bin | wc -l")
        c.expect(r"\n42\r?\n")
        c.expect(PROMPT)
        c.line("poweroff")
        c.wait_off()


def test_a_root_that_is_not_there(bare, abi_disk):
    """Linux's words, which people search for."""
    with guest.Console(bare.with_(disk=abi_disk, append="root=/dev/vdq")) as c:
        assert c.watch() == "panic"
    assert b"VFS: Unable to mount root fs" in c.text


@pytest.mark.parametrize("kind", ["", ".gz", ".zst"])
def test_an_initrd(bare, scratch, kind):
    """An initrd's files come on top of the ones inside the kernel."""
    data = images.newc([
        images.entry_dir("given"),
        images.entry_file("given/word", b"from the initrd\n")])
    path = str(scratch / ("given.cpio" + kind))
    tool = {"": ["cat"], ".gz": ["gzip", "-c"], ".zst": ["zstd", "-qc"]}[kind]
    with open(path, "wb") as f:
        subprocess.run(tool, input=data, stdout=f, check=True)
    with guest.Console(bare.with_(initrd=path)) as c:
        c.expect(PROMPT, 60)
        c.line("cat /given/word")
        c.expect(r"\nfrom the initrd")
        c.line("poweroff -f")
        c.wait_off()


def test_the_elf_file(bare, abi_disk):
    elf = os.path.join(images.BUILD, "hartwood")
    if bare.kernel != "hartwood" or not os.path.exists(elf):
        pytest.skip("no ELF file beside the kernel")
    assert boot(bare.with_(kernel=elf, disk=abi_disk), "echo up") == ["up"]


@pytest.mark.parametrize("command", ["reboot", "poweroff", "reboot -f"])
def test_the_ends(machine, abi_disk, command):
    """QEMU is told to exit where the machine would restart."""
    with guest.Console(machine.with_(disk=abi_disk)) as c:
        c.expect(PROMPT, 90)
        c.line(command)
        c.wait_off()
        assert not guest.PANIC.search(c.text)
