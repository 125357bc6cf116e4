"""Starts gateway and agent in a folder that goes away, and holds each against its description.

hold.py FOLDER-OF-PROGRAMS REQUESTS
"""

import base64
import concurrent.futures
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

HERE = pathlib.Path(__file__).parent
IDENTITY = HERE.parent / "fixtures/demo/maison-lumen.json"
PASSPHRASE = "soleil de minuit"
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,negative_data_rejection"


class Program:
    """A server of ours; its log goes to a file."""

    def __init__(self, command, folder, name, environment=None):
        self.log = open(folder / f"{name}.log", "ab")
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=self.log, env={**os.environ, **(environment or {})}
        )
        line = self.process.stdout.readline().decode()
        self.url = re.search(r"http://127\.0\.0\.1:\d+", line).group(0)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout=30)
        assert status == 0, f"ended with {status} on SIGTERM"


def fetch(url, data=None, headers=None):
    """Status, headers and body; does not follow."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_):
            return None

    request = urllib.request.Request(url, data=data, headers=headers or {})
    try:
        answer = urllib.request.build_opener(Stay).open(request, timeout=30)
    except urllib.error.HTTPError as error:
        answer = error
    return answer.status, answer.headers, answer.read()


class Run:
    """One run of schemathesis; counts what it sent."""

    def __init__(self, folder):
        self.folder = folder
        self.total = 0
        self.failed = []

    def hold(self, name, url, share, headers=(), only=(), without=(), phases="coverage,fuzzing"):
        operations = json.loads(fetch(f"{url}/openapi.json")[2])["paths"]
        names = [o["operationId"] for path in operations.values() for o in path.values()]
        chosen = [n for n in names if (not only or n in only) and n not in without]
        counted = self.folder / f"{name}.count"
        command = [
            sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml"), "run", f"{url}/openapi.json",
            "--checks", CHECKS, "--phases", phases, "--no-color",
            "--max-examples", str(max(1, share // len(chosen))), "--seed", "1",
            "--max-redirects", "0", "--request-timeout", "20", "--suppress-health-check", "all",
            # Who may call is the matter of other tests: here everybody shows what the run gives it.
            "--generation-with-security-parameters", "false", "--generation-database", "none", "--continue-on-failure", "--warnings", "off",
        ]
        for header in headers:
            command += ["-H", header]
        for operation in chosen:
            command += ["--include-operation-id", operation]
        environment = {**os.environ, "SCHEMATHESIS_HOOKS": "checks", "PYTHONPATH": str(HERE),
                       "BESACE_COUNT": str(counted), "BESACE_REQUESTS": str(share)}
        started = time.monotonic()
        done = subprocess.run(command, env=environment, cwd=self.folder, capture_output=True, text=True)
        sent = int(counted.read_text()) if counted.exists() else 0
        self.total += sent
        print(f"{name}: {len(chosen)} operations, {sent} requests, {time.monotonic() - started:.0f} s, "
              f"{'held' if done.returncode == 0 else 'FAILED'}", flush=True)
        if done.returncode != 0 or sent == 0:
            self.failed.append(name)
            print(done.stdout[-12000:], done.stderr[-2000:])


def gateway(programs, folder, run, share):
    command = [programs / "besace-gateway", "--folder", folder / "gateway"]
    call = lambda *more: subprocess.run([*command, *more], check=True, capture_output=True, text=True).stdout
    call("init", str(IDENTITY))
    settings = folder / "gateway/gateway.json"
    config = json.loads(settings.read_text())
    config["limits"] = {name: 0 for name in config["limits"]}
    settings.write_text(json.dumps(config))
    (folder / "offers.json").write_text("[]")
    call("catalogue", "publish", str(folder / "offers.json"))
    serve = [*command, "serve", "--listen", "127.0.0.1:0"]
    first = Program(serve, folder, "gateway")
    paths = json.loads(fetch(f"{first.url}/openapi.json")[2])["paths"]
    first.stop()
    scopes = sorted({o["x-scope"] for path in paths.values() for o in path.values() if "x-scope" in o})
    shop = config["retailer"]["shops"][0]["code"]
    key = call("key", "add", "everything", "--shop", shop, "--scope", ",".join(scopes)).strip()
    server = Program(serve, folder, "gateway")
    run.hold("gateway, every scope", server.url, share * 4 // 5, [f"Authorization: Bearer {key}"])
    run.hold("gateway, no key", server.url, share // 5, phases="fuzzing")
    assert fetch(f"{server.url}/healthz")[0] == 200
    server.stop()


def agent(programs, folder, run, share):
    secret = {"BESACE_PASSPHRASE": PASSPHRASE}
    command = [programs / "besace", "--vault", folder / "vault", "--json"]
    call = lambda *more: subprocess.run(
        [*command, *more], check=True, capture_output=True, text=True, env={**os.environ, **secret}
    ).stdout
    call("init", "--smallest-kdf")
    device = json.loads(call("device", "add", "phone"))
    serve = [*command, "serve", "--listen", "127.0.0.1:0"]
    server = Program(serve, folder, "agent", secret)
    own = {"Origin": server.url, "Content-Type": "application/x-www-form-urlencoded"}
    form = urllib.parse.urlencode({"passphrase": PASSPHRASE}).encode()
    status, headers, _ = fetch(f"{server.url}/unlock", form, own)
    assert status == 303, status
    session = headers["Set-Cookie"].split(";")[0]
    browser = [f"Origin: {server.url}", f"Cookie: {session}"]
    paths = json.loads(fetch(f"{server.url}/openapi.json")[2])["paths"]
    devices = [
        o["operationId"] for path in paths.values() for o in path.values()
        if any("device" in scheme for scheme in o.get("security", []))
    ]
    assert devices, "no address of devices"
    ends = ["lock", "leave", "unlock"]
    run.hold("agent, her browser", server.url, share * 3 // 5, browser, without=[*ends, *devices])
    user = f"{device['device']}:{device['password']}"
    basic = [f"Authorization: Basic {base64.b64encode(user.encode()).decode()}"]
    run.hold("agent, her telephone", server.url, share // 5, basic, only=devices)
    status, _, _ = fetch(f"{server.url}/lock", b"", {**own, "Cookie": session})
    assert status == 303, status
    run.hold("agent, locked", server.url, share // 5, browser, phases="fuzzing")
    assert fetch(f"{server.url}/healthz")[0] == 200
    server.stop()


def main():
    programs, requests = pathlib.Path(sys.argv[1]).resolve(), int(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        run = Run(folder)
        with concurrent.futures.ThreadPoolExecutor() as both:
            halves = [both.submit(gateway, programs, folder, run, requests // 2),
                      both.submit(agent, programs, folder, run, requests - requests // 2)]
            for half in halves:
                half.result()
        for log in ("gateway.log", "agent.log"):
            said = (folder / log).read_text(errors="replace")
            faults = [line for line in said.splitlines() if " ERROR " in line or "panicked" in line]
            if faults:
                run.failed.append(log)
                print(*faults[:20], sep="\n")
    print(f"openapi: {run.total} requests, {5 - len(run.failed)} passed, {len(run.failed)} failed")
    sys.exit(1 if run.failed else 0)


main()
