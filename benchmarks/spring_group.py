"""The group spring of benchmarks/compare: one application on several servers, under wrk."""

import os
import pathlib
import re
import shutil
import statistics
import subprocess
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent / "spring"
JAR = HERE / "target" / "benchmarks-spring.jar"
LIB = HERE / "target" / "lib"
MAIN = "cloud.avila.avx.benchmarks.spring.SpringServer"
RATE = "requests/s"
COUNTS = (1, 16, 64, 256, 1000)
SERVERS = ["tomcat-platform", "tomcat-virtual", "jetty-virtual", "webflux"]
ENDPOINTS = {
    "hello": SERVERS,
    "slow": SERVERS,
    "h2": SERVERS,
    "postgres": SERVERS,
    "async": ["tomcat-platform", "tomcat-virtual"],
    "calls": ["tomcat-platform", "tomcat-virtual"],
}
CASES = {f"{name}-{n}": peers for name, peers in ENDPOINTS.items() for n in COUNTS}
QUICK_CASES = ["hello-64", "slow-1000"]  # all would take an hour

# Spring Boot runs on the server whose jars it finds, so each contestant has a class path of its own
TOMCAT = r"spring-boot-tomcat|tomcat-embed-(core|websocket)"
JETTY = r"spring-boot-jetty|jetty-"
NETTY = r"spring-boot-(reactor|webflux|netty)|spring-webflux|reactor-|netty-"
AVX = r"avx-"
VIRTUAL = ["--spring.threads.virtual.enabled=true"]
CONTESTANTS = {
    "avx": ([JETTY, NETTY], []),
    "tomcat-platform": ([JETTY, NETTY, AVX], []),
    "tomcat-virtual": ([JETTY, NETTY, AVX], VIRTUAL),
    "jetty-virtual": ([TOMCAT, NETTY, AVX], VIRTUAL),
    "webflux": ([TOMCAT, JETTY, AVX], ["--spring.main.web-application-type=reactive"]),
}


class Trouble(Exception):
    """What went wrong, for the user."""


def class_path(contestant):
    left_out = re.compile("|".join(CONTESTANTS[contestant][0]))
    jars = sorted(jar for jar in LIB.glob("*.jar") if not left_out.match(jar.name))
    if not jars:
        raise Trouble(f"{LIB} has no jars")
    return os.pathsep.join(str(jar) for jar in [JAR, *jars])


def number(text):
    """A time as wrk writes it, in microseconds."""
    value, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m|h)", text).groups()
    return float(value) * {"us": 1, "ms": 1e3, "s": 1e6, "m": 6e7, "h": 3.6e9}[unit]


def parse(report):
    """What wrk measured; whatever was not answered properly is an error."""
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", report)
    if errors and any(int(count) for count in errors.groups()):
        raise Trouble(errors.group(0))
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", report)
    if wrong:
        raise Trouble(wrong.group(0))
    total = re.search(r"(\d+) requests in ", report)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", report)
    if not total or not rate or int(total.group(1)) == 0:
        raise Trouble(f"wrk measured nothing:\n{report}")
    result = {"requests": int(total.group(1)), "rate": float(rate.group(1))}
    for percent in ("50", "99"):
        result["p" + percent] = number(re.search(rf"(?m)^\s*{percent}%\s+(\S+)", report).group(1))
    return result


def wrk(port, path, connections, seconds, pinned=None):
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "10s"]
    done = subprocess.run(
        [*command, f"http://127.0.0.1:{port}/{path}"],
        capture_output=True,
        text=True,
        timeout=seconds + 60,
        preexec_fn=pinned,
    )
    if done.returncode != 0:
        raise Trouble(f"wrk failed: {done.stderr.strip()[-500:]}")
    return parse(done.stdout)


def rest(port, path):
    """Waits until an executor's queue no longer holds what wrk left behind when its time was over."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=120) as answer:
        answer.read()


def cpu_seconds(pid):
    """What the process has used so far, in all its threads."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class SpringLab:
    def __init__(self, lab, logs):
        self.lab = lab
        self.logs = logs
        # warm-up of each endpoint, then each case, in seconds
        self.warm_up, self.settle, self.seconds = (5, 0, 2) if lab.options.quick else (10, 1, 5)

    def command(self, contestant, database):
        jvm = self.lab.jvm(avx=contestant == "avx")
        jvm[jvm.index("-cp") + 1] = class_path(contestant)
        return [
            *jvm,
            MAIN,
            f"--benchmark.database={database}",
            *([f"--avx.worker-threads={self.lab.options.workers}"] if contestant == "avx" else []),
            *CONTESTANTS[contestant][1],
        ]

    def measure(self, contestant, database, cases):
        """A result for each case, all from one process."""
        log = self.logs / f"spring-{contestant}.log"
        with open(log, "w") as errors:
            server = subprocess.Popen(
                self.command(contestant, database),
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                preexec_fn=self.lab.pinned_to(0),
            )
        pinned = self.lab.pinned_to(1)
        try:
            port = None
            lines = []
            for line in server.stdout:
                lines.append(line)
                if line.startswith("TARGET "):
                    port = int(line.split()[1])
                    break
            if port is None:
                raise Trouble(
                    f"{contestant} did not start:\n{''.join(lines)[-2000:]}{log.read_text()[-1000:]}"
                )
            results = {}
            for endpoint in dict.fromkeys(case.rsplit("-", 1)[0] for case in cases):
                wrk(port, endpoint, 64, self.warm_up, pinned)
                rest(port, endpoint)
                for case in (c for c in cases if c.rsplit("-", 1)[0] == endpoint):
                    connections = int(case.rsplit("-", 1)[1])
                    if self.settle:
                        wrk(port, endpoint, connections, self.settle, pinned)
                        rest(port, endpoint)
                    before = cpu_seconds(server.pid)
                    try:
                        result = wrk(port, endpoint, connections, self.seconds, pinned)
                    except Trouble as trouble:
                        raise Trouble(f"{contestant} at {case}: {trouble}") from None
                    used = cpu_seconds(server.pid) - before
                    rest(port, endpoint)
                    results[case] = {**result, "cpu": used * 1e6 / result["requests"]}
            return results
        finally:
            server.terminate()  # and with it the database
            try:
                server.communicate(timeout=30)
            except subprocess.TimeoutExpired:
                server.kill()
                server.communicate()


def compare(lab, cases, logs, rounds, clock, notes, say):
    if not shutil.which("wrk"):
        raise Trouble("the group spring needs wrk (on Debian: apt-get install wrk)")
    if lab.options.quick and not lab.options.case:
        cases = {case: peers for case, peers in cases.items() if case in QUICK_CASES}
        notes.append("--quick without --case measures only " + " and ".join(cases))
    spring = SpringLab(lab, logs)
    contestants = ["avx", *dict.fromkeys(p for peers in cases.values() for p in peers)]
    samples = {}
    for number_of_round in range(rounds):
        order = contestants if number_of_round % 2 == 0 else contestants[::-1]
        for contestant in order:
            if not clock.allows(contestant, number_of_round):
                continue
            mine = [c for c, peers in cases.items() if contestant in ["avx", *peers]]
            for database in ("h2", "postgres"):
                part = [c for c in mine if c.startswith("postgres-") == (database == "postgres")]
                if part:
                    results = clock.time(
                        contestant, lambda: spring.measure(contestant, database, part)
                    )
                    for case, result in results.items():
                        samples.setdefault((case, contestant), []).append(result)
        say(f"round {number_of_round + 1} of {rounds} done")
    rows = []
    for case in cases:
        for contestant in contestants:
            results = samples.get((case, contestant))
            if results:
                row = {"case": case, "contestant": contestant, "unit": RATE}
                row["rounds"] = [r["rate"] for r in results]
                for key, source in (
                    ("p50Micros", "p50"),
                    ("p99Micros", "p99"),
                    ("cpuMicrosPerTrip", "cpu"),
                ):
                    row[key] = statistics.median(r[source] for r in results)
                rows.append(row)
    return rows
