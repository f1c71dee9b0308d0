"""Commands for gdb on a running guest: `make gdb`, then `hw`.

They read the kernel's own structures by their debug information, stop
nothing and take no lock: what is being changed may look torn."""
import gdb

KERNEL_STACK = 16384
STATES = [(1, "S"), (4 | 2, "K"), (2, "D"), (8, "T"), (16, "t"), (32, "new"),
          (64, "X")]


def value(expression):
    return gdb.parse_and_eval(expression)


def type_of(name):
    return gdb.lookup_type(name)


def text(v):
    """A char array, up to its NUL."""
    lo, hi = v.type.range()
    return bytes(int(v[i]) & 255 for i in range(lo, hi + 1)).split(b"\0")[0] \
        .decode("ascii", "replace")


def string(pointer):
    return pointer.string("ascii", "replace") if int(pointer) else "-"


def container(pointer, struct, member):
    t = type_of(struct)
    fields, offset = member.split("."), 0
    inner = t
    for name in fields:
        f = next(f for f in inner.fields() if f.name == name)
        offset += f.bitpos // 8
        inner = f.type
    return (pointer.cast(type_of("char").pointer()) - offset) \
        .cast(t.pointer())


def list_of(head, struct, member, limit=100000):
    """The structs on a list, given its head by value."""
    node = head["next"]
    while node != head.address and int(node) and limit:
        yield container(node, struct, member)
        node = node["next"]
        limit -= 1


def rb_nodes(node):
    """In order, without recursion: trees are deep enough to matter."""
    stack = []
    while int(node) or stack:
        while int(node):
            stack.append(node)
            node = node["left"]
        node = stack.pop()
        yield node
        node = node["right"]


def symbol(address):
    s = gdb.execute(f"info symbol {int(address) & (1 << 64) - 1:#x}",
                    to_string=True).strip()
    return "?" if s.startswith("No symbol") else s.split(" in section")[0]


def harts():
    for i in range(int(value("nr_harts"))):
        h = value(f"harts[{i}]")
        if h["online"]:
            yield h


def tasks():
    return list_of(value("all_tasks"), "struct task", "all_node")


def task_of(arg):
    for t in tasks():
        if int(t["tid"]) == int(arg, 0):
            return t
    raise gdb.GdbError(f"no task {arg}")


def is_running(t):
    return int(t["on_hart"]) and int(t["hart"]["curr"]) == int(t)


def letter(t):
    s = int(t["state"])
    if not s:
        return "R"
    if s & 128:
        return "I"
    return next((c for bits, c in STATES if s & bits == bits), "?")


def config(name):
    """Does a struct have what only some builds have?"""
    return any(f.name == name for f in type_of("struct task").fields())


def long_at(address):
    return int(gdb.Value(address & (1 << 64) - 1)
               .cast(type_of("unsigned long").pointer()).dereference())


def frames(t):
    """Return addresses of a task that does not run, innermost first."""
    top = int(t["kstack_top"])
    yield int(t["arch"]["ra"])
    fp, last = int(t["arch"]["s"][0]), 0
    while top - KERNEL_STACK < fp - 16 < top and fp > last and not fp & 7:
        last = fp
        pc, fp = long_at(fp - 8), long_at(fp - 16)
        if not symbol(pc - 1) or symbol(pc - 1) == "?":
            return
        yield pc


def stack(t, indent="    "):
    if is_running(t):
        print(f"{indent}runs on hart {int(t['hart']['id'])}: see its thread")
        return
    for pc in frames(t):
        print(f"{indent}{pc:#x} {symbol(pc - 1)}")


def waits_for(t):
    out = []
    m = t["blocked_on"]
    if int(m):
        owner = int(m["owner"]) & ~3
        who = "nobody"
        if owner:
            o = gdb.Value(owner).cast(type_of("struct task").pointer())
            who = f"task {int(o['tid'])} ({text(o['comm'])})"
        out.append(f"mutex {symbol(m)} {int(m):#x} held by {who}")
    if int(t["wait_queue"]):
        out.append(f"queue {symbol(t['wait_queue'])} {int(t['wait_queue']):#x}")
    if int(t["wait_reason"]):
        out.append(string(t["wait_reason"]))
    return "; ".join(out)


def locks(t):
    """Names of the locks a task holds: all in debug builds, else the mutexes
    that others wait for."""
    if config("held_count"):
        for i in range(int(t["held_count"])):
            h = t["held"][i]
            yield (f"{string(h['name'])} {int(h['lock']):#x} taken at "
                   f"{symbol(h['site'])}")
        return
    for m in list_of(t["pi_mutexes"], "struct mutex", "pi_node"):
        yield f"mutex {symbol(m)} {int(m):#x}"


class Command(gdb.Command):
    """One command: the name, and a function with its help."""

    def __init__(self, name, run):
        self.__doc__, self.run = run.__doc__, run
        super().__init__(name, gdb.COMMAND_STATUS)

    def invoke(self, arg, from_tty):
        self.run(*gdb.string_to_argv(arg))


COMMANDS = []


def command(run):
    name = run.__name__.replace("_", "-")
    COMMANDS.append((name, run.__doc__.split("\n")[0]))
    Command(name, run)
    return run


@command
def hw_harts():
    """hw-harts: each hart, what it runs, and its counts."""
    for h in harts():
        c = h["curr"]
        poll = ", polls" if int(h["polling"]) else ""
        print(f"hart {int(h['id'])}: task {int(c['tid'])} ({text(c['comm'])})"
              f"{poll} irqs {int(h['irq_count'])} switches "
              f"{int(h['switches'])} tlb flushes {int(h['tlb_flushes'])} "
              f"pending {int(h['ipi_pending']):#x}")


@command
def hw_tasks(*args):
    """hw-tasks [-s]: all tasks, what each waits for; -s: with stacks."""
    for t in tasks():
        why = waits_for(t)
        print(f"{int(t['tid']):6} {letter(t)} hart {int(t['hart']['id'])} "
              f"prio {int(t['prio']):3} {text(t['comm']):16}"
              f"{' waits: ' + why if why else ''}")
        for lock in locks(t):
            print(f"       holds {lock}")
        if "-s" in args:
            stack(t)


@command
def hw_task(tid):
    """hw-task TID: one task with its kernel stack and locks."""
    t = task_of(tid)
    print(f"task {int(t['tid'])} ({text(t['comm'])}) {letter(t)} at "
          f"{int(t):#x}, tgid {int(t['tgid'])}")
    why = waits_for(t)
    if why:
        print(f"  waits: {why}")
    for lock in locks(t):
        print(f"  holds {lock}")
    stack(t)


@command
def hw_blocked():
    """hw-blocked: tasks in uninterruptible sleep, with stacks."""
    for t in tasks():
        if letter(t) in "DK":
            hw_task(str(int(t["tid"])))


@command
def hw_locks():
    """hw-locks: who holds which lock, and who waits for a mutex."""
    for t in tasks():
        mine, why = list(locks(t)), int(t["blocked_on"])
        if mine or why:
            print(f"task {int(t['tid'])} ({text(t['comm'])})")
            for lock in mine:
                print(f"  holds {lock}")
            if why:
                print(f"  waits: {waits_for(t)}")


@command
def hw_runq():
    """hw-runq: what is queued on each hart."""
    for h in harts():
        rq = h["rq"].dereference()
        print(f"hart {int(h['id'])}: fair {int(rq['fair']['nr'])} rt "
              f"{int(rq['rt']['nr'])} dl {int(rq['dl']['nr'])}")
        for n in rb_nodes(rq["fair"]["tree"]["root"]["node"]):
            t = container(n, "struct task", "se.node")
            print(f"  {int(t['tid']):6} {text(t['comm']):16} vdeadline "
                  f"{int(t['se']['vdeadline'])}")
        for n in rb_nodes(rq["dl"]["tree"]["root"]["node"]):
            t = container(n, "struct task", "se.node")
            print(f"  {int(t['tid']):6} {text(t['comm']):16} deadline "
                  f"{int(t['se']['dl_abs'])}")


@command
def hw_timers():
    """hw-timers: armed timers of each hart."""
    for h in harts():
        b = h["timers"].dereference()
        print(f"hart {int(h['id'])}: hardware at {int(b['hw_ns'])} ns")
        for clock in (0, 1):
            for n in rb_nodes(b["queue"][clock]["root"]["node"]):
                t = container(n, "struct timer", "node")
                print(f"  {int(t):#x} {'realtime ' if clock else ''}at "
                      f"{int(t['deadline_ns'])} ns: {symbol(t['fn'])}")


def dentry_path(d):
    parts = []
    while int(d) and int(d["parent"]) and int(d["parent"]) != int(d):
        parts.append(string(d["name"]))
        d = d["parent"]
    return "/" + "/".join(reversed(parts))


@command
def hw_mm(tid):
    """hw-mm TID: the address space of a task."""
    mm = task_of(tid)["mm"]
    if not int(mm):
        print("none: a kernel task")
        return
    print(f"mm {int(mm):#x} users {int(mm['users']['n'])} "
          f"anon {int(mm['rss']['anon'])} file {int(mm['rss']['file'])} "
          f"tables {int(mm['rss']['tables'])} pages, active on "
          f"{int(mm['active']['bits']):#x}")
    for n in rb_nodes(mm["vmas"]["node"]):
        v = container(n, "struct vma", "node")
        name = ""
        if int(v["file"]):
            name = dentry_path(v["file"]["path"]["dentry"])
        print(f"  {int(v['start']):012x}-{int(v['end']):012x} flags "
              f"{int(v['flags']):#x} {name}")


@command
def hw_mounts():
    """hw-mounts: the mounts of the first namespace."""
    ns = value("init_mnt_ns")
    for m in list_of(ns["mounts"], "struct mount", "ns_node"):
        sb = m["sb"]
        at = dentry_path(m["mountpoint"]) if int(m["mountpoint"]) else "/"
        print(f"  {int(m['id'])} {string(m['devname'])} on {at} type "
              f"{string(sb['fs']['name'])} flags {int(sb['flags']):#x}")


@command
def hw_files(tid):
    """hw-files TID: open files of a task."""
    files = task_of(tid)["files"]
    if not int(files):
        return
    table = files["table"].dereference()
    for fd in range(int(table["max"])):
        f = table["file"][fd]
        if int(f):
            print(f"  {fd}: {int(f):#x} {symbol(f['ops'])} pos "
                  f"{int(f['pos'])} {dentry_path(f['path']['dentry'])}")


@command
def hw_slab():
    """hw-slab: caches by size: objects in use or in magazines, pages."""
    rows = []
    for i in range(int(value("nr_caches"))):
        c = value(f"caches[{i}]")
        pages = int(c["nr_slabs"]) << int(c["order"])
        rows.append((pages, string(c["name"]), int(c["nr_taken"]),
                     int(c["size"])))
    for pages, name, taken, size in sorted(rows, reverse=True):
        if pages:
            print(f"  {name:24} {taken:8} objects of {size:5} bytes "
                  f"{pages:6} pages")


@command
def hw_pages():
    """hw-pages: page counters, all harts together."""
    fields = type_of("enum vmstat").fields()
    for f in fields:
        if f.name in ("NR_VMSTAT", "VM_FREE"):
            continue
        n = sum(int(h["vmstat"][f.enumval]) for h in harts())
        if n:
            print(f"  {f.name[3:].lower():16} {n}")
    print(f"  {'free':16} {int(value('nr_free'))}")


def page_events(data, commit, ts):
    """(time, bytes) of each event in a page."""
    at = 0
    while at + 4 <= commit:
        head = int.from_bytes(data[at:at + 4], "little")
        kind, delta, at = head & 31, head >> 5, at + 4
        if kind == 30:
            ts += delta + (int.from_bytes(data[at:at + 4], "little") << 27)
            at += 4
            continue
        if kind in (29, 31):
            return
        ts += delta
        size = kind * 4
        if not kind:
            size = int.from_bytes(data[at:at + 4], "little") - 4
            at += 4
        yield ts, data[at:at + size]
        at += size


def ring_events(ring):
    head, nr = int(ring["head"]), int(ring["nr"])
    memory = gdb.selected_inferior()
    for n in range(max(0, head + 1 - nr), head + 1):
        raw = bytes(memory.read_memory(int(ring["slots"][n % nr]["page"]),
                                       4096))
        commit = int.from_bytes(raw[8:12], "little") & 0xfffff
        yield from page_events(raw[16:16 + commit], commit,
                               int.from_bytes(raw[:8], "little"))


def decode(name, fields, raw):
    out = []
    for i in range(int(fields["nr_fields"])):
        f = fields["fields"][i]
        decl, off, size = string(f["decl"]), int(f["off"]), int(f["size"])
        word = decl.split()[-1]
        data = raw[off:off + size] if size else raw[off:]
        if decl.startswith("char "):
            shown = data.split(b"\0")[0].decode("ascii", "replace")
        elif word.endswith("]"):
            shown = ",".join(f"{int.from_bytes(data[k:k + 8], 'little'):x}"
                             for k in range(0, len(data), 8))
        else:
            shown = int.from_bytes(data, "little",
                                   signed=bool(f["is_signed"]))
        out.append(f"{word.split('[')[0]}={shown}")
    return " ".join(out)


@command
def hw_trace(count="20"):
    """hw-trace [N]: the last N events of all trace rings."""
    found, base = [], 32
    for h in harts():
        ring = value(f"trace_rings[{int(h['id'])}]")
        if int(ring["slots"]):
            last = list(ring_events(ring))[-int(count):]
            found += [(ts, int(h["id"]), raw) for ts, raw in last]
    for ts, hart, raw in sorted(found)[-int(count):]:
        kind = int.from_bytes(raw[:2], "little")
        pid = int.from_bytes(raw[4:8], "little", signed=True)
        index = 0 if kind == 5 else kind - base
        t = value(f"trace_event_types[{index}]")
        print(f"  {ts / 1e9:14.6f} [{hart:03}] {pid:6} {string(t['name'])}: "
              f"{decode(t, t, raw)}")


@command
def hw():
    """hw: these commands."""
    for name, what in COMMANDS:
        print(f"  {what}")


print("Hartwood: `hw` lists the helpers.")
