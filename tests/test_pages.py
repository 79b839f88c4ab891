"""The built site in a headless browser: no MathJax error, no failed request, no overflow.

The pages are those of SYMGRAD_SITE or docs/_build/html. Without them, or without a Chromium, there
is nothing to look at and the test is skipped with a notice.
"""

from __future__ import annotations

import functools
import http.server
import json
import os
import pathlib
import re
import shutil
import subprocess
import threading
from typing import Any

import pytest

SITE = pathlib.Path(
    os.environ.get("SYMGRAD_SITE", pathlib.Path(__file__).parents[1] / "docs" / "_build" / "html")
)
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
WIDTHS = (1280, 400)
SECONDS = 400

#: Opens each page in a frame at each width, waits for MathJax, measures, and posts what it found.
HARNESS = """<!doctype html><meta charset="utf-8"><body><script>
const pages = %s, widths = %s, found = [];
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
function trouble(frame, width) {
  const page = frame.contentDocument, view = frame.contentWindow, list = [];
  page.querySelectorAll("mjx-merror, [data-mjx-error]").forEach((e) =>
    list.push("MathJax: " + (e.getAttribute("data-mjx-error") || e.textContent).slice(0, 200)));
  if (/Extension ".*" failed to load/.test(page.body.textContent))
    list.push("MathJax: an extension is missing");
  const formulas = page.querySelectorAll("span.math, div.math").length;
  const set = page.querySelectorAll("mjx-container").length;
  if (formulas > set) list.push(`MathJax: ${formulas - set} of ${formulas} formulas are not set`);
  const root = page.documentElement;
  const scrolls = (e) => ["auto", "scroll", "hidden"].includes(view.getComputedStyle(e).overflowX);
  if (root.scrollWidth > root.clientWidth) {
    const wide = [...page.querySelectorAll("article *")].find((e) => {
      if (e.getBoundingClientRect().right <= root.clientWidth + 1) return false;
      for (let up = e.parentElement; up; up = up.parentElement)
        if (scrolls(up)) return false;
      return true;
    });
    const what = wide ? `: <${wide.tagName} class="${wide.className}"> ${wide.textContent}` : "";
    list.push(`at ${width} px the page is ${root.scrollWidth} px wide${what.slice(0, 150)}`);
  }
  page.querySelectorAll("img").forEach((i) => {
    if (i.complete && i.naturalWidth === 0) list.push("picture not shown: " + i.src);
    if (!i.alt && !i.closest("a.sidebar-brand")) list.push("picture without words: " + i.src);
  });
  view.performance.getEntriesByType("resource").forEach((r) => {
    if (!r.name.startsWith(location.origin) && !r.name.startsWith("data:"))
      list.push("asks elsewhere: " + r.name);
  });
  return [list, set];
}
(async () => {
  for (const name of pages) {
    const frame = document.createElement("iframe");
    frame.style.cssText = `border:0;height:900px;width:${widths[0]}px`;
    document.body.append(frame);
    await new Promise((done) => { frame.onload = done; frame.src = "/" + name; });
    const jax = frame.contentWindow.MathJax;
    if (jax && jax.startup && jax.startup.promise) await jax.startup.promise;
    const entry = { name, trouble: [], formulas: 0 };
    for (const width of widths) {
      frame.style.width = width + "px";
      await sleep(60);
      const [list, set] = trouble(frame, width);
      entry.trouble.push(...list);
      entry.formulas = set;
    }
    found.push(entry);
    frame.remove();
  }
  await fetch("/found", { method: "POST", body: JSON.stringify(found) });
})();
</script>"""


class Server(http.server.ThreadingHTTPServer):
    """Serves the site and the harness, and keeps what the harness posts and what was missing."""

    def __init__(self, site: pathlib.Path, names: list[str]) -> None:
        super().__init__(("127.0.0.1", 0), functools.partial(Handler, directory=str(site)))
        self.harness = (HARNESS % (json.dumps(names), json.dumps(WIDTHS))).encode()
        self.found: list[dict[str, Any]] = []
        self.missing: list[str] = []
        self.done = threading.Event()


class Handler(http.server.SimpleHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        if self.path != "/harness":
            return super().do_GET()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(self.server.harness)
        return None

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.found = json.loads(body)
        self.send_response(204)
        self.end_headers()
        self.server.done.set()

    def send_error(self, code: int, *args: Any, **more: Any) -> None:
        if self.path != "/favicon.ico":
            self.server.missing.append(f"{code} {self.path}")
        super().send_error(code, *args, **more)

    def log_message(self, *args: Any) -> None:
        """Nothing is printed."""


def look(site: pathlib.Path, names: list[str], profile: pathlib.Path) -> Server:
    """What a browser sees on these pages."""
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        pytest.skip("no Chromium on this machine: the built pages were not looked at")
    server = Server(site, names)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    command = [
        browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
        "--window-size=1400,1000", f"--user-data-dir={profile}",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        f"http://127.0.0.1:{server.server_port}/harness",
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        finished = server.done.wait(SECONDS)
    finally:
        process.terminate()
        process.wait(30)
        server.shutdown()
        server.server_close()
    assert finished, f"the browser did not finish in {SECONDS} s"
    return server


@pytest.fixture(scope="module")
def seen(tmp_path_factory) -> Server:
    names = sorted(p.relative_to(SITE).as_posix() for p in SITE.rglob("*.html"))
    if not names:
        pytest.skip(f"no built pages in {SITE}: build the documentation first")
    return look(SITE, names, tmp_path_factory.mktemp("profile"))


def test_every_page_is_right(seen):
    wrong = [f"{page['name']}: {line}" for page in seen.found for line in page["trouble"]]
    assert wrong == []


def test_there_are_formulas(seen):
    assert sum(page["formulas"] for page in seen.found) > 100


def test_no_request_fails(seen):
    assert seen.missing == []


def test_no_page_asks_another_host():
    pages = list(SITE.rglob("*.html"))
    if not pages:
        pytest.skip(f"no built pages in {SITE}: build the documentation first")
    asks = re.compile(r'<(?:script|img|iframe|link)\b[^>]*(?:src|href)="(?:https?:)?//[^"]*"')
    found = {p.name: asks.findall(p.read_text("utf-8")) for p in pages}
    assert {name: links for name, links in found.items() if links} == {}


def test_the_look_can_fail(tmp_path):
    site = tmp_path / "site"
    site.mkdir()
    (site / "bad.html").write_text(
        '<html><body style="margin:0"><article><div style="width:2000px">wide</div>'
        '<span class="math">\\(x\\)</span><img src="none.png" alt="none"></article></body></html>',
        "utf-8",
    )
    server = look(site, ["bad.html"], tmp_path / "profile")
    trouble = " ".join(server.found[0]["trouble"])
    assert "the page is 2000 px wide" in trouble
    assert "1 of 1 formulas are not set" in trouble
    assert "picture not shown" in trouble
    assert server.missing == ["404 /none.png"]
