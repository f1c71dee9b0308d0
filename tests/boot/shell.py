"""What a person looks at first at the shell of a machine that has come up."""
import re

PROMPT = r"# (?:\x1b\[6n)?$"


def processors(text):
    """/proc/cpuinfo as a list of {field: value}."""
    return [dict(re.findall(r"(?m)^(\w[\w ]*?)\s*: (.*)$", block))
            for block in re.split(r"\n(?=processor\s*:)", text)
            if "processor" in block]


def look_round(c):
    """The processors; what was typed is `uname -a; cat /proc/cpuinfo; ls /`,
    at the shell of the initramfs inside the kernel."""
    c.expect(PROMPT, 120)
    c.line("uname -a; cat /proc/cpuinfo; ls -F /; echo done")
    m = c.expect(r"(?s)(Linux hartwood 6\.12.*riscv64.*?)\ndone\r?\n", 60)
    text = m[1].decode().replace("\r", "")
    for name in ("bin/", "dev/", "init", "proc/"):
        assert re.search(rf"(?m)(^|\s){name}\*?(\s|$)", text), text
    c.expect(PROMPT, 30)
    return processors(text)


def switch_off(c):
    c.line("poweroff")
    c.wait_off(60)
