"""The numbers that findings of this technology are judged by. `[thresholds]` overrides each."""

from incident_lib.findings.thresholds import limit

LIMITS = {
    "logs.errors.warning_ratio": limit(0.01, "own", "one request in a hundred fails: people notice"),
    "logs.errors.critical_ratio": limit(0.05, "own", "one in twenty: an engineer is paged"),
    "logs.errors.least_count": limit(3, "own", "with fewer requests, a rate is meaningless"),
    "logs.error_lines.warning_ratio": limit(0.1, "own", "of the lines of a service that logs no requests"),
    "logs.error_lines.least_count": limit(10, "own", "a few errors are normal"),
    "logs.onset.least_strength": limit(
        8, "own", "log-likelihood ratio: happens by chance once in 10,000 logs"
    ),
    "logs.onset.least_before_count": limit(5, "own", "requests before it, or nothing can be compared"),
    "logs.endpoint.least_share_ratio": limit(0.8, "own", "of all failures: they are in one endpoint"),
    "logs.endpoint.most_other_ratio": limit(0.2, "own", "of its rate: the others do not fail with it"),
    "logs.slow.warning_seconds": limit(1, "APA", "95 of 100 requests should be faster"),
    "logs.slow.least_count": limit(5, "own", "a percentile of fewer requests is meaningless"),
    "logs.slow_onset.least_ratio": limit(0.05, "own", "of the requests take over a second since then"),
    "logs.latency.least_seconds": limit(
        0.1, "own", "what takes less is not noticeable, however much it rose"
    ),
    "logs.latency.warning_factor": limit(
        5, "own", "of the time before: caches, load and chance explain less"
    ),
    "logs.latency.least_ratio": limit(0.15, "own", "of the requests take so long since then"),
    "logs.latency.most_before_ratio": limit(0.1, "own", "of the requests took so long before: it is new"),
    "logs.latency.least_before_count": limit(10, "own", "requests before it, or nothing can be compared"),
    "logs.latency.least_count": limit(5, "own", "slow requests since then"),
    "logs.latency.least_strength": limit(9, "own", "log-likelihood ratio; many endpoints are compared"),
    "logs.latency.least_span_seconds": limit(20, "own", "a pause of a few seconds ends on its own"),
    "logs.latency.after_start.least_span_seconds": limit(
        60, "own", "the first requests of a process are slow"
    ),
    "logs.latency.load_factor": limit(2, "own", "of the requests of any time before: the load explains it"),
    "logs.class.warning_count": limit(3, "own", "of those errors that happen now and then everywhere"),
    "logs.errors.served_since": limit(
        30, "own", "requests without a failure: what failed for a moment is over"
    ),
    "logs.recovery.least_expected_count": limit(
        5,
        "own",
        "times that it would have occurred since, at its rate: by chance it is silent once in 150 times",
    ),
    "logs.class.moment_seconds": limit(5, "own", "names and connections fail while a container is replaced"),
    "logs.exception.warning_count": limit(3, "own", "the same traceback, repeatedly"),
    "logs.worded.warning_ratio": limit(0.2, "own", "of the entries: text is weaker evidence than a level"),
    "logs.warned.warning_ratio": limit(0.05, "own", "of the entries: warnings that began within the log"),
    "logs.replaced.least_count": limit(20, "own", "lines of a kind; fewer are a phase of a start"),
    "logs.coverage.least_ratio": limit(
        0.9, "own", "of the lines with a known format and a time; with fewer, the log is unknown"
    ),
    "logs.coverage.least_count": limit(20, "own", "lines; fewer are mostly a start banner"),
    "logs.times.least_ratio": limit(
        0.05, "own", "of the lines: with fewer, the others cannot be placed in time"
    ),
    "logs.stale.least_seconds": limit(120, "own", "without a line, after as long with lines"),
    "logs.stale.gap_factor": limit(5, "own", "times the longest gap between lines before"),
    "logs.stale.least_count": limit(20, "own", "lines; fewer show no pattern"),
    "logs.service.least_share_ratio": limit(0.8, "own", "of the errors in a log of several services"),
    "logs.template.least_count": limit(3, "own", "error lines of one kind"),
    "logs.template.warning_count": limit(10, "own", "error lines of one kind that no class knows"),
    "logs.template.warning_ratio": limit(0.02, "own", "of the entries of a log: no longer an exception"),
    "logs.boots.least_count": limit(
        5, "own", "times that it started: fewer are deploys and restarts by hand"
    ),
    "logs.boots.most_seconds": limit(120, "own", "between two starts of a server, on average"),
    "logs.boots.most_traceback_seconds": limit(
        30, "own", "between two ends, where only they are logged; cron starts a job each minute"
    ),
    "logs.boots.most_worker_seconds": limit(
        20, "own", "between two starts of workers; recycling takes longer"
    ),
}
