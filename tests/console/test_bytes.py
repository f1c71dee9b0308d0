"""Not a byte of what is printed is lost, whatever signals arrive meanwhile and
however slowly the host reads.  The program (bytes.c) is pid 1; no disk."""
import fcntl
import os
import random
import re
import subprocess
import threading
import time

import pytest

import guest
import images

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(images.BUILD, "console")
SETPIPE_SZ = 1031
SECONDS = 120
LETTERS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
LINES = b"".join(b"%05d %s\n" % (i, LETTERS[:i * 7 % 53])
                 for i in range(1500))
WITH_RETURNS = LINES.replace(b"\n", b"\r\n")
EXPECTED = {"raw": LINES, "opost": WITH_RETURNS, "kmsg": WITH_RETURNS,
            "calm": WITH_RETURNS, "pty": b"whole", "init": WITH_RETURNS}
KMSG = re.compile(rb"\[ *\d+\.\d{6}\] kmsg \d+\r?\n")


@pytest.fixture(scope="module")
def initrd():
    source, out = os.path.join(HERE, "bytes.c"), os.path.join(OUT, "bytes")
    os.makedirs(OUT, exist_ok=True)
    subprocess.run([images.cross() + "gcc", "-std=gnu11", "-D_GNU_SOURCE",
                    "-O2", "-Wall", "-static", "-s", "-o", out, source],
                   check=True)
    with open(out + ".cpio", "wb") as f:
        f.write(images.newc([
            images.entry_dir("dev"),
            images.entry_char("dev/console", 0o600, 5, 1),
            images.entry_file("init", images.content(out), 0o755)]))
    return out + ".cpio"


def read_slowly(machine):
    """All that the machine prints, through a pipe of one page.

    The standard input stays open: QEMU takes its end for leave to write, tries
    a full pipe four times at once, and drops the byte (hw/char/serial.c)."""
    keys, held = os.pipe()
    qemu = subprocess.Popen(guest.qemu_words(machine), stdin=keys,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    clock = threading.Timer(SECONDS, qemu.kill)
    clock.start()
    pipe, some, text = qemu.stdout.fileno(), random.Random(1), []
    fcntl.fcntl(pipe, SETPIPE_SZ, 4096)
    try:
        while got := os.read(pipe, some.choice([1, 100, 4095, 4096])):
            text.append(got)
            time.sleep(some.choice([0, 0, 0.001, 0.01]))
    finally:
        clock.cancel()
        qemu.kill()
        qemu.wait()
        qemu.stdout.close()
        os.close(keys)
        os.close(held)
    return b"".join(text)


@pytest.mark.parametrize("smp", [1, 2, 4])
def test_every_byte_arrives(machine, initrd, smp):
    text = read_slowly(machine.with_(smp=smp, mem="256M", initrd=initrd))
    assert b"@@bytes done" in text, text[-3000:].decode(errors="replace")
    for name, expected in EXPECTED.items():
        m = re.search(rb"@@bytes begin %b\r+\n(.*?)\r+\n@@bytes end %b\r"
                      % (name.encode(), name.encode()), text, re.S)
        assert m, name
        assert KMSG.sub(b"", m[1]) == expected, name
