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
    singles = [fault for result in results if result["kind"] in _SINGLE for fault in _flat(result)]
    healthy = [run for result in results if result["kind"] == "healthy" for run in result["runs"]]
    pairs = [result for result in results if result["kind"] == "pair"]
    wrong = Counter(f"{fault['expected']} -> {fault['first']}" for fault in singles if fault["rank"] != 1)
    return {
        "all": _hits(singles),
        "by_technology": {
            name: _hits([fault for fault in singles if fault["technology"] == name])
            for name in sorted({fault["technology"] for fault in singles})
        },
        "confusion": dict(wrong),
        "healthy_runs": len(healthy),
        "false_alarms": [alarm for run in healthy for alarm in _false(run)],
        "triages_on_a_busy_machine": sum(run.get("load_per_cpu", 0.0) >= _BUSY_PER_CPU for run in healthy),
        "pairs": len(pairs),
        "pairs_both_in_top_3": sum(_both(pair) for pair in pairs),
        "pairs_missed": [_missed(pair) for pair in pairs if not _both(pair)],
        **_recoveries([result for result in results if result["kind"] == "recovery"]),
        "not_mended": [result["not_mended"] for result in results if result.get("not_mended")],
    }


def _recoveries(results: list[Result]) -> dict[str, Any]:
    well = [result for result in results if not _false(result)]
    return {
        "recoveries": len(results),
        "recoveries_with_nothing_proposed": len(well),
        "recoveries_reported": sum(bool(result["recovered"]) for result in results),
        "recoveries_missed": [
            f"{result['name']}: {'; '.join(_false(result))}" for result in results if result not in well
        ],
    }


def _false(run: Result) -> list[str]:
    """Return what was reported of a healthy stack, except that the machine was busy where it really was.

    >>> _false({"alarms": ["host: host.load.high: x"], "hypotheses": [], "load_per_cpu": 9.0})
    []
    """
    busy = run.get("load_per_cpu", 0.0) >= _BUSY_PER_CPU
    return [*(alarm for alarm in run["alarms"] if not (busy and alarm.startswith(_BUSY))), *run["hypotheses"]]


def misses(counted: dict[str, Any]) -> list[str]:
    """Return the goals that the figures do not meet.

    >>> misses(figures([]) | {"pairs": 2, "pairs_both_in_top_3": 1})
    ['1 of 2 pairs: both in the top 3, not all']
    """
    faults, missed = counted["all"], []
    if faults["top_1"] < TOP_1_GOAL * faults["faults"]:
        missed.append(f"top-1 {faults['top_1']} of {faults['faults']}, less than {TOP_1_GOAL:.0%}")
    if faults["top_3"] < faults["faults"]:
        missed.append(f"top-3 {faults['top_3']} of {faults['faults']}, not all")
    if counted["false_alarms"]:
        missed.append(f"{len(counted['false_alarms'])} false alarms on healthy stacks")
    if counted["pairs_both_in_top_3"] < counted["pairs"]:
        missed.append(
            f"{counted['pairs_both_in_top_3']} of {counted['pairs']} pairs: both in the top 3, not all"
        )
    silent = counted["recoveries"] - counted["recoveries_reported"]
    if counted["recoveries_missed"]:
        missed.append(f"{len(counted['recoveries_missed'])} faults that were undone are not over")
    if silent:
        missed.append(f"{silent} faults that were undone are not reported as recovered")
    missed += [f"not undone: {reason}" for reason in counted["not_mended"]]
    return missed


def _flat(result: Result) -> list[Result]:
    first = result["hypotheses"][0] if result["hypotheses"] else "nothing"
    return [{**fault, "first": first} for fault in result["faults"]]


def _both(pair: Result) -> bool:
    return all(fault["rank"] is not None and fault["rank"] <= 3 for fault in pair["faults"])


def _missed(pair: Result) -> str:
    wanted = " and ".join(fault["expected"] for fault in pair["faults"])
    return f"{wanted}: {', '.join(pair['hypotheses']) or 'nothing'}"


def _hits(faults: list[Result]) -> dict[str, Any]:
    times = sorted(
        fault["first_right_finding_seconds"] for fault in faults if fault["first_right_finding_seconds"]
    )
    return {
        "faults": len(faults),
        "top_1": sum(fault["rank"] == 1 for fault in faults),
        "top_3": sum(fault["rank"] is not None and fault["rank"] <= 3 for fault in faults),
        "abstentions": sum(fault["first"] == "nothing" for fault in faults),
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
        return f"{'WRONG' if bad else 'ok   '} {key:44} {len(result['runs'])} triages, {bad} alarms"
    if result["kind"] == "recovery":
        still_there = _false(result)
        mark = "WRONG" if still_there or not result["recovered"] else "ok   "
        trouble = f"  NOT OVER: {'; '.join(still_there)}" if still_there else ""
        return f"{mark} {key:44} {len(result['recovered'])} reported as recovered{trouble}"
    mark = "ok   " if result["is_right"] else "WRONG"
    ranks = ", ".join(f"{fault['rank'] or '-'} {fault['expected']}" for fault in result["faults"])
    diagnosed = "" if result["is_right"] else f"  DIAGNOSED: {'; '.join(result['hypotheses']) or 'nothing'}"
    trouble = f"  NOT UNDONE: {result['not_mended']}" if result["not_mended"] else ""
    return f"{mark} {key:44} {ranks}  ({result['seconds']} s){diagnosed}{trouble}"


def summary(counted: dict[str, Any]) -> str:
    """Return the figures as people read them."""
    rows = {**counted["by_technology"], "all": counted["all"]}
    lines = ["", f"{'':22}{'faults':>8}{'top-1':>8}{'top-3':>8}{'abstained':>11}{'first right finding':>26}"]
    for name, row in rows.items() if counted["all"]["faults"] else ():
        median, p90 = row["median_first_right_finding_seconds"], row["p90_first_right_finding_seconds"]
        when = "-" if median is None else f"median {median:.1f} s, p90 {p90:.1f} s"
        numbers = f"{row['faults']:8}{row['top_1']:8}{row['top_3']:8}{row['abstentions']:11}"
        lines.append(f"{name:22}{numbers}{when:>26}")
    lines += [f"confused: {pair} ({count})" for pair, count in counted["confusion"].items()]
    lines.append(
        f"healthy under load: {counted['healthy_runs']} triages, {len(counted['false_alarms'])} false alarms,"
        f" {counted['triages_on_a_busy_machine']} of them on a machine that was busy with other things"
    )
    lines += [f"  {alarm}" for alarm in counted["false_alarms"]]
    lines.append(f"pairs: {counted['pairs_both_in_top_3']} of {counted['pairs']} with both in the top 3")
    lines += [f"  {pair}" for pair in counted["pairs_missed"]]
    if counted["recoveries"]:
        lines.append(
            f"undone: {counted['recoveries_with_nothing_proposed']} of {counted['recoveries']} with nothing "
            f"proposed two minutes later, {counted['recoveries_reported']} reported as recovered"
        )
        lines += [f"  {fault}" for fault in counted["recoveries_missed"]]
    lines += [f"MISSED: {goal}" for goal in misses(counted)]
    return "\n".join(lines)
