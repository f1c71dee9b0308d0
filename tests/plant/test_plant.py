"""Each planted bug (kernel/task/plant.c) is found and named within a minute,
as docs/debugging.md tells.  All of them grow at the same time, each in a
machine of its own."""
import os
import re
import shutil
import subprocess
import time

import pytest

import guest
import images

LIMIT = 60
PROMPT = r"root@hartwood:[^#\n]*# $"
BUGS = ("deadlock", "lostwake", "leak", "wild", "spin")
BUILD = os.path.join(images.BUILD, "plant")
GDB = shutil.which("gdb-multiarch")


def build():
    """The kernel with the bugs compiled in."""
    env = {k: v for k, v in os.environ.items()
           if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    done = subprocess.run(["make", "-C", guest.TOP, f"-j{os.cpu_count()}",
                           "CONFIG_DEBUG=0", "CONFIG_PLANT=1",
                           "CONFIG_POISON=1",
                           f"BUILD={os.path.relpath(BUILD, guest.TOP)}",
                           "all"], text=True, env=env, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout[-3000:]
    return os.path.join(BUILD, "Image")


@pytest.fixture(scope="module")
def consoles(machine, test_disk, kernel, tmp_path_factory):
    """{bug: the console of the machine where it grows}."""
    if kernel == "linux":
        pytest.skip("planted in Hartwood")
    m = machine.with_(kernel=build(), disk=test_disk, smp=2)
    where = tmp_path_factory.mktemp("plant")
    started = {}
    try:
        for bug in BUGS:
            started[bug] = guest.Console(m.with_(
                append=f"plant={bug}", args=(
                    "-gdb", f"unix:{where}/{bug},server,nowait")))
        yield started
    finally:
        for c in started.values():
            c.kill()


def wait_for(console, *patterns):
    """All of them come on the console, in this order, in time."""
    for p in patterns:
        left = LIMIT - (time.monotonic() - console.start)
        console.expect(p, max(left, 1))


def ask_gdb(console, *commands):
    socket = console.machine.args[1].split(",")[0]
    words = [GDB, "-nx", "-q", "-batch", "-ex", "set pagination off", "-ex",
             f"source {guest.TOP}/scripts/gdb/hartwood.py", "-ex",
             f"target remote {socket[5:]}"]
    for c in commands:
        words += ["-ex", c]
    return subprocess.run([*words, os.path.join(BUILD, "hartwood")],
                          text=True, timeout=120, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT).stdout


def test_wild_write(consoles):
    c = consoles["wild"]
    assert c.watch() == "panic", c.tail()
    assert time.monotonic() - c.start < LIMIT
    assert re.search(rb"Kernel panic - not syncing: slab kmalloc-128: object "
                     rb"\S+: written past its end(?s:.*)planter/0", c.text), \
        c.tail()


def test_leak(consoles):
    """The cache that only grows, and the task that asks for the pages."""
    c = consoles["leak"]

    def objects():
        c.line("grep ^plant_leak /proc/slabinfo")
        found = int(c.expect(r"plant_leak +(\d+) +\d+ +2048")[1])
        c.expect(PROMPT)
        return found

    c.expect(PROMPT, LIMIT)
    before = objects()
    c.line("mount -t tracefs x /sys/kernel/tracing; cd /sys/kernel/tracing; "
           "echo 1 >events/kmem/enable; sleep 4; echo 0 >tracing_on; "
           "grep mm_page_alloc trace | grep -c planter/0")
    traced = int(c.expect(r"[\r\n](\d+)\r?\n", 30)[1])
    c.expect(PROMPT)
    assert objects() > before + 500
    assert traced > 100
    c.line("sort -rn /proc/allocinfo | head -n 3")
    c.expect(r"func:plant_leak\r?\n", 30)


def test_endless_loop(consoles):
    wait_for(consoles["spin"],
             r"hard LOCKUP on cpu \d+ \[planter/0:\d+\]")


def test_deadlock(consoles):
    wait_for(consoles["deadlock"],
             r"INFO: task planter/0:\d+ blocked for more than",
             r"waits for mutex \S+, owner", r"plant_red_blue",
             r"INFO: task planter/1:\d+ blocked for more than",
             r"waits for mutex \S+, owner", r"plant_blue_red")


def test_lost_wakeup(consoles):
    wait_for(consoles["lostwake"],
             r"INFO: task planter/0:\d+ blocked for more than",
             r"waits on 0x", r"plant_eater")


@pytest.mark.skipif(not GDB, reason="needs gdb-multiarch")
def test_gdb_names_them_too(consoles):
    locks = ask_gdb(consoles["deadlock"], "hw-locks")
    for task, waits, owner in (("planter/0", "blue", "planter/1"),
                               ("planter/1", "red", "planter/0")):
        assert re.search(rf"\({task}\)\n  waits: mutex {waits} \S+ held by "
                         rf"task \d+ \({owner}\)", locks), locks
    lost = ask_gdb(consoles["lostwake"], "hw-blocked", "print basket")
    assert re.search(r"\(planter/0\) D .*\n  waits: queue basket_wait", lost), \
        lost
    assert "= 1" in lost, lost
    assert "plant_spin" in ask_gdb(consoles["spin"],
                                   "thread apply all backtrace 3")
