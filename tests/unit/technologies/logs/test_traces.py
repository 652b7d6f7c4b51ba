"""Stack traces of Java, .NET, Node and Go are joined, counted once, and named by type and own place."""

import pytest

from incident_lib.technologies.logs.probes import Scan, rows, traces
from incident_lib.technologies.logs.rows import LogException, LogSummary

JAVA = """2026-01-15 14:31:05,123 ERROR [http-1] shop.Controller - payment failed
java.lang.IllegalStateException: cannot pay
\tat org.springframework.web.A.b(A.java:12) ~[spring-web-5.jar:5]
\tat shop.pay.PayService.charge(PayService.java:42)
\tat java.base/java.lang.Thread.run(Thread.java:833)
Caused by: java.net.SocketTimeoutException: Read timed out
\tat java.base/java.net.SocketInputStream.read(SocketInputStream.java:1)
\t... 12 more"""
NODE = """TypeError: Cannot read properties of undefined
    at async /app/node_modules/express/lib/router.js:3:1
    at getUser (/app/src/users.js:12:5)
    at process.processTicksAndRejections (node:internal/process/task_queues:95:5) {
  code: 'E_USER'
}"""
GO = """panic: runtime error: index out of range [5] with length 3

goroutine 1 [running]:
runtime.panicIndex()
\t/usr/local/go/src/runtime/panic.go:88 +0x1
main.(*Cart).total(0xc0000b2000)
\t/app/cart/cart.go:42 +0x1d
exit status 2"""
GO_SERVER = """2026/01/15 14:31:05 http: panic serving 10.0.0.1:52: no price
goroutine 34 [running]:
panic({0x6f5ba0?, 0x9d0b20?})
\t/usr/local/go/src/runtime/panic.go:920 +0x290
main.handler({0x7a1b60?, 0xc00011c000?}, 0x0?)
\t/app/main.go:14 +0x1d"""
DOTNET = """fail: Shop.Pay[0]
      System.InvalidOperationException: no way
         at System.Linq.X.First() in /_/src/X.cs:line 3
         at Shop.Pay.Run(Int32 id) in /src/Shop/Pay.cs:line 12"""
GROUP = """  + Exception Group Traceback (most recent call last):
  |   File "/srv/shop/app.py", line 3, in main
  | ExceptionGroup: many (1 sub-exception)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "/srv/shop/pay.py", line 9, in pay
    | ValueError: 1
    +------------------------------------"""
TORNADO = """[E 260115 14:31:05 web:1789] Uncaught exception GET /a (10.0.0.7)
    HTTPServerRequest(protocol='http', method='GET', uri='/a', remote_ip='10.0.0.7')
    Traceback (most recent call last):
      File "/usr/lib/python3.11/site-packages/tornado/web.py", line 1704, in _execute
        result = await result
      File "/srv/shop/handlers.py", line 55, in get
        rows = self.db.query(sql)
    psycopg2.OperationalError: server closed the connection unexpectedly
    \tThis probably means the server terminated abnormally"""
LOG4NET = """2026-01-15 14:31:05,250 [12] ERROR Shop.Service [(null)] - Could not save order 7
System.Data.SqlClient.SqlException (0x80131904): Timeout expired. ---> System.Exception: no answer
   at System.Data.SqlClient.SqlConnection.OnError(SqlException exception, Boolean breakConnection)
   at Shop.Service.Save(Order order) in C:\\src\\Service.cs:line 88"""
CASES = {
    "tornado": (TORNADO, "psycopg2.OperationalError", "shop/handlers.py:get"),
    "log4net": (LOG4NET, "System.Data.SqlClient.SqlException", "src/Service.cs:Shop.Service.Save"),
    "java": (JAVA, "java.lang.IllegalStateException", "PayService.java:shop.pay.PayService.charge"),
    "node": (NODE, "TypeError", "src/users.js:getUser"),
    "go": (GO, "panic: runtime error", "cart/cart.go:main.(*Cart).total"),
    "go server": (GO_SERVER, "panic", "app/main.go:main.handler"),
    "dotnet": (DOTNET, "System.InvalidOperationException", "Shop/Pay.cs:Shop.Pay.Run"),
    "group": (GROUP, "ValueError", "shop/pay.py:pay"),
}


@pytest.mark.parametrize(("text", "type_", "frame"), CASES.values(), ids=CASES)
def test_a_trace_is_a_single_error_with_its_type_and_place(text, type_, frame):
    scan = Scan(0.0, 4e9)
    lines = [*text.split("\n"), "ready", *text.split("\n"), "ready"]
    for line in lines:
        scan.feed(line)
    found = rows(scan.finish())
    summary = next(row for row in found if isinstance(row, LogSummary))
    raised = [row for row in found if isinstance(row, LogException)]
    assert [(row.type, row.frame, row.count) for row in raised] == [(type_, frame, 2)]
    assert (summary.lines_count, summary.errors_count) == (len(lines), 2)


def test_the_cause_of_a_java_error_is_in_its_example():
    scan = Scan(0.0, 4e9)
    for line in JAVA.split("\n"):
        scan.feed(line)
    raised = next(row for row in rows(scan.finish()) if isinstance(row, LogException))
    assert raised.example == "cannot pay; caused by java.net.SocketTimeoutException: Read timed out"


def test_the_message_of_a_dotnet_error_stands_behind_its_code():
    trace = traces.read(LOG4NET.partition("\n")[2])
    assert trace
    assert trace.message.startswith("Timeout expired. ---> System.Exception: no answer")


def test_the_place_of_an_error_is_not_the_logger_that_wrote_it():
    stack = (
        "shop/common/log.(*zapLogger).Error\n\t/srv/common/log/zap_logger.go:143\n"
        "shop/till.(*Drawer).Open\n\t/srv/till/drawer.go:31"
    )
    trace = traces.read(stack)
    assert trace
    assert trace.frame == "till/drawer.go:shop/till.(*Drawer).Open"


def test_traces_in_fields_are_read():
    scan = Scan(0.0, 4e9)
    scan.feed(
        '{"level":50,"msg":"no","err":{"message":"x","stack":"Error: x\\n    at pay (/app/pay.js:3:4)"}}'
    )
    found = rows(scan.finish())
    raised = next(row for row in found if isinstance(row, LogException))
    assert (raised.type, raised.frame) == ("Error", "app/pay.js:pay")


def test_indented_prose_is_no_frame():
    scan = Scan(0.0, 4e9)
    for line in ("the list:", "  at home", "  at work (most days, all of them)x"):
        scan.feed(line)
    assert not [row for row in rows(scan.finish()) if isinstance(row, LogException)]


def test_an_error_of_node_without_a_name():
    text = "error: no room\n    at /srv/node_modules/pg/a.js:45:11\n    at async /srv/orders.js:93:24"
    raised = traces.read(text)
    assert (raised.type, raised.frame, raised.message) == ("error", "srv/orders.js:<module>", "no room")


def of_log(*lines: str) -> list[LogException]:
    scan = Scan(0, 4e9)
    for line in lines:
        scan.feed(line)
    return [row for row in rows(scan.finish()) if isinstance(row, LogException)]


def test_an_error_in_a_single_line_has_its_frames():
    text = (
        "Cache.CacheException: no answer    at Cache.Client.Get(String key)"
        "    at StackExchange.Redis.Link.Read(Int32 id)    at Shop.Cart.Load() in /src/Cart.cs:line 12"
    )
    assert traces.read(text).frame == "Cache.Client.Get"
    assert (
        traces.read(text.replace("at Cache.Client.Get(String key)", "")).frame == "src/Cart.cs:Shop.Cart.Load"
    )


def test_an_error_without_frames_below_a_message_is_raised():
    (row,) = of_log(
        "[2026-01-15 14:31:05,123] ERROR [Broker 1] Error processing append (kafka.server.ReplicaManager)",
        "org.apache.kafka.common.errors.NotEnoughReplicasException: The size of the ISR is 1",
    )
    assert row.type == "org.apache.kafka.common.errors.NotEnoughReplicasException"
    assert (row.count, row.frame, row.example) == (1, "", "The size of the ISR is 1")
    assert not of_log("2026-01-15 14:31:05,123 ERROR no route", "see kafka.errors.KafkaError for more")


def test_what_ends_a_program_of_node():
    (row,) = of_log(
        "2026-01-15 14:31:05,123 INFO ready",
        "Error: connect ETIMEDOUT 10.0.0.4:587",
        "    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1595:16) {",
        "  errno: -110",
        "}",
        "",
        "Node.js v20.11.1",
    )
    assert (row.count, row.deaths_count) == (1, 1)


RAISED = """{at} ERROR {logger}
shop.GatewayException: declined
\tat shop.Gateway.charge(Gateway.java:51)"""


def logged_by(*loggers: str, seconds: tuple[int, ...] = (0, 0)) -> LogException:
    lines = []
    for number in range(60):
        lines.append(f"2026-01-15 14:{number:02}:00,123 INFO order {number} is paid")
        for logger, second in zip(loggers, seconds, strict=True):
            at = f"2026-01-15 14:{number:02}:{second:02},200"
            lines += RAISED.format(at=at, logger=logger).split("\n")
    (row,) = of_log(*lines)
    return row


def test_an_exception_that_two_loggers_write_counts_once():
    row = logged_by("shop.Payment: charge failed", "web.Handler: unhandled exception")
    assert (row.count, row.loggers_count) == (60, 2)


def test_an_exception_that_two_loggers_write_apart_counts_twice():
    row = logged_by("shop.Payment: charge failed", "shop.Refund: refund failed", seconds=(3, 40))
    assert (row.count, row.loggers_count) == (120, 1)


def test_an_exception_of_a_single_logger_counts_each_time():
    row = logged_by("shop.Payment: charge failed", "shop.Payment: charge failed")
    assert (row.count, row.loggers_count) == (120, 1)


def test_an_error_of_elixir():
    (row,) = of_log(
        "2026-01-15 14:31:05.123 [error] GenServer Shop.Orders terminating",
        "** (DBConnection.ConnectionError) connection not available and request was dropped from queue",
        "    (ecto_sql 3.10.1) lib/ecto/adapters/sql.ex:1047: Ecto.Adapters.SQL.raise_sql_call_error/1",
        "    (shop 0.1.0) lib/shop/orders.ex:31: Shop.Orders.get!/1",
        "    (stdlib 6.1.2) gen_server.erl:2345: :gen_server.try_handle_info/3",
        "Last message: :sync",
    )
    assert (row.type, row.frame) == ("DBConnection.ConnectionError", "shop/orders.ex:Shop.Orders.get!/1")
    assert row.example.startswith("connection not available")


def test_an_error_of_rails_behind_the_tags_of_its_request():
    tag = "[0b2f7c52-53fb-51b9-a78c-a31ee4fd960e] "
    log = [
        f"F, [2026-01-15T14:31:05.123456 #12] FATAL -- : {tag}  ",
        f"{tag}ActiveRecord::RecordNotFound (no cart 7):",
        f"{tag}  ",
        f"{tag}app/controllers/carts_controller.rb:12:in `show'",
    ]
    (row,) = of_log(*log)
    assert (row.type, row.frame) == ("ActiveRecord::RecordNotFound", "controllers/carts_controller.rb:show")
    scan = Scan(0, 4e9)
    for line in log:
        scan.feed(line)
    (template,) = scan.finish().templates
    assert template[1].startswith("ActiveRecord::RecordNotFound")


def test_frames_of_two_processes_in_one_trace_name_no_place() -> None:
    frames = '  File "/srv/a.py", line 1, in a\n  File "/srv/b.py", line 2, in b'
    found = traces.read(f"{traces.HEAD}\n{traces.HEAD}\n{frames}\nKeyError: 7")
    assert found == traces.Trace(type="KeyError", frame="", message="7")
