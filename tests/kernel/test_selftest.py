"""The self-tests inside the kernel: `selftest` on its command line runs them
at boot; they report as TAP on the console, and the machine powers off."""
import re

import pytest

import guest

LINE = re.compile(r"^(not )?ok \d+(?: -)? ?(\S+)", re.M)
PLAN = re.compile(r"^1\.\.(\d+)$", re.M)


@pytest.mark.parametrize("smp", [1, 2, 4])
def test_selftests(machine, kernel, abi_disk, smp):
    if kernel == "linux":
        pytest.skip("Linux has none")
    m = machine.with_(disk=abi_disk, smp=smp, append="selftest")
    with guest.Console(m) as console:
        why = console.watch()
    text = guest.plain(console.text)
    results = LINE.findall(text)
    plan = PLAN.search(text)
    bad = [name for no, name in results if no]
    assert not bad, f"failed: {' '.join(bad)}\n{text[-8000:]}"
    assert why is None and console.process.returncode == 0, \
        f"ended in {why}\n{console.tail()}"
    assert plan and int(plan[1]) == len(results) > 0, console.tail()
