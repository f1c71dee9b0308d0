"""Through a boot loader: U-Boot between the firmware and the kernel."""
import gzip
import os
import struct
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import boards
import guest
import images
import shell

SECTOR = 512
START = 2048                        # of the partition, in sectors


@pytest.fixture
def bare(machine, kernel):
    """A machine that starts U-Boot."""
    if kernel == "linux":
        pytest.skip("Debian's kernel has no initramfs of its own")
    return machine.with_(kernel=boards.u_boot())


def kernel_image(machine):
    path, _, _ = guest.kernel_files(machine)
    with open(path, "rb") as f:
        return f.read()


@pytest.fixture
def payload(machine, scratch):
    """A folder with the kernel, plain and compressed."""
    tree = scratch / "tree"
    tree.mkdir()
    data = kernel_image(machine)
    (tree / "Image").write_bytes(data)
    (tree / "Image.gz").write_bytes(gzip.compress(data, 6))
    return tree


def boot_disk(tree, image, size=16 << 20):
    """A disk with one bootable partition, an ext4 of what is in tree."""
    with open(image, "wb") as f:
        mbr = bytearray(SECTOR)
        mbr[446:462] = struct.pack("<B3sB3sII", 0x80, b"", 0x83, b"", START,
                                   size // SECTOR - START)
        mbr[510:] = b"\x55\xaa"
        f.write(mbr)
        f.truncate(size)
    env = dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")
    subprocess.run(["mkfs.ext4", "-q", "-F", "-d", str(tree), "-E",
                    f"offset={START * SECTOR},root_owner=0:0", image,
                    f"{(size - START * SECTOR) >> 10}k"], env=env, check=True)


def look_round(c, words):
    c.expect(r"Starting kernel", 120)
    assert len(shell.look_round(c)) == c.machine.smp
    c.line("cat /proc/cmdline")
    c.expect(rf"\n{words}\r?\n")
    shell.switch_off(c)


@pytest.mark.parametrize("name", ["Image", "Image.gz"])
def test_extlinux(bare, payload, scratch, name):
    """Nobody types: a disk with /extlinux/extlinux.conf boots by itself."""
    (payload / "extlinux").mkdir()
    (payload / "extlinux/extlinux.conf").write_text(
        "default hartwood\n\nlabel hartwood\n\tmenu label Hartwood\n"
        f"\tkernel /{name}\n\tappend quiet from=extlinux\n")
    disk = str(scratch / "boot.img")
    boot_disk(payload, disk)
    with guest.Console(bare.with_(disk=disk)) as c:
        look_round(c, "quiet from=extlinux")


@pytest.mark.parametrize("name, qemu, smp", [
    ("Image.gz", None, 4), ("Image", "10", 1)])
def test_tftp(bare, payload, name, qemu, smp):
    m = bare.with_(qemu=qemu, smp=smp, args=(
        "-netdev", f"user,id=n0,tftp={payload}",
        "-device", "virtio-net-device,netdev=n0"))
    with guest.Console(m) as c:
        c.expect("Hit any key", 120)
        c.line("")
        c.expect("=> $")
        c.line("setenv autoload no; setenv bootargs by=tftp; dhcp; "
               f"tftpboot ${{kernel_addr_r}} {name}; "
               "booti ${kernel_addr_r} - ${fdtcontroladdr}")
        look_round(c, "by=tftp")


def test_an_initrd_by_u_boot(bare, payload, scratch):
    """U-Boot writes the initrd's place into the tree."""
    data = images.newc([images.entry_dir("given"), images.entry_file(
        "given/word", b"from u-boot\n")])
    (payload / "given.cpio").write_bytes(data)
    (payload / "extlinux").mkdir()
    (payload / "extlinux/extlinux.conf").write_text(
        "default hartwood\nlabel hartwood\n\tkernel /Image\n"
        "\tinitrd /given.cpio\n")
    disk = str(scratch / "boot.img")
    boot_disk(payload, disk)
    with guest.Console(bare.with_(disk=disk)) as c:
        c.expect(r"Starting kernel", 120)
        c.expect(shell.PROMPT, 120)
        c.line("cat /given/word; poweroff")
        c.expect(r"\nfrom u-boot\r?\n")
        c.wait_off(60)
