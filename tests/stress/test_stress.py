"""Storms on 1 to 8 harts: nothing hangs, and memory comes back.

The program is built once and runs on Linux first.  HARTWOOD_STRESS=N makes
everything N times as long (`make stress`).
"""
import os
import re
import shutil
import subprocess

import pytest

import debs
import guest
import images
import reference

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(images.BUILD, "stress")
SCALE = int(os.environ.get("HARTWOOD_STRESS") or 0)
FLAGS = ["-std=gnu11", "-O2", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror",
         "-Wno-unused-result", "-pthread", "-static", "-s"]
# The tables of storms; ways.c has one of places where a task is killed.
STORMS = re.findall(r'^\t{ "([\w-]+)", \w+ },$', "\n".join(
    open(os.path.join(HERE, f)).read() for f in sorted(os.listdir(HERE))
    if f.endswith(".c") and f != "ways.c"), re.M)
# What a kernel may keep for each hart, in its lists of free things.  Linux
# has many more of them.
LIMIT = {"linux": 8192, "hartwood": 256}
# Of each kind of object, by Hartwood's exact count.
OBJECTS = 20
# Requests a second of the disk on which tasks are killed in page faults.
SLOW = 100


@pytest.fixture(scope="session")
def program():
    sources = sorted(os.path.join(HERE, f) for f in os.listdir(HERE)
                     if f.endswith((".c", ".h")))
    out = os.path.join(OUT, "stress")
    if not images.newer(out, *sources, __file__):
        os.makedirs(OUT, exist_ok=True)
        subprocess.run([images.cross() + "gcc", *FLAGS, "-o", out,
                        *(s for s in sources if s.endswith(".c"))],
                       check=True)
    return out


@pytest.fixture(scope="session")
def disk(program):
    image = os.path.join(images.BUILD, "stress.ext4")
    images.disk(image, "abi", 256, [(OUT, "/stress")])
    return image


@pytest.fixture(scope="session")
def slow_disk(program):
    """A program large enough to be read for a while."""
    folder = os.path.join(images.BUILD, "slow")
    image = folder + ".ext4"
    if not images.newer(image, program, __file__):
        os.makedirs(folder, exist_ok=True)
        shutil.copy(program, folder + "/big")
        os.truncate(folder + "/big", 4 << 20)
        subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-L", "slow", "-d", folder,
                        image + ".new", "16M"], check=True,
                       env=dict(os.environ, PATH=os.environ["PATH"]
                                + ":/usr/sbin:/sbin"))
        os.replace(image + ".new", image)
    return image


def command(kernel, storms):
    limit = LIMIT.get(kernel, LIMIT["hartwood"])
    return (f"mkdir -p /slow; mount -o ro LABEL=slow /slow && "
            f"/stress/stress -n {5 if SCALE else 1} -s {SCALE or 1} "
            f"-t {(300 if kernel == 'linux' else 60) * (SCALE or 1)} -l {limit} -o {OBJECTS} "
            f"{' '.join(storms)}; umount /slow")


def passed(answer):
    return {m[1] for m in re.finditer(r"^ok - (\S+)", answer.out, re.M)}


@pytest.fixture(scope="session")
def on_linux(machine, disk, slow_disk, program):
    m = machine.with_(disk=disk, smp=2, mem="512M", timeout=1200, silence=400,
                      drive=slow_disk, drive_iops=SLOW)
    commands = [command("linux", [s]) for s in STORMS]
    inputs = [debs.sha256(program)] * len(commands)
    answers = reference.linux_answers(m, commands, inputs, limit=400,
                                      keep=passed)
    return dict(zip(STORMS, answers))


@pytest.mark.parametrize("smp", [1, 2, 4, 8])
def test_storms(machine, kernel, disk, slow_disk, on_linux, smp):
    for storm, answer in on_linux.items():
        assert passed(answer), f"{storm} fails on Linux:\n{answer.out}" \
                               f"{answer.trouble}"
    m = machine.with_(disk=disk, smp=smp, mem="512M", drive=slow_disk,
                      drive_iops=SLOW, timeout=300 * (SCALE or 1), silence=70 * (SCALE or 1))
    b = guest.run(m, [command(kernel, STORMS)])
    assert b.ok, b.commands[0].out[-3000:] + b.complaint()
    assert passed(b.commands[0]) == set(STORMS), b.commands[0].out


def test_memory_is_eaten(machine, kernel, disk):
    """The eater dies, the console says why, and the shell goes on."""
    mem = "512M" if kernel == "linux" else "64M"
    m = machine.with_(disk=disk, mem=mem, append="loglevel=7")
    eat = "/stress/stress eat; echo status $?"
    b = guest.run(m, [eat, eat, "for i in 1 2 3; do /stress/stress eat & done;"
                      "wait; echo alive", "echo still here"])
    assert b.ok, b.complaint()
    out = [c.out for c in b.commands]
    assert "status 137" in out[0] and "status 137" in out[1]
    assert "alive" in out[2] and "still here" in out[3]
    everything = b.console + "".join(out)
    assert "Out of memory: Killed process" in everything


def test_memory_is_eaten_under_a_lock(machine, kernel, disk):
    """Who is killed first waits for a lock of the eater: then the eater is."""
    mem = "512M" if kernel == "linux" else "64M"
    m = machine.with_(disk=disk, mem=mem, append="loglevel=7")
    b = guest.run(m, ["/stress/stress eat-locked; echo status $?",
                      "echo still here"])
    assert b.ok, b.complaint()
    assert "status 137" in b.commands[0].out
    assert "still here" in b.commands[1].out
