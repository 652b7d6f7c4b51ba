"""Results -> figures, the text that people read, and whether the goals are met. Pure."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

Result = dict[str, Any]
TOP_1_GOAL = 0.95
_SINGLE = {"fault", "container fault"}
_BUSY = "host: host.load."  # no false alarm where the measuring itself found the machine that busy
_BUSY_PER_CPU = 4.0


def figures(results: Iterable[Result]) -> dict[str, Any]:
    """Return everything that is counted, for the JSON file and the summary."""
    results = list(results)
    singles = [one for result in results if result["kind"] in _SINGLE for one in _flat(result)]
    healthy = [run for result in results if result["kind"] == "healthy" for run in result["runs"]]
    pairs = [result for result in results if result["kind"] == "pair"]
    wrong = Counter(f"{one['expected']} -> {one['first']}" for one in singles if one["rank"] != 1)
    return {
        "all": _hits(singles),
        "by_technology": {
            name: _hits([one for one in singles if one["technology"] == name])
            for name in sorted({one["technology"] for one in singles})
        },
        "confusion": dict(wrong),
        "healthy_runs": len(healthy),
        "false_alarms": [alarm for run in healthy for alarm in _false(run)],
        "looks_at_a_busy_machine": sum(run.get("load_per_cpu", 0.0) >= _BUSY_PER_CPU for run in healthy),
        "pairs": len(pairs),
        "pairs_both_in_top_3": sum(_both(pair) for pair in pairs),
        "pairs_missed": [_missed(pair) for pair in pairs if not _both(pair)],
        "not_mended": [result["not_mended"] for result in results if result.get("not_mended")],
    }


def _false(run: Result) -> list[str]:
    """Return what was said of a healthy stack, but for a machine that really was busy with other things.

    >>> _false({"alarms": ["host: host.load.high: x"], "told": [], "load_per_cpu": 9.0})
    []
    """
    busy = run.get("load_per_cpu", 0.0) >= _BUSY_PER_CPU
    return [*(one for one in run["alarms"] if not (busy and one.startswith(_BUSY))), *run["told"]]


def misses(told: dict[str, Any]) -> list[str]:
    """Return the goals that the figures do not meet.

    >>> misses({"all": _hits([]), "false_alarms": [], "pairs": 2, "pairs_both_in_top_3": 1, "not_mended": []})
    ['1 of 2 pairs: both in the top 3, not all']
    """
    faults, missed = told["all"], []
    if faults["top_1"] < TOP_1_GOAL * faults["faults"]:
        missed.append(f"top-1 {faults['top_1']} of {faults['faults']}, less than {TOP_1_GOAL:.0%}")
    if faults["top_3"] < faults["faults"]:
        missed.append(f"top-3 {faults['top_3']} of {faults['faults']}, not all")
    if told["false_alarms"]:
        missed.append(f"{len(told['false_alarms'])} false alarms on healthy stacks")
    if told["pairs_both_in_top_3"] < told["pairs"]:
        missed.append(f"{told['pairs_both_in_top_3']} of {told['pairs']} pairs: both in the top 3, not all")
    missed += [f"not undone: {reason}" for reason in told["not_mended"]]
    return missed


def _flat(result: Result) -> list[Result]:
    first = result["told"][0] if result["told"] else "nothing"
    return [{**one, "first": first} for one in result["faults"]]


def _both(pair: Result) -> bool:
    return all(one["rank"] is not None and one["rank"] <= 3 for one in pair["faults"])


def _missed(pair: Result) -> str:
    wanted = " and ".join(one["expected"] for one in pair["faults"])
    return f"{wanted}: {', '.join(pair['told']) or 'nothing'}"


def _hits(faults: list[Result]) -> dict[str, Any]:
    times = sorted(one["first_right_finding_seconds"] for one in faults if one["first_right_finding_seconds"])
    return {
        "faults": len(faults),
        "top_1": sum(one["rank"] == 1 for one in faults),
        "top_3": sum(one["rank"] is not None and one["rank"] <= 3 for one in faults),
        "abstentions": sum(one["first"] == "nothing" for one in faults),
        "median_first_right_finding_seconds": _quantile(times, 0.5),
        "p90_first_right_finding_seconds": _quantile(times, 0.9),
    }


def _quantile(times: list[float], share: float) -> float | None:
    """Return the value that `share` of the sorted `times` do not pass, None of none.

    >>> _quantile([1.0, 2.0, 3.0, 4.0], 0.5), _quantile([], 0.5)
    (3.0, None)
    """
    return times[min(len(times) - 1, int(share * len(times)))] if times else None


def line(key: str, result: Result) -> str:
    """Return one measurement in a line."""
    if result["kind"] == "healthy":
        bad = sum(len(_false(run)) for run in result["runs"])
        return f"{'WRONG' if bad else 'ok   '} {key:44} {len(result['runs'])} looks, {bad} alarms"
    mark = "ok   " if result["is_right"] else "WRONG"
    ranks = ", ".join(f"{one['rank'] or '-'} {one['expected']}" for one in result["faults"])
    told = "" if result["is_right"] else f"  TOLD: {'; '.join(result['told']) or 'nothing'}"
    trouble = f"  NOT UNDONE: {result['not_mended']}" if result["not_mended"] else ""
    return f"{mark} {key:44} {ranks}  ({result['seconds']} s){told}{trouble}"


def summary(told: dict[str, Any]) -> str:
    """Return the figures as people read them."""
    rows = {**told["by_technology"], "all": told["all"]}
    lines = ["", f"{'':22}{'faults':>8}{'top-1':>8}{'top-3':>8}{'abstained':>11}{'first right finding':>26}"]
    for name, row in rows.items() if told["all"]["faults"] else ():
        median, p90 = row["median_first_right_finding_seconds"], row["p90_first_right_finding_seconds"]
        when = "-" if median is None else f"median {median:.1f} s, p90 {p90:.1f} s"
        counted = f"{row['faults']:8}{row['top_1']:8}{row['top_3']:8}{row['abstentions']:11}"
        lines.append(f"{name:22}{counted}{when:>26}")
    lines += [f"confused: {pair} ({count})" for pair, count in told["confusion"].items()]
    lines.append(
        f"healthy under load: {told['healthy_runs']} looks, {len(told['false_alarms'])} false alarms; in "
        f"{told['looks_at_a_busy_machine']} the machine itself was busy with other things"
    )
    lines += [f"  {alarm}" for alarm in told["false_alarms"]]
    lines.append(f"pairs: {told['pairs_both_in_top_3']} of {told['pairs']} with both in the top 3")
    lines += [f"  {pair}" for pair in told["pairs_missed"]]
    lines += [f"MISSED: {goal}" for goal in misses(told)]
    return "\n".join(lines)
