"""The helpers of scripts/gdb, on a guest that runs."""
import os
import shutil
import subprocess
import tempfile

import pytest

import guest

GDB = shutil.which("gdb-multiarch")
PROMPT = r"root@hartwood:[^#\n]*# $"
KERNEL = os.environ.get("HARTWOOD_KERNEL",
                        os.path.join(guest.TOP, "build", "Image"))
ELF = os.path.join(os.path.dirname(KERNEL), "hartwood")


def ask(socket, *commands):
    """What the commands print, each after a line `== command`."""
    words = [GDB, "-nx", "-q", "-batch", "-ex", "set pagination off", "-ex",
             f"source {guest.TOP}/scripts/gdb/hartwood.py", "-ex",
             f"target remote {socket}"]
    for c in commands:
        words += ["-ex", f"echo == {c}\\n", "-ex", c]
    done = subprocess.run(words + [ELF], text=True, timeout=240,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    out = {}
    for part in done.stdout.split("\n== ")[1:]:
        name, _, rest = part.partition("\n")
        out[name] = rest
    return out, done.stdout


@pytest.mark.skipif(not GDB or not os.path.exists(ELF),
                    reason="needs gdb-multiarch and the kernel's ELF")
def test_helpers(machine, test_disk, kernel):
    if kernel == "linux":
        pytest.skip("they know Hartwood")
    with tempfile.TemporaryDirectory() as d:
        socket = os.path.join(d, "gdb")
        m = machine.with_(disk=test_disk,
                          args=("-gdb", f"unix:{socket},server,nowait"))
        with guest.Console(m) as c:
            c.expect(PROMPT, 120)
            c.line("mount -t tracefs x /sys/kernel/tracing; "
                   "echo 1 >/sys/kernel/tracing/events/enable; sleep 500 & "
                   "ls / >/dev/null; echo did-it")
            c.expect("[\r\n]did-it")
            c.expect(PROMPT)
            out, all_of_it = ask(socket, "hw", "hw-harts", "hw-tasks -s",
                                 "hw-runq", "hw-timers", "hw-mm 1",
                                 "hw-mounts", "hw-files 1", "hw-slab",
                                 "hw-pages", "hw-locks", "hw-blocked",
                                 "hw-trace 30")
    assert "Error" not in all_of_it and "Traceback" not in all_of_it, all_of_it
    assert "hw-timers" in out["hw"], all_of_it
    assert out["hw-harts"].count("hart ") == machine.smp
    tasks = out["hw-tasks -s"]
    assert "sleep" in tasks and "schedule" in tasks and "init" in tasks
    assert "sleeper_wake" in out["hw-timers"]
    assert "flags" in out["hw-mm 1"]
    assert "tracefs" in out["hw-mounts"] and "ext4" in out["hw-mounts"]
    assert "0: " in out["hw-files 1"]
    assert "dentry" in out["hw-slab"]
    assert "free" in out["hw-pages"]
    assert "sys_enter" in out["hw-trace 30"], out["hw-trace 30"]
