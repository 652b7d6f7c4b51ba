"""Lines of programs that nobody here knows are grouped as a person would group them."""

import random
import time

import pytest

from incident_lib.technologies.logs.probes import Scan, merge, rows
from incident_lib.technologies.logs.probes.clusters import clusters
from incident_lib.technologies.logs.probes.formats import parse
from incident_lib.technologies.logs.probes.mask import mask
from incident_lib.technologies.logs.rows import LogSummary, LogTemplate, same_statement

USERS = ("ann", "bob", "cid", "dan", "eve")


def templates(lines):
    scan = Scan(0.0, 4e9)
    for line in lines:
        scan.feed(line)
    return {row.template: row.count for row in rows(scan.finish()) if isinstance(row, LogTemplate)}


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Deleting block_-5012 file /data/3/part-00017", "Deleting block_77 file /data/4/x/part-00002"),
        ("dumping core.2275", "dumping core.31"),
        ("Assigned container_e01_0007 to attempt_144_m_03", "Assigned container_e02_0001 to attempt_9_m_1"),
        ("Link is up, driver = tg3, mode = full", "Link is up, driver = e1000e, mode = half"),
        ("screen on:true, dimmed: false", "screen on:false, dimmed: true"),
        ("stored (size 3.1 KB, free 2.0 GB)", "stored (size 812 B, free 512.4 MB)"),
        ("login at Sat Jun 18 02:08:10 2005 refused", "login at Sun Jul  3 23:16:09 2005 refused"),
        (r"loaded C:\Windows\sys\core.dll now", r"loaded D:\apps\x.dll now"),
        ("pool<0>(0x1f) drained", "pool<17>(0x0) drained"),
        ("lease of 5c:50:15:4c:18:13 ended", "lease of 5c:50:15:4c:18:ff ended"),
        ("took <1 s for fe80::d8a5:90ff", "took <22 s for fe80::1"),
        (
            "nodes n1 0x1f <ok> n2 0x1f <ok> n3 0x1f <ok> differ",
            "nodes n1 0x1 <ok> n7 0x2 <ok> n9 0x0 <ok> n2 0x0 <ok> differ",
        ),
        (
            "alerts: FAN 7, FAN 8, FAN 9, FAN 10 are active",
            "alerts: FAN 1, FAN 2, FAN 3, FAN 4, FAN 12 are active",
        ),
        ("slots [12] [13] [14] are free", "slots [1] [2] [3] [44] are free"),
        ("flushed size=1.2 MiB at once", "flushed size=640 B at once"),
        ("copied, lifetime <1 sec", "copied, lifetime 02:11"),
        ("close, 812 bytes sent", "close, 2048 bytes (2.00 KB) sent"),
        ("bits 0x1f ffffffff 00000000", "bits 0x7 00a0ffee ffffffff"),
        (
            "cannot load (/srv/my files/db3/size.idx): old",
            "cannot load (/srv/x1 files/db3/rows_out.idx): old",
        ),
        ("tag = null,owner =org.bank.till,id =7", "tag = null,owner =com.shop.cart,id =12"),
        ("path:/home of node 3", "path:/home/bob of node 9"),
        ("Stopping backup.service...", "Stopping getty@tty1.service..."),
        ("[   12.345678] usb 1-1: reset", "[123456.345678] usb 3-2: reset"),
        (r'error="no \"main\" in \"a\"" pod="x"', r'error="no \"side\"" pod="y"'),
        ("ann : TTY=pts/1 ; PWD=/srv ; USER=root", "bob : TTY=pts/0 ; PWD=/ ; USER=www"),
    ],
)
def test_what_varies_by_its_form_is_masked(left, right):
    assert mask(left) == mask(right)


@pytest.mark.parametrize("name", ["IPv4", "IPv6", "MD5", "SHA1"])
def test_digits_in_the_name_of_a_protocol_stay(name):
    assert mask(f"checked {name} of 12 files") == f"checked {name} of <*> files"
    assert mask(f"checked {name} of 7 files") == f"checked {name} of <*> files"


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ('10.0.0.1 "GET /v2/a HTTP/1.1" status: 200', '10.0.0.1 "POST /v2/a HTTP/1.1" status: 200'),
        ("session opened for user", "session closed for user"),
    ],
)
def test_what_differs_in_words_stays_apart(left, right):
    assert mask(left) != mask(right)


@pytest.mark.parametrize(
    ("line", "at", "level", "message"),
    [
        ("260115 143105 148 INFO store.Node$Sender: sent 5", 1768487465.0, "INFO", "sent 5"),
        ("26/01/15 14:31:05 WARN store.Cache: cache is full", 1768487465.0, "WARNING", "cache is full"),
        ("20260115-14:31:5:250|Steps|3000|step 7", 1768487465.25, "", "step 7"),
        ("- 1768487465 2026.01.15 R02 RAS KERNEL FATAL torus down", 1768487465.0, "CRITICAL", "torus down"),
        ("1768487465.250 cache miss", 1768487465.25, "", "cache miss"),
        (
            "2026-01-15 14:31:05,250 ERROR [IPC handler 3 on 62270] org.example.Renewer: no lease",
            1768487465.25,
            "ERROR",
            "no lease",
        ),
        (
            "2026-01-15 14:31:05,250 - INFO  [Peer[myid=1]/0:0:0:0:2181:Election@774] - new leader",
            1768487465.25,
            "INFO",
            "new leader",
        ),
        (
            "2026-01-15 14:31:05, Warning               CBS    no upload",
            1768487465.0,
            "WARNING",
            "CBS    no upload",
        ),
        (
            "[2026-01-15T14:31:05,250][WARN ][o.e.c.Disk ] [node-1] low on space",
            1768487465.25,
            "WARNING",
            "low on space",
        ),
        (
            "[2026-01-15T14:31:05,250][WARN ][o.e.c.Disk] [node-1] low on space",
            1768487465.25,
            "WARNING",
            "low on space",
        ),
        (
            "[2026-01-15 14:31:05.250][7][warning][upstream] [source/x/pool.cc:12] no host",
            1768487465.25,
            "WARNING",
            "no host",
        ),
        ("INFO  [main] 2026-01-15 14:31:05,250 Store.java:12 - flushed", 1768487465.25, "INFO", "flushed"),
        ("4711 node-7 node status 1768487465 1 running", 1768487465.0, "", "1 running"),
    ],
)
def test_beginnings_of_unknown_lines_are_read(line, at, level, message):
    read = parse(line)
    assert (read.at, read.level, read.message) == (at, level, message)


def test_the_lines_of_a_phone_are_read():
    read = parse("01-15 14:31:05.250  1702  2395 E Display : frozen for +1s0ms")
    assert (read.level, read.logger, read.message) == ("ERROR", "Display", "frozen for +1s0ms")
    assert read.at is not None
    assert read.at % 86_400 == 52_265.25


@pytest.mark.parametrize(
    "line",
    [
        "123456 123456 rows",
        "1768487465 rows",
        "17 of 20",
        "5 leases until 1768487465 given",
        "99/99/99 99:99:99 x",
    ],
)
def test_numbers_are_no_times(line):
    assert parse(line).at is None


def test_names_in_the_same_place_are_a_single_template():
    lines = [f"sshd: Failed password for {user} from 10.0.0.{at} port 22" for at, user in enumerate(USERS)]
    assert templates(lines) == {"sshd: Failed password for <*> from <*> port <*>": 5}


def test_signs_around_a_name_stay():
    lines = [f"({user}) CMD run the parts" for user in (*USERS, "fay")]
    assert templates(lines) == {"(<*>) CMD run the parts": 6}


def test_a_name_joins_the_numbers_that_stood_in_its_place():
    assert templates(["probe of host web answered", "probe of host 10.0.0.7 answered"]) == {
        "probe of host <*> answered": 2
    }


def test_two_names_that_vary_together_are_a_single_template():
    hosts = ("a.example.org", "b.example.org", "c.example.org", "d.example.org")
    lines = [f"transfer of {user} to {host} is complete" for user, host in zip(USERS, hosts, strict=False)]
    assert templates(lines) == {"transfer of <*> to <*> is complete": 4}


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("clock follows LOCAL(0), offset 3", "clock follows 10.0.0.{}, offset 3"),
        ("moved to SLOT(7) at once", "moved to {} at once"),
        ("reading from TAPE_B(12) for the shelf", "reading from 4{} for the shelf"),
    ],
)
def test_a_name_in_capitals_with_a_number_joins_the_numbers_in_its_place(name, numbers):
    found = templates([name, *(numbers.format(number) for number in range(5))])
    assert list(found.values()) == [6]


def test_states_in_capitals_are_separate_statements():
    states = ("NEW", "RUNNING", "DONE", "FAILED")
    lines = [f"task {at} goes from {state} to DONE" for at, state in enumerate(states)]
    assert len(templates(lines)) == 4


@pytest.mark.parametrize(
    ("line", "program", "message"),
    [
        ("Jan 15 14:31:05 web-1 sshd[19]: Invalid user bob", "sshd", "Invalid user bob"),
        ("Jan  5 14:31:05 web-1 kernel: eth0 is up", "kernel", "eth0 is up"),
        ("<13>Jan 15 14:31:05 web-1 su(pam_unix)[7]: session closed", "su(pam_unix)", "session closed"),
        ("Jan 15 14:31:05 mac Google Chrome[7]: ready", "Google Chrome", "ready"),
        ("Jan 15 14:31:05 phone wifid[7] <Notice>: joined", "wifid", "joined"),
        ("Jan 15 14:31:05 web-1 kernel: [  123.456789] eth0 is up", "kernel", "eth0 is up"),
        ("Jan 15 14:31:05 web-1 error: no space left", "", "no space left"),
        ("2026-01-15T14:31:05.003123+00:00 web-1 cron[7]: done", "cron", "done"),
        ("[01.15 14:31:05] mail.exe *64 - host:80 close", "mail.exe", "host:80 close"),
        ("2026-01-15 14:31:05.003 7 INFO nova.api [req-3f2504e0 a b - - -] ready", "nova.api", "ready"),
        ("web-1  | 2026-01-15 14:31:05 INFO shop.pay - paid", "shop.pay", "paid"),
        ("WARNING 2026-01-15 14:31:05,003 log 7 140 Not Found", "", "log 7 140 Not Found"),
    ],
)
def test_who_wrote_a_line_is_no_part_of_its_message(line, program, message):
    read = parse(line)
    assert (read.logger, read.message) == (program, message)
    assert read.at is not None


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("user: uid:1000 gid:7", "user: uid:0 gid:10111"),
        ("setLights(true) by screen", "setLights(false) by screen"),
        ("session opened for user root by x", "session opened for user bob by x"),
        ("Accepted password for bob from 10.0.0.7", "Accepted password for ann from 10.1.2.3"),
        ("seen 0|com.example.mail|12|null|7", "seen 1|com.example.chat|3|null|9"),
        ("open com.example.mail/.Main now", "open com.example.chat/.Talk now"),
        ("app /mapreduce started", "app /static started"),
        ("list [a, b]=x lock=Source{10} held", "list [a, b]=x lock=Other held"),
    ],
)
def test_more_that_varies_by_its_form(left, right):
    assert mask(left) == mask(right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("cancelJob:7", "removeJob:7"),
        ("MDNS IPv4 address", "MDNS IPv6 address"),
        ("prefetch depth......0", "prefetch limit......0"),
        ("subId=1 phoneId=2", "subId=1 slotId=2"),
    ],
)
def test_the_words_next_to_values_stay(left, right):
    assert len(templates([f"first {left} last", f"first {right} last"])) == 2


def test_where_a_long_message_is_cut_does_not_depend_on_its_values():
    tail = " because each of the volumes that it may use is full" * 8
    left, right = (f"cannot place {name} on {name}{tail} " for name in ("vol-7", "vol-" + "7" * 60))
    assert mask(left) == mask(right)
    assert len(mask(left)) <= 400


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("call of app org.bank.Till by core", "call of app com.shop.Cart by core"),
        ("load the hive SYSTEM, then go on", "load the hive user.dat, then go on"),
    ],
)
def test_names_that_differ_in_their_first_parts_are_values(left, right):
    others = [f"load the hive {name}, then go on" for name in ("SAM", "BOOT", "DEFAULT")]
    found = templates([left, right] + (others if "hive" in left else []))
    assert len(found) == 1


def test_pairs_of_names_join_the_pair_that_was_masked():
    pairs = [("a.b.c7.Kind", "a.b.c7.Sink"), ("a.b.io.Kind", "a.b.io.Sink"), ("a.b.v1.Sort", "a.b.v1.Sink")]
    assert len(templates([f"Adding class {left} for class {right}" for left, right in pairs])) == 1


def test_programs_with_their_process_are_a_single_template():
    lines = [f"{name}[7{at}]: segfault at 1f" for at, name in enumerate(USERS)]
    assert templates(lines) == {"<*>[<*>]: segfault at <*>": 5}


def test_names_and_numbers_in_two_places_are_a_single_template():
    pairs = [("zeus", "dust"), ("apollo", "fan"), ("n7", "disk"), ("hera", "load"), ("n12", "fan")]
    lines = [f"update of node {node} for the reason {reason} is done" for node, reason in pairs]
    assert templates(lines) == {"update of node <*> for the reason <*> is done": 5}


def test_names_of_two_parts_are_names():
    lines = [f"cleanup of pod {space}/web-7c9 is over" for space in ("prod", "default", "metrics")]
    assert len(templates(lines)) == 1


def test_how_often_a_line_comes_does_not_matter():
    few = [f"sshd: Failed password for {user} from 10.0.0.{at} port 22" for at, user in enumerate(USERS)]
    many = ["disk sda is 91 % full"] * 500
    assert sorted(templates(few + many).values()) == [5, 500]


@pytest.mark.parametrize(
    "lines",
    [
        ["app sends app.screen.ON to all", "app sends app.screen.OFF to all"],
        ["link of the port went up", "link of the port went down"],
        [f"the worker process {what} again" for what in ("started", "stopped", "failed", "crashed")],
        [f"call of pay raised {kind}Error" for kind in ("Value", "Key", "Type", "Index", "OS")],
        [f"{user} failed" for user in USERS],
        ["user ann is known", "user bob is known"],
    ],
)
def test_different_statements_stay_apart(lines):
    assert len(templates(lines)) == len(lines)


def test_the_order_of_merges_does_not_matter():
    chance = random.Random(5)
    lines = [
        f"2026-01-15 14:31:{chance.randrange(60):02} {chance.choice(('INFO', 'ERROR'))} app.{kind}: "
        f"{kind} of {chance.choice(USERS)} on {chance.choice('pqrstu')}.example took {chance.random()} s"
        for kind in chance.choices(("login", "upload", "backup"), k=300)
    ]
    seen = set()
    for _ in range(12):
        chance.shuffle(lines)
        parts = [Scan(0.0, 4e9) for _ in range(4)]
        for line in lines:
            chance.choice(parts).feed(line)
        whole = parts[0].finish()
        for part in parts[1:]:
            whole = merge(part.finish(), whole) if chance.random() < 0.5 else merge(whole, part.finish())
        seen.add(
            tuple((row.level, row.template, row.count) for row in rows(whole) if isinstance(row, LogTemplate))
        )
    assert len(seen) == 1


def test_the_number_of_all_templates_is_reported():
    scan = Scan(0.0, 4e9)
    for left in range(26):
        for right in range(8):
            scan.feed(" ".join(["x" * (left + 1), "y" * (right + 1)]))
    found = rows(scan.finish())
    assert next(row for row in found if isinstance(row, LogSummary)).templates_count == 208
    assert sum(isinstance(row, LogTemplate) for row in found) == 100


def test_hostile_lines_take_little_time():
    chance = random.Random(3)
    words = ["".join(chance.choices("abcdefgh", k=4)) for _ in range(60)]
    many = [("", " ".join(chance.choices(words, k=24))) for _ in range(2_000)]
    began = time.process_time()
    clusters(many)
    for text in (
        "[" * 400,
        "<*>" * 200,
        "a=" * 300,
        ": " * 300,
        "1:" * 300,
        "2026-" * 90,
        "- 1" * 200,
        "[a" * 300,
    ):
        parse(text)
        mask(text)
    assert time.process_time() - began < 4.0


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("login of <*> was refused", "login of root was refused", True),
        ("login of ann was refused", "login of bob was refused", False),
        ("<*> failed", "login failed", False),
        ("login of <*> was refused", "login of root was refused twice", False),
    ],
)
def test_a_template_of_few_values_is_known_again(left, right, expected):
    assert same_statement(left, right) is expected
    assert same_statement(right, left) is expected


def test_no_part_of_a_key_stays_in_a_template_or_an_example():
    chance = random.Random(5)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    body = ["".join(chance.choices(alphabet, k=64)) for _ in range(200)]
    body.append("A" + "".join(chance.choices(alphabet, k=30)) + "0==")
    digest = Scan(0.0, 4e9)
    for line in ("-----BEGIN RSA PRIVATE KEY-----", *reversed(body), "-----END RSA PRIVATE KEY-----"):
        digest.feed(f"2026-01-15 14:31:05 INFO {line}")
    kept = str([row for row in rows(digest.finish()) if isinstance(row, LogTemplate)])
    assert "PRIVATE KEY" in kept
    assert not [line for line in body if any(line[at : at + 6] in kept for at in range(0, len(line) - 5, 3))]
