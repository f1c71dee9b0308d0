"""Boot after boot to a clean power-off.  HARTWOOD_STRESS=N: 40 N boots for
each number of harts, so that 5 makes 200 (`make stress`)."""
import fcntl
import os
import re

import pytest

import guest

SCALE = int(os.environ.get("HARTWOOD_STRESS") or 0)
BOOTS = 40 * SCALE or 2
PROGRAM = "cat /proc/uptime; (sleep 0.01 & ls -l / | sort | wc -l; wait)"


def boot(machine):
    """One boot and what is wrong with it, or nothing."""
    with guest.Console(machine) as console:
        why = console.watch()
    if why or console.process.returncode:
        return f"{why or 'exit'}\n{console.tail()}"
    if not re.search(rb"@@hw end 0 0\r?\n", console.text):
        return f"no end\n{console.tail()}"
    return ""


def boots(machine, count):
    """The complaint of the first boot that goes wrong; each counts."""
    with open(machine.disk, "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        guest.write_commands(machine.disk, guest.script([PROGRAM]))
        try:
            for i in range(count):
                trouble = boot(machine)
                if trouble:
                    return f"boot {i + 1} of {count}: {trouble}"
        finally:
            guest.write_commands(machine.disk, "")
    return ""


@pytest.mark.parametrize("smp", [2, 4, 8])
def test_boots(machine, abi_disk, smp):
    trouble = boots(machine.with_(disk=abi_disk, smp=smp, timeout=90,
                                  silence=60), BOOTS)
    if trouble:
        pytest.fail(trouble, pytrace=False)
