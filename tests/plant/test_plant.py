"""Each planted bug (kernel/task/plant.c) is found and named within a minute,
as docs/debugging.md tells."""
import os
import re
import subprocess

import pytest

import guest

LIMIT = 60


@pytest.fixture(scope="module")
def planted(machine, test_disk, kernel, tmp_path_factory):
    """A machine whose kernel has the bugs compiled in."""
    if kernel == "linux":
        pytest.skip("planted in Hartwood")
    build = str(tmp_path_factory.mktemp("plant"))
    done = subprocess.run(["make", "-C", guest.TOP, "CONFIG_PLANT=1",
                           "CONFIG_POISON=1", f"BUILD={build}", "all"],
                          text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout[-3000:]
    return machine.with_(kernel=os.path.join(build, "Image"), disk=test_disk,
                         smp=2)


def wait_for(planted, name, *patterns):
    """All of them come on the console, in this order, in time."""
    with guest.Console(planted.with_(append=f"plant={name}")) as c:
        for p in patterns:
            c.expect(p, LIMIT)


def test_deadlock(planted):
    wait_for(planted, "deadlock",
             r"INFO: task planter/0:\d+ blocked for more than",
             r"waits for mutex \S+, owner", r"plant_red_blue",
             r"INFO: task planter/1:\d+ blocked for more than",
             r"waits for mutex \S+, owner", r"plant_blue_red")


def test_lost_wakeup(planted):
    wait_for(planted, "lostwake",
             r"INFO: task planter/0:\d+ blocked for more than",
             r"waits on 0x", r"plant_eater")


def test_wild_write(planted):
    wait_for(planted, "wild",
             r"Kernel panic - not syncing: slab kmalloc-128: object \S+: "
             r"written past its end", r"planter/0")


def test_endless_loop(planted):
    wait_for(planted, "spin",
             r"hard LOCKUP on cpu \d+ \[planter/0:\d+\]")


def objects(text):
    return int(re.search(r"^plant_leak\s+(\d+)", text, re.M)[1])


def test_leak(planted):
    boot = guest.run(planted.with_(append="plant=leak"), [
        "grep plant_leak /proc/slabinfo",
        "mount -t tracefs x /sys/kernel/tracing; cd /sys/kernel/tracing; "
        "echo 1 >events/kmem/enable; sleep 4; echo 0 >tracing_on; "
        "grep mm_page_alloc trace | grep -c planter/0",
        "grep plant_leak /proc/slabinfo",
        "sort -rn /proc/allocinfo | head -n 3"])
    assert boot.ok, boot.complaint()
    before, traced, after, who = (c.out for c in boot.commands)
    assert objects(after) > objects(before) + 500
    assert int(traced) > 100
    assert "func:plant_leak" in who, who
