"""A plain HTTP go-between that notes what passes and can hold back or refuse it."""

import http.client
import http.server
import threading


class Passage:
    """One request and what was answered."""

    def __init__(self, method, path, headers, body):
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body
        self.status = None
        self.answer = None

    def __repr__(self):
        return f"<{self.method} {self.path} {self.status}>"


class Gate:
    """Listens on a free loopback port and passes everything on to `port`.

    `alter(passage)` may change the request before it goes on, `refuse(passage)` return a status that is answered
    in place of the target, `linger(passage)` change or hold the target's answer before it goes back."""

    def __init__(self, port):
        gate = self
        self.target = port
        self.passages = []
        self.open()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                length = int(self.headers.get("Content-Length") or 0)
                gate.handle(self, Passage(self.command, self.path, self.headers, self.rfile.read(length)))

            do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = do_OPTIONS = handle_any

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def open(self):
        """Lets everything pass as it is."""
        self.alter = self.refuse = self.linger = lambda passage: None

    def handle(self, handler, passage):
        self.alter(passage)
        refused = self.refuse(passage)
        fields = []
        if refused is not None:
            passage.status, passage.answer = refused, b'{"message":"refused by the test"}'
        else:
            fields = self.pass_on(passage)
        self.passages.append(passage)
        self.linger(passage)
        handler.send_response(passage.status)
        for name, value in fields:
            if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(passage.answer)))
        handler.end_headers()
        handler.wfile.write(passage.answer)

    def pass_on(self, passage):
        connection = http.client.HTTPConnection("127.0.0.1", self.target, timeout=100)
        fields = {name: value for name, value in passage.headers.items() if name.lower() != "connection"}
        try:
            connection.request(passage.method, passage.path, passage.body or None, fields)
            answer = connection.getresponse()
            passage.status, passage.answer = answer.status, answer.read()
            return answer.getheaders()
        except OSError as error:
            passage.status, passage.answer = 502, str(error).encode()
            return []
        finally:
            connection.close()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
