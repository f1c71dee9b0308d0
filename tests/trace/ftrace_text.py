"""ftrace's text as Perfetto's importer takes it, checked line by line.

Perfetto knows the kind of a file by "# tracer" within its first bytes, skips
empty lines and those that begin with "#", and counts as an error each other
line that is not

    NAME-PID [(TGID)] [HART] FLAGS SECONDS: EVENT: WORDS

and each sched_switch whose numbers it cannot read, or which takes another
task off a hart than the one that was put there.  read() finds all of these.
"""
import collections
import re

LOOKAHEAD = 64
LINE = re.compile(r"^\s*(?P<comm>.+)-(?P<pid>\d+)\s+"
                  r"(?:\(\s*(?P<tgid>\d+|-+)\)\s+)?\[(?P<hart>\d+)\]\s+"
                  r"(?:[A-Za-z0-9.]{1,5}\s+)?(?P<time>\d+\.\d+):\s+"
                  r"(?P<event>[^\s:]+):(?: (?P<words>.*))?$")
NUMBERS = {"sched_switch": "prev_pid prev_prio next_pid next_prio",
           "sched_wakeup": "pid prio target_cpu",
           "sched_wakeup_new": "pid prio target_cpu",
           "sched_waking": "pid prio target_cpu"}
STATE = re.compile(r"[RSDTtXZPIKWN|]+\+?$")

Event = collections.namedtuple("Event", "comm pid hart time name words")


def fields(words):
    """key=value, one from each word, as Perfetto splits them."""
    return dict(w.split("=", 1) for w in (words or "").split(" ") if "=" in w)


def fault(event, on):
    """What is wrong with an event, if something is; `on` is the task that
    each hart runs."""
    got = fields(event.words)
    for name in NUMBERS.get(event.name, "").split():
        if not re.fullmatch(r"-?\d+", got.get(name, "")):
            return f"no number {name}"
    if event.name != "sched_switch":
        return None
    if not STATE.match(got.get("prev_state", "")):
        return "no such prev_state"
    if on.get(event.hart, got["prev_pid"]) != got["prev_pid"]:
        return f"hart {event.hart} ran {on[event.hart]}"
    on[event.hart] = got["next_pid"]
    return None


def read(text):
    """([Event], [what Perfetto would count as an error])."""
    events, errors, on, last = [], [], {}, {}
    if "# tracer" not in text[:LOOKAHEAD]:
        errors.append("not known as ftrace's text")
    for line in text.split("\n"):
        if not line.strip() or line.startswith("#"):
            continue
        m = LINE.match(line)
        if not m:
            errors.append(f"no event: {line}")
            continue
        e = Event(m["comm"], int(m["pid"]), int(m["hart"]), float(m["time"]),
                  m["event"], m["words"])
        events.append(e)
        wrong = fault(e, on)
        if e.time < last.get(e.hart, 0):
            wrong = "back in time"
        last[e.hart] = e.time
        if wrong:
            errors.append(f"{wrong}: {line}")
    return events, errors
