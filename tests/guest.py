"""Boots kernels in QEMU and talks to them.

run() boots a kernel on a disk made by scripts/mkdisk, has it run commands, and
returns what each printed and its status.  The commands are written into the
blocks of /hartwood/cmd on the host's side before QEMU starts, so a kernel
needs no command line and no second disk to be told what to do; init marks
their beginnings and ends on the console:

    @@hw up                 init is there
    @@hw begin N            command N begins
    @@hw end N STATUS       and has ended
    @@hw down STATUS        all have ended, the machine powers off

Console is for what a person would do: type, and wait for text.

Each boot works on a snapshot: what the guest writes is thrown away.  A panic,
a long silence, and an end before its time are told apart.
"""
import dataclasses
import fcntl
import os
import re
import shlex
import subprocess
import sys
import tempfile
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "scripts"))
sys.dont_write_bytecode = True
import images

MARK = "#!hw\n"
PANIC = re.compile(rb"Kernel panic|\bPANIC\b")
# Linux takes Sv57 where it is there, and then what is too large for a user's
# address space differs: let it have the Sv39 that Hartwood has.
LINUX_APPEND = "quiet no4lvl"
# Characters kept of the console: a broken program can print for ever.
LIMIT = 4 << 20


@dataclasses.dataclass
class Machine:
    """What is booted, and on what."""
    kernel: str = "hartwood"    # hartwood, linux, or the path of a kernel
    disk: str = None            # virtio-mmio-bus.0
    smp: int = 2
    mem: str = "1G"
    append: str = ""
    initrd: str = None
    qemu: str = None            # 7, 10, or the path of an emulator
    drive: str = None           # virtio-mmio-bus.1
    drive_iops: int = 0         # requests a second it does at most; 0: any
    net: bool = False           # virtio-mmio-bus.2
    write: bool = False         # to the disk itself, not to a snapshot
    board: str = "virt"         # QEMU's machine
    firmware: str = None        # a file, if not QEMU's own
    dtb: str = None             # a file, if not QEMU's own
    uart: int = 0               # the one that is the console
    args: tuple = ()            # for QEMU
    timeout: float = 600        # seconds for the whole boot
    silence: float = 120        # seconds without output that count as a hang

    def with_(self, **changes):
        return dataclasses.replace(self, **changes)


@dataclasses.dataclass
class Command:
    text: str
    out: str = ""
    status: int = None          # None: it did not come to an end
    seconds: float = None


@dataclasses.dataclass
class Boot:
    """What was seen of one boot."""
    end: str                    # off, panic, hang, timeout, exit
    up: float = None            # seconds until init was there
    seconds: float = None
    status: int = None          # of the shell that ran the commands
    commands: list = dataclasses.field(default_factory=list)
    console: str = ""           # all but what the commands printed
    tail: str = ""              # the last lines of everything

    @property
    def ok(self):
        return self.end == "off"

    def complaint(self):
        """One text for a failed test: how it ended and the console's end."""
        return f"the boot ended in: {self.end}\n--- console ---\n{self.tail}"


def emulator(machine):
    which = machine.qemu or os.environ.get("HARTWOOD_QEMU") or "7"
    if which in ("7", "host"):
        return "qemu-system-riscv64"
    if which == "10":
        return os.path.join(TOP, "scripts", "qemu10")
    return which


def kernel_files(machine):
    """(kernel, initrd, command line) of a machine."""
    if machine.kernel == "linux":
        kernel, initrd = images.linux()
        return kernel, machine.initrd or initrd, \
            (LINUX_APPEND + " " + machine.append).strip()
    kernel = machine.kernel
    if kernel == "hartwood":
        kernel = os.environ.get("HARTWOOD_KERNEL") or \
            os.path.join(TOP, "build", "Image")
    return kernel, machine.initrd, machine.append


def is_debug(machine):
    """Is the kernel a debug build?  Its checks have their price."""
    kernel = os.path.abspath(kernel_files(machine)[0])
    return os.path.basename(os.path.dirname(kernel)) == "debug"


def qemu_words(machine):
    kernel, initrd, append = kernel_files(machine)
    if not os.path.exists(kernel):
        raise FileNotFoundError(f"no kernel at {kernel}")
    words = [emulator(machine), "-machine", machine.board,
             "-smp", str(machine.smp), "-m", machine.mem, "-display", "none",
             *["-serial", "null"] * machine.uart, "-serial", "stdio",
             "-monitor", "none", "-no-reboot", "-kernel", kernel]
    if machine.firmware:
        words += ["-bios", machine.firmware]
    if machine.dtb:
        words += ["-dtb", machine.dtb]
    snapshot = "" if machine.write else ",snapshot=on"
    for i, disk in enumerate((machine.disk, machine.drive)):
        if disk:
            limit = f",throttling.iops-total={machine.drive_iops}" \
                if i and machine.drive_iops else ""
            words += ["-drive", f"file={disk},if=none,format=raw,id=d{i}"
                      + snapshot + limit, "-device",
                      f"virtio-blk-device,drive=d{i},"
                      f"bus=virtio-mmio-bus.{i}"]
    if machine.net:
        words += ["-netdev", "user,id=n0", "-device",
                  "virtio-net-device,netdev=n0,bus=virtio-mmio-bus.2"]
    if initrd:
        words += ["-initrd", initrd]
    if append:
        words += ["-append", append]
    return words + list(machine.args)


class Console:
    """A running machine and its serial console.

        with Console(machine) as c:
            c.expect(r"# $")
            c.send("echo hello\\r")
            c.expect("hello")

    What arrives is kept in `text` (bytes); expect() searches what has arrived
    since the end of the last match.
    """

    def __init__(self, machine, show=False):
        self.machine = machine
        self.text = b""
        self.stamps = []            # (offset of a line's end, seconds)
        self.at = 0
        self.show = show
        self.closed = False
        self.changed = threading.Condition()
        self.start = time.monotonic()
        self.last = self.start
        env = dict(os.environ)
        if os.access("/dev/shm", os.W_OK):      # where snapshots go
            env["TMPDIR"] = "/dev/shm"
        self.process = subprocess.Popen(
            qemu_words(machine), stdin=subprocess.PIPE, env=env,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def _read(self):
        while True:
            got = os.read(self.process.stdout.fileno(), 65536)
            now = time.monotonic()
            with self.changed:
                self.last = now
                if not got:
                    self.closed = True
                elif len(self.text) < LIMIT:
                    self.text += got
                    self.stamps.append((len(self.text), now - self.start))
                self.changed.notify_all()
            if not got:
                return
            if self.show:
                sys.stderr.buffer.write(got)
                sys.stderr.flush()

    def send(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def line(self, text):
        """Types a line."""
        self.send(text + "\r")

    def expect(self, pattern, timeout=20):
        """Waits for a regular expression; the match.  AssertionError with the
        end of the console if it does not come, or the kernel panics."""
        regex = re.compile(pattern.encode())
        end = time.monotonic() + timeout
        with self.changed:
            while True:
                m = regex.search(self.text, self.at)
                if m:
                    self.at = m.end()
                    return m
                left = end - time.monotonic()
                if self.closed or left <= 0 or PANIC.search(self.text):
                    break
                self.changed.wait(left)
        why = "panic" if PANIC.search(self.text) else \
            "QEMU has ended" if self.closed else f"not within {timeout} s"
        raise AssertionError(f"expected {pattern!r}: {why}\n"
                             f"--- console ---\n{self.tail()}")

    def tail(self, size=4000):
        return self.text[-size:].decode("utf-8", "replace").replace("\r", "")

    def wait_off(self, timeout=30):
        """Waits until the machine is off; its seconds so far."""
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError("the machine did not power off\n"
                                 f"--- console ---\n{self.tail()}") from None
        self.thread.join(5)
        return time.monotonic() - self.start

    def watch(self):
        """Waits for the end of the boot; why it ended."""
        machine, why = self.machine, None
        with self.changed:
            while not self.closed and why is None:
                now = time.monotonic()
                if now - self.start > machine.timeout:
                    why = "timeout"
                elif now - self.last > machine.silence:
                    why = "hang"
                elif PANIC.search(self.text, max(0, self.at - 16)):
                    why = "panic"
                else:
                    self.at = len(self.text)
                    self.changed.wait(min(
                        machine.timeout - (now - self.start),
                        machine.silence - (now - self.last)) + 0.01)
        if why == "panic":          # let it print the rest
            time.sleep(1.5)
        self.kill()
        if why is None and PANIC.search(self.text):
            why = "panic"
        return why

    def kill(self):
        if self.process.poll() is None and not self.closed:
            self.process.kill()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.thread.join(5)
        self.process.stdin.close()
        self.process.stdout.close()

    def time_at(self, offset):
        """When the text up to that offset was there."""
        for end, seconds in self.stamps:
            if end >= offset:
                return seconds
        return None


# Commands

def debugfs(image, request):
    env = dict(os.environ, PATH=os.environ.get("PATH", "")
               + ":/usr/sbin:/sbin")
    return subprocess.run(["debugfs", "-R", request, image], env=env,
                          text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, check=True).stdout


def write_commands(image, text):
    """Puts text into the blocks of /hartwood/cmd; its size does not change."""
    data = text.encode()
    if len(data) > images.COMMANDS_SIZE:
        raise ValueError("the commands are longer than 64 KiB")
    data = data.ljust(images.COMMANDS_SIZE, b"\n")
    size = int(re.search(r"Block size:\s+(\d+)",
                         debugfs(image, "stats -h"))[1])
    blocks = [int(b) for b in
              debugfs(image, "blocks " + images.COMMANDS).split()]
    if len(blocks) * size < images.COMMANDS_SIZE:
        raise ValueError(f"{image} has no {images.COMMANDS}")
    before = os.stat(image)
    with open(image, "r+b") as f:
        for i, block in enumerate(blocks):
            f.seek(block * size)
            f.write(data[i * size:(i + 1) * size])
    # Not a change that mkdisk --keep should take for somebody's work.
    os.utime(image, ns=(before.st_atime_ns, before.st_mtime_ns))


def script(commands, limit=None):
    """The shell script that runs the commands between their markers."""
    lines = [MARK + "cd /root"]
    under = f"timeout -k 5 {limit} " if limit else ""
    for i, c in enumerate(commands):
        lines += [f"printf '\\n@@hw begin {i}\\n'",
                  f"{under}sh -c {shlex.quote(c)} </dev/null 2>&1",
                  f"printf '\\n@@hw end {i} %d\\n' $?"]
    return "\n".join(lines + ["exit 0", ""])


def plain(data):
    """Console bytes as text, without what the terminal added to newlines."""
    return data.replace(b"\r\n", b"\n").decode("utf-8", "replace")


def parse(console, boot, commands):
    """Sorts a finished console's text into the commands and the rest."""
    text, rest, at, cur, began = console.text, [], 0, None, 0
    for m in re.finditer(rb"(?:^|\r?\n)@@hw (\w+) ?(\d*) ?(\d*)\r?\n", text):
        when, before, word = console.time_at(m.end()), text[at:m.start()], m[1]
        at = m.end()
        if cur is None:
            rest.append(plain(before))
        else:
            cur.out = plain(before)
        if word == b"up":
            boot.up = when
        elif word == b"begin" and int(m[2]) < len(commands):
            cur, began = Command(commands[int(m[2])]), when
            boot.commands.append(cur)
        elif word == b"end" and cur:
            cur.status, cur.seconds = int(m[3]), when - began
            cur = None
        elif word == b"down":
            boot.status = int(m[2])
    if cur is None:
        rest.append(plain(text[at:]))
    else:
        cur.out = plain(text[at:])
    boot.console = "\n".join(rest)


def run(machine, commands, limit=None, show=False):
    """Boots, runs the commands one after the other, and returns a Boot."""
    with open(machine.disk, "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)    # /hartwood/cmd is the image's own
        write_commands(machine.disk, script(commands, limit))
        try:
            with Console(machine, show) as console:
                why = console.watch()
        finally:
            write_commands(machine.disk, "")
    boot = Boot(why or "exit", seconds=time.monotonic() - console.start,
                tail=console.tail())
    parse(console, boot, commands)
    if why is None and boot.status is not None and \
       console.process.returncode == 0:
        boot.end = "off"
    return boot
