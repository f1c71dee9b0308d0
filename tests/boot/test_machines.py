"""One kernel file on many machines: to a shell, each on its own console."""
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import boards
import guest
import shell

# As near to SiFive's U74 as QEMU comes: faults where a page was not marked
# as used, no comparator in the hart, Sv39, the time from the firmware.
U74 = ("rv64,svade=true,svadu=false,sstc=false,h=false,sv48=false,sv57=false,"
       "zicntr=false,zicbom=false,zicboz=false,zawrs=false,zfa=false,"
       "zba=true,zbb=true,zbc=false,zbs=false")
# A hart that knows no register younger than that of the U74.
OLD_U74 = ("rv64,priv_spec=v1.11.0,svade=true,svadu=false,h=false,sstc=false,"
           "sv48=false,sv57=false")


@pytest.fixture
def bare(machine, kernel):
    if kernel == "linux":
        pytest.skip("Debian's kernel has no initramfs of its own")
    return machine


def visit(machine, powers_off=True):
    """The processors, and the terminal, which is the console."""
    with guest.Console(machine) as c:
        cpus = shell.look_round(c)
        c.line("tty; cat /sys/class/tty/console/active")
        names = c.expect(r"\n/dev/(\w+)\r?\n(\w+)\r?\n")
        assert names[1] == names[2]
        if powers_off:
            shell.switch_off(c)
        else:
            c.line("poweroff")
            c.expect("reboot: Power down", 60)
        return cpus, names[1].decode()


def harts(cpus):
    return sorted(int(c["hart"]) for c in cpus)


@pytest.mark.parametrize("qemu, smp", [("7", 2), ("10", 8)])
def test_virt(bare, qemu, smp):
    cpus, tty = visit(bare.with_(qemu=qemu, smp=smp))
    assert harts(cpus) == list(range(smp))
    assert tty == "ttyS0"


@pytest.mark.parametrize("cpu", [U74, OLD_U74], ids=["u74", "u74-v1.11"])
def test_dressed_as_a_u74(bare, cpu):
    cpus, _ = visit(bare.with_(qemu="10", smp=4, args=("-cpu", cpu)))
    assert harts(cpus) == [0, 1, 2, 3]
    for c in cpus:
        assert c["mmu"] == "sv39"
        assert "sstc" not in c["isa"]


@pytest.mark.parametrize("qemu, firmware", [
    ("7", "its own"), ("7", "1.6"), ("10", "1.6")])
def test_sifive_u(bare, qemu, firmware):
    """Hart 0 has no supervisor mode, and is no processor of ours.  There is
    no way to switch this machine off."""
    cpus, tty = visit(bare.with_(
        qemu=qemu, board="sifive_u", smp=5, mem="2G",
        firmware=boards.opensbi() if firmware == "1.6" else None),
        powers_off=False)
    assert harts(cpus) == [1, 2, 3, 4]
    assert tty == "ttySIF0"


@pytest.mark.parametrize("qemu", ["7", "10"])
def test_icicle_kit(bare, qemu):
    """The tree is Debian's, of a board with more RAM than QEMU has below
    3 GiB: the memory of the second gigabyte starts 1 GiB further up."""
    cpus, tty = visit(bare.with_(
        qemu=qemu, board="microchip-icicle-kit", smp=5, mem="3G", uart=1,
        firmware=boards.opensbi(),
        dtb=boards.trees()["microchip-mpfs-icicle-kit"]), powers_off=False)
    assert harts(cpus) == [1, 2, 3, 4]
    assert tty == "ttyS1"
