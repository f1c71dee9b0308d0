"""Allocations that fail on demand: system calls answer with an errno, nothing
is lost, and the kernel lives.  Only debug builds can make them fail."""
import os
import subprocess

import pytest

import guest
import images

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(images.BUILD, "fault")
FLAGS = "-std=gnu11 -O2 -D_GNU_SOURCE -Wall -static -s".split()
SKIPPED = 77


@pytest.fixture(scope="session")
def fault_disk():
    source, out = os.path.join(HERE, "fail_nth.c"), \
        os.path.join(OUT, "fail_nth")
    os.makedirs(OUT, exist_ok=True)
    if not images.newer(out, source):
        subprocess.run([images.cross() + "gcc", *FLAGS, "-o", out, source],
                       check=True)
    image = os.path.join(images.BUILD, "fault.ext4")
    images.disk(image, "abi", 192, [(out, "/fault/fail_nth")])
    return image


@pytest.mark.parametrize("where", ["/root/fault", "/tmp/fault"])
def test_allocations_that_fail(machine, fault_disk, where):
    """On ext4, and on tmpfs."""
    boot = guest.run(machine.with_(disk=fault_disk),
                     ["/fault/fail_nth " + where])
    if not boot.ok or not boot.commands:
        pytest.fail(boot.complaint(), pytrace=False)
    if boot.commands[0].status == SKIPPED:
        pytest.skip("not a debug build")
    if boot.commands[0].status:
        pytest.fail(boot.commands[0].out, pytrace=False)
    print(boot.commands[0].out)
