"""What a person sees: a shell on the console, its keys, and full-screen
programs.  Everything is typed and read as on a terminal."""
import time

import pytest

import guest

PROMPT = r"root@hartwood:[^#\n]*# $"


@pytest.fixture(scope="module")
def shared(machine, test_disk):
    """One machine for the module's tests."""
    m = machine.with_(disk=test_disk, append="TERM=vt100 LINES=24 COLUMNS=80")
    with guest.Console(m) as c:
        c.expect(PROMPT, 90)
        c.line("bind 'set enable-bracketed-paste off'")
        c.expect(PROMPT)
        c.usable = True
        yield c


@pytest.fixture
def console(shared):
    """At a fresh prompt, whatever the test before left behind; a machine that
    gives none fails the rest at once."""
    assert shared.usable, "the console is dead\n" + shared.tail()
    shared.usable = False
    if not shared.text.endswith(b"# "):
        shared.send("\x03")
        time.sleep(0.3)
    shared.line("stty sane; cd; echo fresh-start")
    shared.expect("[\r\n]fresh-start\r\n")
    shared.expect(PROMPT)
    shared.usable = True
    return shared


def answer(console, command, timeout=30):
    """What the command prints."""
    console.line(command + "; echo =$?=")
    m = console.expect(r"\r\n((?:.|\n)*?)=(\d+)=\r\n", timeout)
    console.expect(PROMPT)
    return m[1].decode().replace("\r", "").strip()


def test_terminal(console):
    assert answer(console, "tty").endswith("/dev/ttyS0")
    assert "24 80" in answer(console, "stty size")
    assert answer(console, "echo $TERM").endswith("vt100")
    assert answer(console, "ps -o tty= -p $$").endswith("ttyS0")


def test_interrupt_key(console):
    console.line("sleep 100")
    time.sleep(0.5)
    console.send("\x03")
    console.expect(r"\^C")
    console.expect(PROMPT)
    assert answer(console, "echo $?").endswith("130")


def test_quit_key(console):
    console.line("sleep 100")
    time.sleep(0.5)
    console.send("\x1c")
    console.expect(r"\^\\Quit")
    console.expect(PROMPT)


def test_interrupt_reaches_the_whole_pipeline(console):
    console.line("yes | cat > /dev/null")
    time.sleep(0.5)
    console.send("\x03")
    console.expect(PROMPT)
    assert answer(console, "pgrep -c yes").endswith("0")


def test_job_control(console):
    console.line("sleep 100")
    time.sleep(0.5)
    console.send("\x1a")
    console.expect(r"\[1\]\+  Stopped +sleep 100")
    console.expect(PROMPT)
    console.line("bg")
    console.expect(r"sleep 100 &")
    console.expect(PROMPT)
    console.line("jobs")
    console.expect(r"\[1\]\+  Running +sleep 100 &")
    console.line("fg")
    console.expect(r"\r\nsleep 100\r\n")
    time.sleep(0.3)
    console.send("\x03")
    console.expect(PROMPT)
    assert "sleep" not in answer(console, "jobs")


def test_background_reads_stop(console):
    # `jobs` tells what is known.  The notes before a prompt come at one or the
    # next, or never, when the shell sees the death while it still prints
    # "Stopped": on Linux too.
    console.line("cat &")
    console.expect(PROMPT)
    console.line("sleep 0.5; echo; jobs; echo seen")
    console.expect(r"Stopped +cat(?:.|\n)*\nseen")
    console.expect(PROMPT)
    console.line("kill -9 %1; sleep 0.5; jobs; echo dead")
    console.expect(r"Killed +cat(?:.|\n)*\ndead")
    console.expect(PROMPT)


def test_line_editing(console):
    console.line("echo abc\x01\x1b[C\x1b[C\x1b[C\x1b[C\x1b[CX\x7fY\x05Z")
    console.expect(r"\r\nYabcZ\r\n")


def test_history(console):
    console.line("echo first-one")
    console.expect("\r\nfirst-one\r\n")
    console.line("true")
    console.expect(PROMPT)
    console.send("\x1b[A\x1b[A\r")
    console.expect("\r\nfirst-one\r\n")


def test_file_name_completion(console):
    console.send("cat /etc/hostn\t")
    console.expect("hostname ")
    console.send("\r")
    console.expect("\r\nhartwood\r\n")


def test_canonical_input(console):
    console.line("cat")
    time.sleep(0.5)
    console.send("wrong\x15right\x7fT\r")
    console.expect("\r\nrighT\r\n")
    console.send("two words\x17W\r")
    console.expect("\r\ntwo W\r\n")
    console.send("\x04")
    console.expect(PROMPT)


def test_echo_off(console):
    console.line("read -s x; echo got:$x:")
    time.sleep(0.5)
    console.send("hidden\r")
    assert b"hidden" not in console.expect(r"got:(.*?):")[0][:-8]
    console.expect(PROMPT)


def test_flow_control(console):
    console.line("sleep 0.3; for i in 1 2 3; do echo line-$i; sleep 0.3; done")
    console.send("\x13")
    time.sleep(1.5)
    assert b"\r\nline-3" not in console.text[console.at:]
    console.send("\x11")
    console.expect("\r\nline-3")
    console.expect(PROMPT)


def test_vi(console):
    console.line("vi /root/typed")
    console.expect(r"typed.*\[New\]", 30)
    console.send("ihello from vi\r" + "second line\x1b")
    time.sleep(0.5)
    console.send("kyypA again\x1b:wq\r")
    console.expect("written")
    console.expect(PROMPT)
    assert answer(console, "cat /root/typed") == \
        "hello from vi\nhello from vi again\nsecond line"


def test_less(console):
    console.line("seq 1 500 | less")
    console.expect(r"\r\n23\r\n")
    console.send(" ")
    console.expect("\r\n46\r\n")
    console.send("G")
    console.expect("500")
    console.send("/^77$\r")
    console.send("?^77$\r")
    console.expect("77")
    console.send("q")
    console.expect(PROMPT)


def test_top(console):
    console.line("top -d 0.5")
    console.expect("load average", 30)
    console.expect("PID USER")
    console.expect("load average", 30)
    console.send("q")
    console.expect(PROMPT)


def test_python_prompt(console):
    console.line("PYTHON_BASIC_REPL=1 python3 -q")
    console.expect(">>> ", 60)
    console.line("6 * 7")
    console.expect(r"\r\n42\r\n>>> ")
    console.line("import time; time.sleep(100)")
    time.sleep(0.5)
    console.send("\x03")
    console.expect(r"KeyboardInterrupt(?:.|\n)*>>> $")
    console.send("\x04")
    console.expect(PROMPT)


def test_su_and_sessions(console):
    console.line("su - user")
    console.expect(r"user@hartwood:~\$ ")
    console.line("id -un; tty; sleep 100")
    console.expect("user\r\n/dev/ttyS0")
    time.sleep(0.3)
    console.send("\x03")
    console.expect(r"\$ ")
    console.line("exit")
    console.expect(PROMPT)


def test_pseudo_terminals(console):
    out = answer(console, "script -qc 'tty; stty -a | head -n 1' /dev/null")
    assert "/dev/pts/" in out and "baud" in out


def test_the_shell_is_started_again(console):
    console.line("exit")
    console.expect("logout")
    console.expect(PROMPT, 30)


def test_power_off(console):
    console.line("sleep 1000 & poweroff")
    console.wait_off()
