"""Counts what an operation costs, in what a busy host cannot change.

count() boots a kernel under QEMU's -icount, where the guest's clock moves by
so many nanoseconds an instruction, and runs `ops -c` there.  The program stops
at the console before and after a window of operations, and meanwhile the
emulator's monitor is asked (`info jit`) how often it has emptied a soft TLB.
Of several windows the smallest figure counts: a timer that goes off in one is
not the operation's.
"""
import dataclasses
import fcntl
import os
import re
import socket
import subprocess
import tempfile
import time

import guest
import images

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(images.BUILD, "bench")
FLAGS = ["-std=gnu11", "-O2", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror",
         "-Wno-unused-parameter", "-Wno-missing-field-initializers",
         "-pthread", "-static", "-s"]
SHIFT = 4                   # 16 ns of the guest's clock are an instruction
DIR = "/bench"              # on the disks
# Random numbers are the same at each boot, and the guest's clock knows no other
# time than its own, which is later than that of the disk's files.
ALWAYS = ("-seed", "1", "-rtc", "base=2035-01-01T00:00:00,clock=vm")


@dataclasses.dataclass
class Figure:
    """What one operation took."""
    flushes: float
    instructions: int


@dataclasses.dataclass
class Counts:
    figures: dict           # {operation: Figure}
    memory: int = None      # kB in use at the first command
    trouble: str = ""       # how the boot ended, if not well


def build():
    """The program, for the machine that is booted."""
    sources = sorted(os.path.join(HERE, f) for f in os.listdir(HERE)
                     if f.startswith("ops") and f.endswith((".c", ".h")))
    out = os.path.join(OUT, "ops")
    if not images.newer(out, *sources, __file__):
        os.makedirs(OUT, exist_ok=True)
        subprocess.run([images.cross() + "gcc", *FLAGS, "-o", out,
                        *(s for s in sources if s.endswith(".c"))],
                       check=True)
    return out


def disk():
    """A small disk with the program."""
    image = os.path.join(images.BUILD, "bench-ops.ext4")
    images.disk(image, "abi", 224, [(build(), DIR + "/ops")])
    return image


def append_of(kernel):
    """The command line; for Hartwood with what it finds out by the clock,
    where the clock counts instructions."""
    return "" if kernel == "linux" else "user_access=open image_aslr=boot"


class Monitor:
    """The emulator's monitor, on a socket of its own."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        for _ in range(200):
            try:
                self.socket.connect(path)
                break
            except OSError:
                time.sleep(0.05)
        self.until_prompt()

    def until_prompt(self):
        text = b""
        while not text.endswith(b"(qemu) "):
            got = self.socket.recv(65536)
            if not got:
                raise EOFError("the monitor has gone")
            text += got
        return text.decode("utf-8", "replace")

    def command(self, text):
        self.socket.sendall(text.encode() + b"\n")
        return self.until_prompt()

    def flushes(self):
        """Soft TLBs emptied so far, over all harts.  A flush that is not full
        is counted by QEMU once for each of its TLBs, of which 7.2 has 8 and
        10 has 16, whether it had something to do (partial) or not."""
        text = self.command("info jit")
        full, partial, elided = (
            int(re.search(rf"TLB {word} flush\w*\s+(\d+)", text)[1])
            for word in ("full", "partial", "elided"))
        return full + (partial + elided) / self.modes

    def version(self):
        version = re.search(r"^(\d+)\.\d+", self.command("info version"), re.M)
        self.modes = 8 if int(version[1]) < 9 else 16


MARK = r"@@ops (start|stop) (\S+) (\d+)\r?\n|@@hw (down|end 1)"


def windows(console, monitor):
    """Answers the program until it ends; {operation: [Figure of a window]}."""
    found, before, times = {}, 0, 1
    while True:
        m = console.expect(MARK, timeout=console.machine.silence)
        if not m[1]:
            return found
        name, value = m[2].decode(), int(m[3])
        if m[1] == b"start":
            before, times = monitor.flushes(), value
        else:
            found.setdefault(name, []).append(Figure(
                (monitor.flushes() - before) / times,
                round(value / 2 ** SHIFT / times)))
        console.send("\n")


def smallest(found):
    return {name: Figure(round(min(w.flushes for w in ws), 2),
                         min(w.instructions for w in ws))
            for name, ws in found.items()}


def memory_in_use(machine, text):
    """kB not free, of what the machine has."""
    free = re.search(r"^MemFree:\s+(\d+)", text, re.M)
    size = int(machine.mem[:-1]) << {"M": 10, "G": 20}[machine.mem[-1]]
    return size - int(free[1]) if free else None


def count(machine, image, names=(), icount=True, ask=None):
    """Counts of the operations named, or of all that the harts allow; or what
    ask(console, path of the monitor's socket) returns."""
    with tempfile.TemporaryDirectory() as where, open(image, "rb") as lock:
        path = os.path.join(where, "monitor")
        extra = ("-monitor", f"unix:{path},server=on,wait=off")
        if icount:
            extra += ("-icount", f"shift={SHIFT},sleep=off", *ALWAYS)
        fcntl.flock(lock, fcntl.LOCK_EX)
        guest.write_commands(image, guest.script(
            ["cat /proc/meminfo", f"{DIR}/ops -c {' '.join(names)}"]))
        counts = Counts({})
        try:
            with guest.Console(machine.with_(
                    disk=image, args=machine.args + extra)) as console:
                counts = (ask or talk)(console, path)
        finally:
            guest.write_commands(image, "")
    return counts


def talk(console, path):
    monitor = Monitor(path)
    monitor.version()
    counts = Counts({})
    try:
        counts.figures = smallest(windows(console, monitor))
        console.expect("@@hw down")
    except (AssertionError, OSError, EOFError) as e:
        counts.trouble = str(e)
    counts.memory = memory_in_use(console.machine,
                                  guest.plain(console.text))
    return counts
