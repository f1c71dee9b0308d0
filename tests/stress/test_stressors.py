"""stress-ng and rt-tests, Debian's packages: each stressor for a second, each
test for a few rounds, with their own checks; none fails, none is skipped.
Linux passes the same commands first."""
import os
import re

import pytest

import debs
import guest
import images
import reference

TREE = os.path.join(images.BUILD, "stressors")
ENV = "cd /tmp; export LD_LIBRARY_PATH=/sng/usr/lib/riscv64-linux-gnu " \
      "PATH=/sng/usr/bin:$PATH; "
STRESSORS = """
affinity clone cpu-sched cyclic daemon dnotify eventfd exit-group fifo fork
futex kill mq msg mutex nice pidfd poll prio-inv pthread race-sched resched
schedmix schedpolicy sem sem-sysv session switch vfork wait workload yield
zombie alarm sigabrt sigchld sigfd sigfpe sigq sigrt sigsegv sigsuspend sigtrap
sigxcpu itimer timer timerfd clock get ioprio kcmp pty ptrace seccomp
""".split()
RT = ["cyclictest -q -m -S -p80 -i500 -l200", "pi_stress --duration=2 -q",
      "signaltest -q -l100 -t2", "ptsematest -q -S -l100 -p80",
      "sigwaittest -q -t2 -l100 -p80", "svsematest -q -S -l100 -p80",
      "pmqtest -q -S -l100 -p80", "rt-migrate-test -l2",
      "cyclicdeadline -q -D1 -t1 -i10000"] + \
     ["hackbench -g2 -l20 " + how for how in ("", "-p", "-T", "-T -p")]


def stress(names):
    return ENV + f"stress-ng --seq 2 --timeout 1 --verify --with " \
        f"{','.join(names)} 2>&1 | tail -n 60; exit ${{PIPESTATUS[0]}}"


def commands():
    """Some at a time: one that hangs does not hide which it was."""
    some = [STRESSORS[i:i + 9] for i in range(0, len(STRESSORS), 9)]
    return ["bash -c " + repr(stress(s)) for s in some] + \
        [ENV + c for c in RT]


def good(answer):
    skipped = re.search(r"skipped: [1-9]", answer.out)
    return answer.status == 0 and not answer.trouble and not skipped


@pytest.fixture(scope="session")
def stressors_disk():
    debs.unpack("stress", TREE)
    image = os.path.join(images.BUILD, "stressors.ext4")
    images.disk(image, "abi", 256, [(TREE, "/sng")])
    return image


@pytest.fixture(scope="session")
def linux(machine, stressors_disk):
    with open(stressors_disk + ".stamp") as f:
        stamp = f.read()
    m = machine.with_(disk=stressors_disk, smp=2, timeout=1500, silence=240)
    todo = commands()
    return reference.linux_answers(m, todo, [stamp] * len(todo), limit=240,
                                   keep=good)


def test_stressors(machine, stressors_disk, linux):
    for command, answer in zip(commands(), linux):
        assert good(answer), f"fails on Linux: {command}\n{answer.out}"
    m = machine.with_(disk=stressors_disk, smp=4, timeout=300, silence=60)
    b = guest.run(m, commands(), limit=60)
    assert b.ok, b.complaint()
    for c in b.commands:
        assert good(reference.Answer(c.out, c.status)), f"{c.text}\n{c.out}"
