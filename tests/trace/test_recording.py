"""A make -j4 at four harts, recorded: by Debian's trace-cmd, and as tracefs'
own text.  The recorder, hackbench and what is made lie on a second disk,
where the recordings are left for the host to look at."""
import os
import re
import shutil
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import debs
import ftrace_text
import guest
import images

HARTS = 4
UNITS = 8
HERE = os.path.dirname(os.path.abspath(__file__))
ENV = dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")
TRACING = "/sys/kernel/tracing"

MAKEFILE = """CFLAGS := -O2
all: $(patsubst %.c,%.o,$(wildcard *.c))
	@echo made $(words $^)
%.o: %.c
	@gcc $(CFLAGS) -c -o $@ $<
"""
UNIT = """int f{n}(const int *v, int n)
{{
	int sum = {n};

	for (int i = 0; i < n; i++)
		sum += v[i] * (i ^ sum) + v[n - i - 1] % (i + {n} + 1);
	return sum;
}}
"""

FIND = """mkdir -p /mnt
for d in /dev/vd?; do
	mount $d /mnt 2>/dev/null || continue
	[ -x /mnt/usr/bin/trace-cmd ] && break
	umount /mnt
done
export PATH=$PATH:/mnt/usr/bin LD_LIBRARY_PATH=/mnt/usr/lib/riscv64-linux-gnu
"""
RECORD = FIND + """cp -r /mnt/made /tmp && cd /tmp/made && rm -f *.o
trace-cmd record -q -b 8192 -e sched -e raw_syscalls -e irq {more} \\
	-o /tmp/make.dat make -j4 && cp /tmp/make.dat /mnt &&
trace-cmd report -i /tmp/make.dat >/mnt/make.txt; status=$?
sync; exit $status
"""
TEXT = FIND + f"""cp -r /mnt/made /tmp/again; cd /tmp/again && rm -f *.o
mountpoint -q {TRACING} || mount -t tracefs x {TRACING}
echo 8192 >{TRACING}/buffer_size_kb; echo >{TRACING}/trace
echo 1 >{TRACING}/events/sched/enable
make -j4
echo 0 >{TRACING}/events/enable
cat {TRACING}/trace >/mnt/ftrace.txt; sync
cat {TRACING}/per_cpu/cpu*/stats | grep -c 'overrun: [1-9]'; true
"""
LATENCY = f"""mountpoint -q {TRACING} || mount -t tracefs x {TRACING}
cd {TRACING}; echo 1 >syscall_latency
ls -l / >/dev/null; sleep 0.02
echo 0 >syscall_latency; cat syscall_latency
"""


def tools_disk(tree, image):
    debs.unpack("trace", tree)
    made = os.path.join(tree, "made")
    os.makedirs(made)
    images.replace(os.path.join(made, "Makefile"), MAKEFILE.encode())
    for n in range(UNITS):
        images.replace(os.path.join(made, f"unit{n}.c"),
                       UNIT.format(n=n).encode())
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-d", tree, image,
                    "96M"], env=ENV, check=True)


@pytest.fixture(scope="module")
def tools(machine, test_disk, tmp_path_factory):
    """A machine with the tools' disk, and that disk."""
    where = tmp_path_factory.mktemp("trace")
    image = str(where / "tools.ext4")
    tools_disk(str(where / "tree"), image)
    shutil.rmtree(where / "tree")
    return machine.with_(disk=test_disk, smp=HARTS, args=(
        "-drive", f"file={image},if=none,format=raw,id=t0", "-device",
        "virtio-blk-device,drive=t0,bus=virtio-mmio-bus.3")), image


def fetch(image, name):
    out = os.path.join(os.path.dirname(image), name)
    subprocess.run(["debugfs", "-R", f"dump /{name} {out}", image], env=ENV,
                   check=True, stderr=subprocess.DEVNULL)
    return out


@pytest.fixture(scope="module")
def recorded(tools, kernel):
    """{name: file} of what one boot recorded; what its commands printed."""
    machine, image = tools
    ours = kernel != "linux"
    boot = guest.run(machine, [RECORD.format(
        more="-e exceptions" if ours else ""), TEXT] + [LATENCY] * ours)
    assert boot.ok, boot.complaint()
    outs = [c.out for c in boot.commands]
    assert [c.status for c in boot.commands] == [0] * len(outs), outs
    names = ("make.dat", "make.txt", "ftrace.txt")
    return {n: fetch(image, n) for n in names}, outs


def picture(path, *options):
    return subprocess.run([sys.executable, os.path.join(
        guest.TOP, "scripts", "trace-picture"), *options, path], text=True,
        check=True, stdout=subprocess.PIPE).stdout


def lanes(svg):
    """[names of the tasks with a bar] of each hart, from the top."""
    bars = {}
    for y, name in re.findall(r'<rect x="[\d.]+" y="(\d+)" width="[\d.]+" '
                              r'height="\d+" fill="hsl[^>]*><title>(.*) '
                              r"\(\d+\) \d+ us</title>", svg):
        bars.setdefault(int(y), set()).add(name)
    return [bars[y] for y in sorted(bars)]


def test_trace_cmd_reads_what_it_recorded(recorded, kernel):
    files, outs = recorded
    assert f"made {UNITS}" in outs[0]
    assert images.content(files["make.dat"])[:10] == \
        b"\x17\x08\x44tracing"
    text = images.content(files["make.txt"]).decode()
    assert f"cpus={HARTS}" in text
    assert "LOST" not in text and "DROPPED" not in text
    assert "FAILED TO PARSE" not in text and "could not" not in text
    for name in ("sched_switch", "sched_wakeup", "sched_process_fork",
                 "sys_enter", "sys_exit", "irq_handler_entry",
                 *["page_fault_user"] * (kernel != "linux")):
        assert re.search(rf"^\s*\S.*-\d+\s+\[\d+\].* {name}:", text, re.M), \
            name
    assert len(re.findall(r"sched_process_exit: .*comm=cc1", text)) == UNITS


def test_its_picture_shows_each_harts_tasks(recorded):
    found = lanes(picture(recorded[0]["make.txt"]))
    assert len(found) == HARTS
    assert all({"cc1"} <= names for names in found), found
    assert {"make", "gcc", "as"} <= set.union(*found)


def test_perfetto_takes_the_text(recorded):
    files, outs = recorded
    assert outs[1].split()[-1] == "0", "events were lost"
    events, errors = ftrace_text.read(
        images.content(files["ftrace.txt"]).decode())
    assert not errors, errors[:20]
    assert {e.hart for e in events} == set(range(HARTS))
    assert {"cc1", "as", "make"} <= {e.comm for e in events}
    assert len(lanes(picture(files["ftrace.txt"]))) == HARTS


def test_latencies_of_calls(recorded, kernel):
    if kernel == "linux":
        pytest.skip("a file of ours")
    rows = {m[1]: m for m in re.finditer(
        r"^(\w+) +(\d+) +(\d+) +(\d+)  (.*)$", recorded[1][2], re.M)}
    assert int(rows["clock_nanosleep"][3]) > 20_000_000
    for name in ("openat", "read", "getdents64", "execve", "mmap"):
        count, buckets = int(rows[name][2]), rows[name][5]
        assert count > 0
        assert sum(map(int, re.findall(r"<\d+ns:(\d+)", buckets))) == count


# The guest's clock counts instructions: 16 ns are one.
HACKBENCH = FIND + f"""mountpoint -q {TRACING} || mount -t tracefs x {TRACING}
cd {TRACING}
round() {{
	hackbench -g 2 -l 50 | sed -n 's/^Time: /{{}} /p'
}}
round >/dev/null
for set in none sched none; do
	[ $set = none ] || echo 1 >events/$set/enable
	echo "$set $(round)"
	echo 0 >events/enable
done
"""


def test_what_tracing_costs_hackbench(tools, kernel):
    """Less than 3 % of the instructions with the scheduler's events on."""
    machine, _ = tools
    append = "" if kernel == "linux" else "user_access=open image_aslr=boot"
    boot = guest.run(machine.with_(
        smp=1, append=append, args=machine.args + (
            "-icount", "shift=4,sleep=off")), [HACKBENCH])
    assert boot.ok, boot.complaint()
    out = boot.commands[0].out
    before, on, after = (float(x) for x in
                         re.findall(r"^\w+ {} ([\d.]+)$", out, re.M))
    print(out)
    if kernel != "linux" and not guest.is_debug(machine):
        assert on / min(before, after) < 1.03, out
