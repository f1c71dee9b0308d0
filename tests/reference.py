"""Runs many commands on a kernel, and remembers what Linux answered.

Linux is asked once: its answers are kept in the cache, each under a digest of
the command, of the files that it works with, of the kernel's package and of
the machine.  Nothing in the cache came from anything but a boot of Linux.
"""
import dataclasses
import json
import os

import debs
import guest
import images

SCRIPT_BYTES = 60000
RESTARTS = 4


@dataclasses.dataclass
class Answer:
    out: str
    status: int = None          # None: the machine died first
    trouble: str = ""           # how, with the console's end


def chunks(commands, todo):
    """The first of `todo` that fit into one script."""
    size, take = 0, []
    for i in todo:
        size += len(commands[i]) * 5 // 4 + 200
        if take and size > SCRIPT_BYTES:
            break
        take.append(i)
    return take


def run_all(machine, commands, limit=60):
    """An Answer for each command.  When one takes the machine down, the rest
    are run in another boot, so that one fault hides nothing else."""
    answers, todo, left = [None] * len(commands), list(range(len(commands))), \
        RESTARTS
    while todo:
        take = chunks(commands, todo)
        boot = guest.run(machine, [commands[i] for i in take], limit)
        if boot.up is None and machine.kernel == "linux":
            # Of Linux it is not the question whether it boots: a busy host
            # can starve it.
            boot = guest.run(machine, [commands[i] for i in take], limit)
        for i, c in zip(take, boot.commands):
            trouble = "" if c.status is not None else boot.complaint()
            answers[i] = Answer(c.out, c.status, trouble)
        done = len(boot.commands)
        if done == 0 or not boot.ok and left == 0:
            for i in todo[done:]:
                answers[i] = Answer("", None, boot.complaint())
            break
        if not boot.ok:
            left -= 1
            if answers[take[done - 1]].status is not None:
                answers[take[done - 1]].trouble = boot.complaint()
        todo = todo[done:]
    return answers


def key(machine, command, inputs):
    return images.digest(command, inputs, str(machine.smp), machine.mem,
                         guest.LINUX_APPEND, os.path.basename(os.path.dirname(
                             images.linux()[0])))


def linux_answers(machine, commands, inputs, limit=120, keep=lambda a: True):
    """Linux's Answers; inputs[i] is a digest of what commands[i] works with.
    Only what is not known yet is run; keep() says what is worth knowing."""
    machine = machine.with_(kernel="linux", append="")
    where = debs.cache_dir("reference")
    paths = [os.path.join(where, key(machine, c, i))
             for c, i in zip(commands, inputs)]
    ask = [i for i, p in enumerate(paths) if not os.path.exists(p)]
    fresh = run_all(machine, [commands[i] for i in ask], limit)
    for i, answer in zip(ask, fresh):
        if answer.status is not None and not answer.trouble and keep(answer):
            images.replace(paths[i], json.dumps(
                [answer.out, answer.status]).encode())
    answers = dict(zip(ask, fresh))
    for i, p in enumerate(paths):
        if i not in answers:
            with open(p) as f:
                answers[i] = Answer(*json.load(f))
    return [answers[i] for i in range(len(commands))]
