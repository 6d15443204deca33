"""Requests that two servers could read in two ways, and what the only right reading of each is.

Every case is what one client sends on one connection; behind it the test puts a marker request. The verdicts:
REFUSED  it must be refused (4xx or 5xx of the framing) and nothing behind it be read
ONE      exactly one reading is right: it is answered, then the marker; the bytes of its body never
LAST     it is answered and says that it is the last: the marker must not be answered
STRICT   as ONE or as REFUSED: the standard lets a strict server refuse it
"""

import random

REFUSED, ONE, LAST, STRICT = "refused", "one", "last", "strict"
MARKER = b"GET /marker HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
INNER = b"GET /inner HTTP/1.1\r\nHost: h\r\n\r\n"
FIVE = b"hello"


class Case:
    def __init__(self, family, name, sent, verdict):
        self.name, self.sent, self.verdict = f"{family}: {name}", sent, verdict


def head(*fields, line=b"POST /a HTTP/1.1", host=b"Host: h\r\n"):
    return line + b"\r\n" + host + b"".join(field + b"\r\n" for field in fields) + b"\r\n"


def show(raw):
    return repr(raw)[2:-1][:60] or "nothing"


# ---- how long a body is ----

WRONG_LENGTHS = [
    b"", b" ", b"+5", b"-5", b"--5", b"5-", b"5+", b"0x5", b"0X5", b"5h", b"05h", b"5.0", b"5e0", b"5,", b",5", b"5,5", b"5, 5",
    b"5 5", b"5;5", b"5 ;x", b'"5"', b"'5'", b"(5)", b"\xef\xbc\x95", b"\xd9\xa5", b"18446744073709551616",
    b"18446744073709551621", b"9223372036854775808", b"9223372036854775813", b"99999999999999999999999999", b"0b101",
    b"0o5", b"5L", b"5u", b"5%00", b"%35", b"5\x0b", b"5\x0c", b"\x0b5", b"5\xa0", b"\xa05", b"5\xc2\xa0", b"5\x00",
    b"\x005", b"5\x01", b"5\x7f", b"1_0", b"five", b"NaN", b"Infinity", b"true", b"null", b"5\xe2\x80\x8b", b"5\\", b"$5",
    b"5\r", b"\r5", b"5 bytes", b"bytes 5", b"=5", b"*", b"5*", b"5/5", b"5:5",
]
SPACED_LENGTHS = [b"5 ", b" 5", b"   5   ", b"5\t", b"\t5", b"005", b"0000000000000000000000005"]
WRONG_NAMES = [b"%s ", b"%s\t", b" %s", b"\t%s", b"%s\x00", b"\x00%s", b"%s\x0b", b"\x0b%s", b"%s\xa0", b"%s\x85", b"(%s)", b'"%s"',
               b"%s;", b"%s=", b"%s,", b"\xef\xbb\xbf%s", b"%s\x7f", b"X\r%s", b"X\n%s", b"%s\r", b"%s\n", b"%s[]", b"{%s}",
               b"%s/", b"%s@", b"%s?", b"%s\\", b"%s<"]


def lengths():
    for value in WRONG_LENGTHS:
        yield show(value), head(b"Content-Length: " + value) + FIVE, REFUSED
    for value in SPACED_LENGTHS:
        yield show(value), head(b"Content-Length:" + value) + FIVE, STRICT
    yield "no space", head(b"Content-Length:5") + FIVE, ONE
    for name in (b"content-length", b"CONTENT-LENGTH", b"cOnTeNt-LeNgTh"):
        yield show(name), head(name + b": 5") + FIVE, ONE
    for form in WRONG_NAMES:
        yield "name " + show(form), head(form.replace(b"%s", b"Content-Length") + b": 5") + FIVE, REFUSED
    yield "a name that only looks like it", head(b"Content_Length: 5"), ONE
    yield "another name", head(b"X-Content-Length: 5"), ONE
    yield "a body that looks like a request", head(b"Content-Length: %d" % len(INNER)) + INNER, ONE
    for method in (b"GET", b"HEAD", b"DELETE", b"PUT", b"OPTIONS", b"PATCH"):
        yield "with " + method.decode(), head(b"Content-Length: %d" % len(INNER), line=method + b" /a HTTP/1.1") + INNER, STRICT
    yield "longer than what comes", head(b"Content-Length: 100000"), STRICT
    yield "2**32 + 5", head(b"Content-Length: 4294967301") + FIVE, STRICT
    yield "HTTP/1.0", head(b"Content-Length: 5", b"Connection: keep-alive", line=b"POST /a HTTP/1.0") + FIVE, ONE


def doubled_lengths():
    between = (b"", b"X-Between: 1\r\n")
    for first, second in ((b"5", b"5"), (b"5", b"6"), (b"6", b"5"), (b"0", b"5"), (b"5", b"0"), (b"5", b"05"), (b"", b"5"), (b"5", b"")):
        for name in (b"Content-Length", b"content-length"):
            for middle in between:
                fields = b"Content-Length: " + first + b"\r\n" + middle + name + b": " + second
                yield f"{show(first)} and {show(second)} {show(name)} {show(middle)}", head(fields) + FIVE, REFUSED


# ---- chunked or not ----

WRONG_ENCODINGS = [
    b"", b" ", b"chunked, chunked", b"identity", b"gzip", b"deflate", b"compress", b"gzip, chunked", b"deflate, chunked",
    b"identity, chunked", b"chunked, identity", b"chunked, gzip", b"chunked;q=1", b"chunked; foo=bar", b"chunked;", b"xchunked",
    b"x-chunked", b"chunkedx", b"chu nked", b'"chunked"', b"'chunked'", b"chunk", b"chunked\x00", b"\x00chunked",
    b"\x0bchunked", b"chunked\x0b", b"\x0cchunked", b"chunked\x0c", b"chunked\xa0", b"\xc2\xa0chunked", b"chunked\x85",
    b"cow", b"cow, chunked", b"chunked, cow", b"trailers", b"chunked, trailers", b"chunked identity", b"[chunked]", b"(chunked)",
    b"chunked/1", b"chunked:1", b"*", b"none", b"ch\xc3\xb1ked", b"%63hunked", b"chunked\\", b"chun\xe2\x84\xaaed",
    b"hunked", b"0", b"true", b"chunked\x01", b"chunked\x7f", b"=chunked", b"chunked=", b"chunked\r", b"\rchunked",
    b"{chunked}", b"<chunked>", b"chunked.", b"chunked-", b"Transfer-Encoding: chunked",
]
SPACED_ENCODINGS = [b" chunked ", b"   chunked", b"\tchunked", b"chunked\t", b" Chunked", b" CHUNKED", b" chunked,", b" ,chunked"]
END = b"0\r\n\r\n"


def encodings():
    for value in WRONG_ENCODINGS:
        yield show(value), head(b"Transfer-Encoding: " + value) + END, REFUSED
        yield show(value) + " with a length", head(b"Content-Length: 5", b"Transfer-Encoding: " + value) + END, REFUSED
        yield show(value) + " before a length", head(b"Transfer-Encoding: " + value, b"Content-Length: 5") + END, REFUSED
        for first, second in ((b"chunked", value), (value, b"chunked")):
            yield f"{show(first)} and {show(second)}", head(b"Transfer-Encoding: " + first, b"Transfer-Encoding: " + second) + END, REFUSED
    for form in WRONG_NAMES:
        wrong = form.replace(b"%s", b"Transfer-Encoding") + b": chunked"
        yield "name " + show(form), head(wrong) + END, REFUSED
        yield "name " + show(form) + " with a length", head(b"Content-Length: 5", wrong) + END, REFUSED
    for first in (b"Content-Length: 5", b"Content-Length: 0", b"content-length:5", b"Content-Length: 28"):
        for second in (b"Transfer-Encoding: chunked", b"transfer-encoding:chunked", b"Transfer-Encoding: CHUNKED"):
            for fields in ((first, second), (second, first), (first, b"X: 1", second), (second, first, second)):
                yield "both: " + show(b" ".join(fields)), head(*fields) + END, REFUSED
    yield "twice", head(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked") + END, REFUSED
    yield "on HTTP/1.0", head(b"Transfer-Encoding: chunked", line=b"POST /a HTTP/1.0") + END, REFUSED
    yield "on HTTP/1.0 kept", head(b"Transfer-Encoding: chunked", b"Connection: keep-alive", line=b"POST /a HTTP/1.0") + END, REFUSED
    yield "TE alone is no encoding", head(b"TE: chunked"), ONE
    yield "te: trailers", head(b"TE: trailers"), ONE


# ---- the lines of a head ----

def lines():
    whole = head(b"X-A: 1", b"X-B: 2", line=b"GET /a HTTP/1.1")
    ends = [at for at in range(len(whole)) if whole.startswith(b"\r\n", at)]
    for number, at in enumerate(ends):
        for wrong in (b"\n", b"\r", b"\r\r\n", b"\n\r", b"\x00\r\n", b"\r\x00\n", b"\x0b\r\n", b"\x85", b"\xe2\x80\xa8", b"\r \n", b"\n\n", b"\r\r"):
            # Bytes past ASCII may stand in a value, which then goes on.
            verdict = STRICT if wrong[0] > 127 and number in (2,) else REFUSED
            yield f"{show(wrong)} ends line {number}", whole[:at] + wrong + whole[at + 2:], verdict
    yield "only line feeds", whole.replace(b"\r\n", b"\n"), REFUSED
    yield "only carriage returns", whole.replace(b"\r\n", b"\r"), REFUSED
    for fold in (b" ", b"\t", b"   ", b" \t", b"\t\t "):
        for rest in (b"x", b"Content-Length: 5", b"Transfer-Encoding: chunked", b"", b": x", b"Host: evil"):
            yield f"folded by {show(fold)} {show(rest)}", head(b"X-A: 1\r\n" + fold + rest) + END, REFUSED
        yield f"folded behind the request line by {show(fold)}", head(host=fold + b"Host: h\r\nHost: h\r\n"), REFUSED
        yield f"a line of {show(fold)} only", head(b"X-A: 1\r\n" + fold), REFUSED
        yield f"a folded encoding {show(fold)}", head(b"Transfer-Encoding:\r\n" + fold + b"chunked") + END, REFUSED
        yield f"a folded length {show(fold)}", head(b"Content-Length:\r\n" + fold + b"5") + FIVE, REFUSED
        yield f"a folded host {show(fold)}", head(host=b"Host:\r\n" + fold + b"h\r\n"), REFUSED
    for byte in (*range(0, 9), *range(11, 13), *range(14, 32), 127):
        yield f"control {byte:#04x} in a value", head(b"X-A: a" + bytes([byte]) + b"b"), REFUSED
        yield f"control {byte:#04x} in a name", head(b"X-" + bytes([byte]) + b"A: b"), REFUSED
    for byte in (0x80, 0x85, 0xA0, 0xAD, 0xFF):
        yield f"{byte:#04x} in a name", head(b"X-" + bytes([byte]) + b"A: b"), REFUSED
        yield f"{byte:#04x} in a value", head(b"X-A: a" + bytes([byte]) + b"b"), STRICT
    for byte in b'"(),/;<=>?@[\\]{}':
        yield f"{chr(byte)!r} in a name", head(b"X" + bytes([byte]) + b"A: b"), REFUSED
    for line in (b"no colon", b":", b": x", b"", b" ", b"X-A", b"X A: 1", b"GET /inner HTTP/1.1", b"\xef\xbb\xbfX: 1"):
        if line:
            yield f"the line {show(line)}", head(line, b"X-A: 1"), REFUSED
    for sign in b"!#$%&'*+-.^_`|~":
        yield f"{chr(sign)!r} may stand in a name", head(b"X" + bytes([sign]) + b"A: b"), ONE
    for value in (b"", b" ", b"a  b", b"a:b", b"a\tb", b'"a, b"', b"  a  "):
        yield f"the value {show(value)}", head(b"X-A:" + value), STRICT if b"\t" in value else ONE


def beginnings():
    good = head(line=b"GET /a HTTP/1.1")
    for first in (b"\r\n", b"\r\n\r\n", b"\n", b"\n\n", b"\r\n\n"):
        yield show(first), first + good, STRICT
    for first in (b"\r", b" ", b"\t", b"\x00", b"\x0b", b" \r\n", b"\xef\xbb\xbf", b"\xff", b"\r\r\n", b"0\r\n\r\n", b"5\r\nhello\r\n", b"x\r\n",
                  b":\r\n", b"\x00\r\n\r\n"):
        yield show(first), first + good, REFUSED


# ---- the request line ----

def request_lines():
    for line in (b"GET  /a HTTP/1.1", b"GET /a  HTTP/1.1", b"GET\t/a HTTP/1.1", b"GET /a\tHTTP/1.1", b"GET\x0b/a HTTP/1.1",
                 b"GET\x0c/a\x0cHTTP/1.1", b"GET /a HTTP/1.1 ", b"GET /a HTTP/1.1\t", b"GET /a HTTP/1.1 x", b"GET /a /b HTTP/1.1",
                 b"GET /a", b"GET /a ", b"GET", b"GET ", b"/a HTTP/1.1", b"GET HTTP/1.1", b"HTTP/1.1 GET /a", b"GET /a HTTP/0.9",
                 b"GET /a HTTP/2", b"GET /a HTTP/2.0", b"GET /a HTTP/3", b"GET /a HTTP/1", b"GET /a HTTP/1.", b"GET /a HTTP/.1",
                 b"GET /a HTTP/1.1.1", b"GET /a HTTP/01.1", b"GET /a HTTP/1.01", b"GET /a HTTP/ 1.1", b"GET /a HTTP /1.1",
                 b"GET /a http/1.1", b"GET /a Http/1.1", b"GET /a HTTPS/1.1", b"GET /a HTP/1.1", b"GET /a HTTP/-1.1",
                 b"GET /a HTTP/+1.1", b"GET /a HTTP/1.1\x00", b"GET /a HTTP/1,1", b"GET /a HTTP/1.1HTTP/1.1", b"GET /a HTTP/1.10",
                 b"GET /a HTTP/11.1", b"GET /a HTTP/1.x", b"GET /a HTTP\\1.1", b"GET /a ICY/1.1", b"GET /a RTSP/1.0",
                 b"GET /a HTTP/1.2", b"GET /a HTTP/1.9", b"GET /a HTTP/9.9", b"GET /a HTTP/0.1", b"GET /a HTTP/0.0",
                 b"get /a HTTP/1.1", b"Get /a HTTP/1.1", b"G ET /a HTTP/1.1", b"GE\x00T /a HTTP/1.1", b"GET\x00 /a HTTP/1.1",
                 b"GET: /a HTTP/1.1", b"(GET) /a HTTP/1.1", b"G@T /a HTTP/1.1", b"GET\xff /a HTTP/1.1", b'"GET" /a HTTP/1.1',
                 b"GET, /a HTTP/1.1", b"GET/a HTTP/1.1", b"GET/ /a HTTP/1.1", b"X" * 200 + b" /a HTTP/1.1", b"FOO /a HTTP/1.1",
                 b"PRI * HTTP/2.0", b"GET a HTTP/1.1", b"GET ?x HTTP/1.1", b"GET a/b HTTP/1.1", b"GET \\a HTTP/1.1",
                 b"GET #a HTTP/1.1", b"GET /a#b HTTP/1.1", b"GET /a?b#c HTTP/1.1", b"GET /a\\b HTTP/1.1", b"GET /a\x00b HTTP/1.1",
                 b"GET /a\x01 HTTP/1.1", b"GET /a\x7f HTTP/1.1", b"GET /\xe9 HTTP/1.1", b"GET /a b HTTP/1.1", b"GET /a?b c HTTP/1.1",
                 b"GET /a?\xff HTTP/1.1", b"GET /a{ HTTP/1.1", b"GET /a| HTTP/1.1", b'GET /a" HTTP/1.1', b"GET /a< HTTP/1.1",
                 b"GET /a^ HTTP/1.1", b"GET /a` HTTP/1.1", b"CONNECT h:80 HTTP/1.1", b"CONNECT h HTTP/1.1", b"GET h:80 HTTP/1.1",
                 b"GET * HTTP/1.1", b"GET ftp://h/a HTTP/1.1", b"GET http:/a HTTP/1.1", b"GET http:///a HTTP/1.1",
                 b"GET http://user@h/a HTTP/1.1", b"GET //h/a\x00 HTTP/1.1", b"\x16\x03\x01\x02\x00", b"SSH-2.0-OpenSSH_9.2",
                 b"EHLO h", b"PING", b"*1", b"USER x", b"GET /a HTTP/1.1\rX: y", b"GET /a HTTP/1.1\nHost: h"):
        yield show(line), head(line=line), REFUSED
    # A server may know these forms; whatever it makes of them must be one thing.
    for line in (b"GET http://h/a HTTP/1.1", b"GET HTTP://h/a HTTP/1.1", b"GET https://h/a HTTP/1.1", b"GET http://evil/a HTTP/1.1",
                 b"GET http://h HTTP/1.1", b"GET http://h:80/a HTTP/1.1", b"OPTIONS * HTTP/1.1", b"GET /a[ HTTP/1.1",
                 b"TRACE /a HTTP/1.1", b"PROPFIND /a HTTP/1.1", b"GET /a%00 HTTP/1.1", b"GET /a%zz HTTP/1.1", b"GET /a% HTTP/1.1",
                 b"GET /" + b"a" * 8000 + b" HTTP/1.1", b"GET /a?" + b"b" * 8000 + b" HTTP/1.1"):
        yield show(line), head(line=line), STRICT
    for line in (b"GET //a HTTP/1.1", b"GET /./a HTTP/1.1", b"GET /../a HTTP/1.1", b"GET /%2e%2e/a HTTP/1.1", b"GET /a;b HTTP/1.1",
                 b"GET /a? HTTP/1.1", b"GET /a?b=c&d HTTP/1.1", b"GET /a?http://h/ HTTP/1.1", b"GET /a:80 HTTP/1.1"):
        yield show(line), head(line=line), ONE
    yield "HTTP/0.9", b"GET /a\r\n", REFUSED
    yield "HTTP/0.9 with a blank line", b"GET /a\r\n\r\n", REFUSED


# ---- whose it is ----

def hosts():
    for field in (b"", b"Host: h\r\nHost: h\r\n", b"Host: h\r\nHost: evil\r\n", b"Host: h\r\nX: 1\r\nhost: evil\r\n", b"Host:\r\n",
                  b"Host: \r\n", b"Host: h,evil\r\n", b"Host: h evil\r\n", b"Host: h\tevil\r\n", b"Host: h/a\r\n", b"Host: u@h\r\n",
                  b"Host: u:p@h\r\n", b"Host: h:abc\r\n", b"Host: h:-1\r\n", b"Host: h:9999999\r\n", b"Host: h:80:80\r\n",
                  b"Host: h:\r\nHost: h\r\n", b"Host: [::1\r\n", b"Host: ::1]\r\n", b"Host: []\r\n", b"Host: [::1]x\r\n", b"Host: h\x00\r\n", b"Host: h#x\r\n",
                  b"Host: h?x\r\n", b"Host: h%68\r\n", b"Host: \xc3\xa9\r\n", b"Host : h\r\n", b" Host: h\r\n", b"Host\t: h\r\n", b'Host: "h"\r\n',
                  b"Host: h\\\r\n", b"Host: http://h\r\n", b"Host: h;x\r\n", b"Host: h|x\r\n", b"Host: <h>\r\n", b"Host: *\r\n", b"Host: h\x0b\r\n"):
        yield show(field), head(host=field, line=b"GET /a HTTP/1.1"), REFUSED
    for field in (b"Host: h.\r\n", b"Host: h:\r\n", b"Host: h:0\r\n", b"Host: H\r\n", b"host:h\r\n", b"HOST: h:8000\r\n", b"Host: 127.0.0.1:80\r\n",
                  b"Host: [::1]:80\r\n", b"Host: [::1]\r\n", b"Host: a_b.c-d\r\n", b"Host:   h   \r\n"):
        yield show(field), head(host=field, line=b"GET /a HTTP/1.1"), STRICT
    yield "HTTP/1.0 without a host", head(b"Connection: keep-alive", host=b"", line=b"GET /a HTTP/1.0"), STRICT
    yield "the last of its fields", head(b"X: 1", b"Host: h", host=b"", line=b"GET /a HTTP/1.1"), ONE


# ---- what a client expects of us ----

def expectations():
    with_body = b"Content-Length: 5"
    for value in (b"200-ok", b"100-continue, x", b"100-continue;x", b"", b"100", b"continue", b"100-continue 100-continue", b"x=y", b"101-upgrade"):
        yield "expect " + show(value), head(b"Expect: " + value, with_body) + FIVE, REFUSED
    # Who is not let in gets no 100, and may then send or not send: only closing is clear.
    yield "expect and a body at once", head(b"Expect: 100-continue", with_body) + FIVE, LAST
    yield "expect without a body", head(b"Expect: 100-continue"), STRICT
    for fields in ((b"Upgrade: websocket", b"Connection: Upgrade", b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", b"Sec-WebSocket-Version: 13"),
                   (b"Upgrade: h2c", b"Connection: Upgrade, HTTP2-Settings", b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"),
                   (b"Upgrade: TLS/1.0", b"Connection: Upgrade"), (b"Upgrade: websocket",), (b"Upgrade:", b"Connection: Upgrade"),
                   (b"upgrade: h2c", b"Content-Length: 5")):
        yield "upgrade " + show(b" ".join(fields)), head(*fields, line=b"GET /a HTTP/1.1"), REFUSED
    for value in (b"close", b"Close", b"CLOSE", b"keep-alive, close", b"close, keep-alive", b"x,close", b"close,x", b" close "):
        yield "connection " + show(value), head(b"Connection: " + value), LAST
    yield "connection kept, then closed", head(b"Connection: keep-alive", b"Connection: close"), LAST
    yield "connection closed, then kept", head(b"Connection: close", b"Connection: keep-alive"), LAST
    yield "HTTP/1.0 ends", head(line=b"GET /a HTTP/1.0"), LAST
    yield "HTTP/1.0 with a word it does not know", head(b"Connection: x", line=b"GET /a HTTP/1.0"), LAST
    yield "HTTP/1.0 kept", head(b"Connection: keep-alive", line=b"GET /a HTTP/1.0"), ONE
    yield "HTTP/1.0 Keep-Alive", head(b"Connection: Keep-Alive", line=b"GET /a HTTP/1.0"), ONE
    yield "connection keep-alive", head(b"Connection: keep-alive"), ONE
    for name in (b"Content-Length", b"Transfer-Encoding", b"Host", b"Authorization"):
        yield "hop by hop " + show(name), head(b"Connection: keep-alive, " + name, with_body) + FIVE, ONE
    for name in (b"Authorization", b"Cookie", b"Origin", b"Content-Type", b"X-API-Key", b"Prefer"):
        yield "twice " + show(name), head(name + b": a", name.lower() + b": b"), REFUSED


# ---- how much ----

def sizes():
    yield "63 fields", head(*[b"X-%d: 1" % n for n in range(62)]), ONE
    for count in (64, 65, 100, 1000):
        yield f"{count} fields", head(*[b"X-%d: 1" % n for n in range(count)]), REFUSED
    yield "a length behind 70 fields", head(*[b"X-%d: 1" % n for n in range(70)], b"Content-Length: 5") + FIVE, REFUSED
    yield "an encoding behind 70 fields", head(*[b"X-%d: 1" % n for n in range(70)], b"Transfer-Encoding: chunked") + END, REFUSED
    yield "a value of 8 KiB", head(b"X: " + b"x" * 8192), ONE
    for size in (17000, 40000, 200000):
        yield f"a value of {size}", head(b"X: " + b"x" * size), REFUSED
        yield f"a name of {size}", head(b"x" * size + b": x"), REFUSED
        yield f"a path of {size}", head(line=b"GET /" + b"a" * size + b" HTTP/1.1"), REFUSED
        yield f"a method of {size}", head(line=b"G" * size + b" /a HTTP/1.1"), REFUSED
        yield f"{size} spaces before a value", head(b"X:" + b" " * size + b"x"), REFUSED
    for size in range(16384 - 120, 16384 + 80, 8):
        yield f"a head around the limit {size}", head(b"X: " + b"x" * (size - 40)), STRICT


def rows():
    get = head(line=b"GET /a HTTP/1.1")
    body = head(b"Content-Length: %d" % len(INNER)) + INNER
    yield "a request behind a body", body + get, ONE
    yield "a body behind a request", get + body, ONE
    yield "twenty in a row", get * 20, ONE
    yield "ten with bodies", body * 10, ONE
    yield "a wrong one behind good ones", get * 3 + head(b"Content-Length: 5, 5") + FIVE, REFUSED
    yield "a folded one behind good ones", get * 3 + head(b"X: 1\r\n y"), REFUSED
    yield "a body one byte short", head(b"Content-Length: 6") + FIVE + b"\r\n" + get, REFUSED


FAMILIES = {"length": lengths, "lengths": doubled_lengths, "encoding": encodings, "lines": lines, "beginning": beginnings,
            "request line": request_lines, "host": hosts, "expectation": expectations, "size": sizes, "row": rows}


def heads():
    """All cases that need no credential."""
    return [Case(family, name, sent, verdict) for family, make in FAMILIES.items() for name, sent, verdict in make()]


# ---- the chunks of a body ----

def chunked_bodies():
    """(name, bytes behind the head of a chunked request, verdict)."""
    line = b'{"a":1}\n'
    good = b"%x\r\n%s\r\n" % (len(line), line)
    size = b"%x" % len(line)
    for wrong in (b"+8", b"-8", b"0x8", b"0X8", b" 8", b"8h", b"8,", b"8.0", b"8\x00", b"\x008", b"G", b"eight", b"", b" ", b"8_", b"8 8",
                  b"ffffffffffffffff", b"fffffffffffffff8", b"10000000000000008", b"100000000000000000000000008", b"8000000000000008",
                  b"7fffffffffffffff", b"\xef\xbc\x98", b"8\x0b", b"8\r", b"8\xa0", b"0x", b"-0", b"8-", b"8+", b"8:", b"8=x", b"8\"", b"8%00"):
        yield f"a size of {show(wrong)}", wrong + b"\r\n" + line + b"\r\n" + END, REFUSED
    for strict in (b"8 ", b"8\t", b"08", b"0000000008", b"8;x", b"8;x=y", b'8;x="y"', b'8;x="y;z"', b"8 ;x", b"8; x = y", b"8;"):
        yield f"a size of {show(strict)}", strict + b"\r\n" + line + b"\r\n" + END, STRICT
    for wrong in (b";x=\n", b";x\n", b';x="\r\n"', b";\x00", b";x\rGET", b"\n", b"\r\r\n", b";x=y\nz", b";" + b"x" * 20000):
        yield f"an extension of {show(wrong)}", size + wrong + b"\r\n" + line + b"\r\n" + END, REFUSED
    for wrong in (b"", b"\n", b"\r", b"XX", b"X\r\n", b"\r\nX", b"\n\r", b" \r\n", b"\x00\x00", b"\r\n\r\n"):
        yield f"a chunk that ends in {show(wrong)}", size + b"\r\n" + line + wrong + END, REFUSED
    yield "a line feed behind the size", size + b"\n" + line + b"\r\n" + END, REFUSED
    yield "line feeds only", size + b"\n" + line + b"\n0\n\n", REFUSED
    yield "a chunk longer than told", b"3\r\n" + line + b"\r\n" + END, REFUSED
    yield "a chunk shorter than told", b"f\r\n" + line + b"\r\n" + END, REFUSED
    for wrong in (b"0\r\n", b"0\n\n", b"0\r\n\n", b"0\n\r\n", b"-0\r\n\r\n", b"+0\r\n\r\n", b"0x0\r\n\r\n", b"0\r\nX\r\n\r\n", b"0\r\n\x00\r\n\r\n",
                  b"0\r\n X: 1\r\n\r\n", b"0\r\nX : 1\r\n\r\n", b"0\r\nX: 1\n\r\n", b"0\r\nX: 1\r\n\n", b"0\r\n: 1\r\n\r\n", b"0\r\nX: 1\r\n y\r\n\r\n",
                  b"0\r\nX: a\x00b\r\n\r\n", b"0\r\nX\x00: a\r\n\r\n", b"0\r\r\n\r\n", b"0\r\n\r\r\n", b"\r\n", b"0", b"00\n", b"0\r\n" + INNER,
                  b"0\r\nX: " + b"x" * 100000 + b"\r\n\r\n", b"0\r\n" + b"X: 1\r\n" * 5000 + b"\r\n"):
        yield f"an end of {show(wrong)}", good + wrong, REFUSED
    for strict in (b"00\r\n\r\n", b"0000000000000\r\n\r\n", b"0;x\r\n\r\n", b"0;x=y\r\n\r\n", b"0\r\nX: 1\r\n\r\n", b"0\r\nX: 1\r\nY: 2\r\n\r\n",
                   b"0\r\nX:\r\n\r\n", b"0 \r\n\r\n", b"0\r\nContent-Length: 5\r\n\r\n", b"0\r\nTransfer-Encoding: chunked\r\n\r\n",
                   b"0\r\nHost: evil\r\n\r\n", b"0\r\nAuthorization: Bearer x\r\n\r\n"):
        yield f"an end of {show(strict)}", good + strict, STRICT
    yield "good", good + END, ONE
    yield "good in many pieces", b"".join(b"1\r\n%c\r\n" % byte for byte in line) + END, ONE
    yield "good in capitals", b"A\r\n" + b'{"a":123}\n' + b"\r\n" + END, ONE
    yield "nothing", END, ONE
    yield "a chunk that looks like a request", b"%x\r\n%s\r\n" % (len(INNER), INNER) + END, ONE
    yield "a chunk that looks like an end", b"%x\r\n%s\r\n" % (len(END + INNER), END + INNER) + END, ONE


# ---- mutants, judged by a reader of our own ----

MUTANT_BYTES = [b"\x00", b"\t", b"\n", b"\r", b"\r\n", b" ", b"\"", b",", b":", b";", b"0", b"\x0b", b"\x7f", b"\x80", b"\xff", b"\r\n\r\n", b""]
SEEDS = [
    head(b"Content-Length: %d" % len(INNER)) + INNER,
    head(b"X-A: 1", b"Content-Length: 5", b"Connection: keep-alive") + FIVE,
    head(b"X: y", line=b"GET /a?b=c HTTP/1.1"),
    head(b"Content-Length: 0", b"Accept: */*", line=b"PUT /a HTTP/1.1"),
]


def mutants(count, seed=7):
    """Good requests with one to three places changed."""
    draw = random.Random(seed)
    for number in range(count):
        sent = draw.choice(SEEDS)
        for _ in range(draw.randint(1, 3)):
            at = draw.randrange(len(sent))
            sent = sent[:at] + draw.choice(MUTANT_BYTES) + sent[at + draw.choice((0, 0, 1)):]
        yield f"mutant {number}", sent


def read_rows(stream):
    """The targets of the requests that RFC 9112 finds in the bytes, up to the first it lets nobody read.

    Written apart from the server's reader and as plain as can be; lenient where the standard lets a server be."""
    targets = []
    while stream:
        begun = stream[2:] if stream.startswith(b"\r\n") else stream
        top, found, rest = begun.partition(b"\r\n\r\n")
        if not found:
            break
        request = _read_head(top)
        if request is None:
            break
        target, length, last = request
        targets.append(target)
        stream = rest[length:]
        if last or length > len(rest):
            break
    return targets


TOKEN = set(b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
METHODS = (b"GET", b"POST", b"PUT", b"HEAD", b"DELETE", b"OPTIONS", b"PATCH")


def _read_head(top):
    """(target, body length, whether it is the last), or None."""
    line, *field_lines = top.split(b"\r\n")
    words = line.split(b" ")
    if len(words) != 3 or words[0] not in METHODS or words[2] not in (b"HTTP/1.1", b"HTTP/1.0"):
        return None
    if not words[1].startswith(b"/") or any(byte <= 32 or byte >= 127 for byte in words[1]):
        return None
    fields = []
    for field in field_lines:
        name, colon, value = field.partition(b":")
        value = value.strip(b" \t")
        if not colon or not name or set(name) - TOKEN or any(byte < 32 and byte != 9 or byte == 127 for byte in value):
            return None
        fields.append((name.lower(), value))
    named = {name: [value for other, value in fields if other == name] for name, _ in fields}
    lengths_given = named.get(b"content-length", [])
    if b"transfer-encoding" in named or len(named.get(b"host", [])) != 1 or len(lengths_given) > 1:
        return None
    if lengths_given and not (lengths_given[0].isdigit() and lengths_given[0].isascii()):
        return None
    options = [word.strip().lower() for value in named.get(b"connection", []) for word in value.split(b",")]
    last = b"close" in options or (words[2] == b"HTTP/1.0" and b"keep-alive" not in options)
    return words[1], int(lengths_given[0]) if lengths_given else 0, last
