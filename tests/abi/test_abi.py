"""Linux programs, each built in four ways, each seen to pass on Linux.

All that changed is built, put on one disk, and run in a single boot for each
kernel.  A program passes if it prints the same TAP as on Linux, and on Linux
nothing of it failed.
"""
import concurrent.futures
import functools
import os
import re
import subprocess

import pytest

import debs
import guest
import images
import reference

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(images.BUILD, "abi")
FLAGS = ["-std=gnu11", "-O2", "-D_GNU_SOURCE", "-Wall", "-Wno-unused-function",
         "-Wno-nonnull", "-fno-builtin", "-pthread", "-I", HERE]
MUSL = os.path.join(images.TOP, "scripts", "musl-gcc")
BUILDS = {
    "glibc-static": ([images.cross() + "gcc"], ["-static", "-s"]),
    "glibc-dynamic": ([images.cross() + "gcc"], ["-s"]),
    "musl-static": ([MUSL], ["-static"]),
    "musl-dynamic": ([MUSL], []),
}
SECONDS = 60        # for a program
HEADERS = [os.path.join(HERE, h) for h in ("test.h", "files.h")]
SOURCES = sorted(f for f in os.listdir(HERE) if f.endswith("_test.c"))


@functools.lru_cache(None)
def words(source):
    """What the file tells the runner (see test.h)."""
    with open(os.path.join(HERE, source)) as f:
        return " ".join(re.findall(r"abi-test:([^*\n]*)", f.read())).split()


def option(source, name, default):
    for w in words(source):
        if w.startswith(name + "="):
            return int(w[len(name) + 1:])
    return default


def programs():
    for source in SOURCES:
        for build in BUILDS:
            libc, kind = build.split("-")
            if {"no-" + libc, "no-" + kind} & set(words(source)):
                continue
            yield source[:-2], build, ""
            if "user" in words(source):
                yield source[:-2], build, "user"


PROGRAMS = list(programs())


def binary(name, build):
    return os.path.join(OUT, build, name)


def compile_one(name, build):
    """The compiler's complaints, or nothing."""
    source, out = os.path.join(HERE, name + ".c"), binary(name, build)
    if images.newer(out, source, *HEADERS, __file__):
        return ""
    os.makedirs(os.path.dirname(out), exist_ok=True)
    cc, flags = BUILDS[build]
    run = subprocess.run([*cc, *FLAGS, *flags, "-o", out, source, "-lm"],
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         text=True)
    if run.returncode and os.path.exists(out):
        os.unlink(out)
    return run.stdout if run.returncode else ""


@pytest.fixture(scope="session")
def built():
    """{(name, build): complaints} of all programs."""
    todo = sorted({(n, b) for n, b, _ in PROGRAMS})
    if any(b.startswith("musl") for _, b in todo):
        subprocess.run([MUSL, "--version"], stdout=subprocess.DEVNULL)
    keep = {binary(n, b) for n, b in todo}
    for folder, _, files in os.walk(OUT):
        for f in files:         # of a source that is gone
            if os.path.join(folder, f) not in keep:
                os.unlink(os.path.join(folder, f))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return dict(zip(todo, pool.map(lambda t: compile_one(*t), todo)))


def command(name, build, who):
    limit = option(name + ".c", "timeout", SECONDS)
    run = f"timeout -k 5 {limit} /abi/{build}/{name}"
    return f"su user -c '{run}'" if who else run


def select(smp):
    """The programs that want that many harts (0: no matter)."""
    return [p for p in PROGRAMS if option(p[0] + ".c", "smp", 0) == smp]


@pytest.fixture(scope="session")
def answers(machine, built, kernel):
    """{program: (on Linux, on the kernel under test)}"""
    image = os.path.join(images.BUILD, "abi-programs.ext4")
    images.disk(image, "abi", 640, [(OUT, "/abi")])
    base = images.package_tree("abi")[1]
    found = {}
    for smp in sorted({option(p[0] + ".c", "smp", 0) for p in PROGRAMS}):
        chosen = [p for p in select(smp) if not built[p[:2]]]
        if not chosen:
            continue
        longest = max(option(p[0] + ".c", "timeout", SECONDS) for p in chosen)
        m = machine.with_(disk=image, smp=smp or machine.smp, timeout=1200,
                          silence=longest + 15)
        commands = [command(*p) for p in chosen]
        inputs = [base + debs.sha256(binary(*p[:2])) for p in chosen]
        linux = reference.linux_answers(m, commands, inputs, limit=None,
                                        keep=lambda a: not failures(a))
        mine = linux if kernel == "linux" else \
            reference.run_all(m, commands, limit=None)
        found.update(zip(chosen, zip(linux, mine)))
    return found


def tap(out):
    """[(passed, name, skipped)], and whether as many came as were planned."""
    plan = re.search(r"^1\.\.(\d+)", out, re.M)
    tests = [(m[1] is None, m[2], m[3] is not None) for m in re.finditer(
        r"^(not )?ok \d+ - (\S+)(?: # (SKIP))?", out, re.M)]
    return tests, plan is not None and int(plan[1]) == len(tests)


def failures(answer):
    """What is wrong with a run, as text."""
    tests, whole = tap(answer.out)
    if answer.trouble:
        return answer.out + "\n" + answer.trouble
    if answer.status or not whole or not all(t[0] for t in tests):
        return f"{answer.out}\n[status {answer.status}]"
    return ""


@pytest.mark.parametrize("name,build,who", PROGRAMS,
                         ids=["-".join(filter(None, p)) for p in PROGRAMS])
def test_program(built, answers, name, build, who):
    if built[name, build]:
        pytest.fail(built[name, build], pytrace=False)
    linux, mine = answers[name, build, who]
    if failures(linux):
        pytest.fail("does not pass on Linux:\n" + failures(linux),
                    pytrace=False)
    if failures(mine):
        pytest.fail(failures(mine), pytrace=False)
    if tap(mine.out) != tap(linux.out):
        pytest.fail(f"skips what Linux does not:\n{mine.out}", pytrace=False)
