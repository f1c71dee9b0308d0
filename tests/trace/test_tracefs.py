"""tracefs and sysrq: what recorders and people read of a running kernel.  The
files mean the same on Linux, which runs these too."""
import os
import re
import subprocess
import sys

import guest

TRACING = "/sys/kernel/tracing"
LINE = re.compile(r"^\s*(.+)-(\d+)\s+\[(\d+)\] (\S{5})\s+(\d+\.\d{6}): "
                  r"(\w+): (.*)$", re.M)
MOUNT = (f"mountpoint -q {TRACING} || mount -t tracefs x {TRACING}; "
         f"cd {TRACING}; ")


def run(machine, disk, *commands, append=""):
    m = machine.with_(disk=disk, append=append)
    boot = guest.run(m, [MOUNT + c for c in commands])
    assert boot.ok, boot.complaint()
    return [c.out for c in boot.commands]


def test_events_and_text(machine, test_disk, tmp_path):
    formats, filters, text = run(
        machine, test_disk,
        "cat events/sched/sched_switch/format",
        "echo 'prev_pid > 0 && next_comm != \"cat\"' "
        ">events/sched/sched_switch/filter; "
        "cat events/sched/sched_switch/filter; "
        "echo 0 >events/sched/sched_switch/filter; "
        "echo 'nonsense == 1' 2>/dev/null >events/sched/sched_switch/filter "
        "|| echo refused; echo 0 >events/sched/sched_switch/filter",
        "echo 1 >events/sched/enable; echo sched:sched_switch "
        "raw_syscalls:sys_enter raw_syscalls:sys_exit >>set_event; "
        "echo a-mark >trace_marker; sleep 0.1; ls / >/dev/null; "
        "echo 0 >tracing_on; cat trace")
    assert "field:char prev_comm[16];\toffset:8;\tsize:16;" in formats
    assert 'prev_pid > 0 && next_comm != "cat"' in filters
    assert text.startswith("# tracer: nop")
    lines = LINE.findall(text)
    names = {m[5] for m in lines}
    assert {"sched_switch", "sched_wakeup", "sys_enter", "sys_exit",
            "tracing_mark_write"} <= names
    times = [float(m[4]) for m in lines]
    assert times == sorted(times)
    assert any(re.match(r"prev_comm=.* prev_pid=\d+ prev_prio=\d+ "
                        r"prev_state=\S+ ==> next_comm=.* next_pid=\d+ "
                        r"next_prio=\d+$", m[6])
               for m in lines if m[5] == "sched_switch")
    recording = tmp_path / "trace"
    recording.write_text(text)
    svg = subprocess.run([sys.executable,
                          os.path.join(guest.TOP, "scripts", "trace-picture"),
                          str(recording)], text=True, check=True,
                         stdout=subprocess.PIPE).stdout
    assert "<svg" in svg and "hart 0" in svg and "sleep" in svg


def test_filter_keeps_what_it_says(machine, test_disk):
    text, = run(machine, test_disk,
                "echo 'prev_comm == \"ls\"' "
                ">events/sched/sched_switch/filter; "
                "echo 1 >events/sched/sched_switch/enable; ls / >/dev/null; "
                "sleep 0.2; echo 0 >tracing_on; cat trace")
    lines = LINE.findall(text)
    assert lines and all("prev_comm=ls " in m[6] for m in lines)


def test_strace_parameter(machine, test_disk, kernel):
    if kernel == "linux":
        return
    out, = run(machine, test_disk, "true; /bin/true; dmesg | grep strace:",
               append="strace=true")
    assert re.search(r"strace: true\[\d+\] openat\(-100, \"/etc/ld.so.cache\"",
                     out)
    assert re.search(r"strace: true\[\d+\] openat = 3", out)


def test_sysrq(machine, test_disk):
    out, = run(machine, test_disk,
               "for k in h m w t l s; do echo $k >/proc/sysrq-trigger; done; "
               "sleep 1; dmesg")
    for text in ("sysrq: Show Memory", "sysrq: Show Blocked State",
                 "sysrq: Show State", "sysrq: Emergency Sync",
                 "Emergency Sync complete"):
        assert text in out
