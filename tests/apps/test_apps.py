"""Real programs doing real work: what they print and their status must be
what they are on Linux.  The cases stand in cases.txt."""
import dataclasses
import difflib
import os
import re

import pytest

import images
import reference

HERE = os.path.dirname(os.path.abspath(__file__))


@dataclasses.dataclass
class Case:
    name: str
    options: list
    script: str = ""

    def command(self):
        """Its output goes to a file first: programs behave otherwise where
        they find a terminal (see tests/console)."""
        return (f"mkdir -p /root/{self.name} && cd /root/{self.name} || "
                "exit 99\nexport LC_ALL=C.UTF-8 HOME=/root\n"
                f"cat >/tmp/case <<'@@CASE'\n{self.script}@@CASE\n"
                "sh /tmp/case >/tmp/out 2>&1; s=$?; cat /tmp/out; exit $s")

    def comparable(self, out):
        """The output without what may differ between two runs on Linux."""
        if "numbers" in self.options:
            out = re.sub(r"\d+", "N", out)
        if "columns" in self.options:
            out = re.sub(r"[ \t]+", " ", out)
        if "unordered" in self.options:
            out = "\n".join(sorted(out.splitlines()))
        return out.strip("\n")


def read_cases():
    cases = []
    with open(os.path.join(HERE, "cases.txt")) as f:
        for line in f:
            m = re.match(r"\[([\w.-]+)\](.*)$", line)
            if m:
                cases.append(Case(m[1], m[2].split()))
            elif cases and not line.startswith("##"):
                cases[-1].script += line
    return cases


CASES = read_cases()


@pytest.fixture(scope="session")
def answers(machine, test_disk, kernel):
    """{name: (on Linux, on the kernel under test)}"""
    with open(test_disk + ".stamp") as f:
        stamp = f.read()
    m = machine.with_(disk=test_disk, timeout=1500, silence=200)
    commands = [c.command() for c in CASES]
    linux = reference.linux_answers(m, commands, [stamp] * len(CASES), 180)
    mine = reference.run_all(m.with_(silence=75), commands, limit=60)
    return {c.name: pair for c, pair in zip(CASES, zip(linux, mine))}


@pytest.mark.parametrize("case", CASES, ids=[c.name for c in CASES])
def test_case(answers, case):
    linux, mine = answers[case.name]
    if linux.status is None or linux.trouble:
        pytest.fail("does not run on Linux:\n" + linux.trouble, pytrace=False)
    if mine.trouble:
        pytest.fail(f"{mine.out}\n{mine.trouble}", pytrace=False)
    want = case.comparable(linux.out) + f"\n[status {linux.status}]"
    got = case.comparable(mine.out) + f"\n[status {mine.status}]"
    if got != want:
        pytest.fail("\n".join(difflib.unified_diff(
            want.split("\n"), got.split("\n"), "Linux", "here", n=2,
            lineterm="")), pytrace=False)
