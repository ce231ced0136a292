# The host's side of a test: host.py PORTS SUM. Serves HTTP and echoes datagrams in capitals, at ports that it writes to PORTS, with a third
# that is free, to be forwarded, and a fourth of HTTP by IPv6; the sum of what /much gives goes to SUM. /inside gives what the server behind the third says.
import hashlib, http.server, random, socket, socketserver, sys, threading, time, urllib.request

much = random.Random(1).randbytes(5 << 20)


class Web(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path in ("/much", "/slow"):
            data = much
        elif self.path == "/inside":
            data = urllib.request.urlopen(f"http://127.0.0.1:{forward}/hostname", timeout=20).read()
        else:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        # In 20 pieces when it is to take a second.
        piece = len(data) // 20 + 1 if self.path == "/slow" else len(data)
        for at in range(0, len(data), piece):
            if self.path == "/slow":
                time.sleep(0.05)
            self.wfile.write(data[at : at + piece])

    def log_message(self, *arguments):
        pass


def echo(one):
    while True:
        data, address = one.recvfrom(65536)
        one.sendto(data.upper(), address)


with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    forward = free.getsockname()[1]
datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
datagrams.bind(("127.0.0.1", 0))
threading.Thread(target=echo, args=(datagrams,), daemon=True).start()
class Server6(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6


web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Web)
web6 = Server6(("::1", 0), Web)
threading.Thread(target=web6.serve_forever, daemon=True).start()
with open(sys.argv[2], "w") as out:
    print(hashlib.sha256(much).hexdigest(), file=out)
with open(sys.argv[1], "w") as out:
    print(web.server_address[1], datagrams.getsockname()[1], forward, web6.server_address[1], file=out)
web.serve_forever()
