"""What each finding about deployments means."""

from incident_lib.findings.catalogue import CHANGE, STATE, entry

FINDINGS = (
    entry("deploys.log.deployed", CHANGE, "A version was deployed", fields="previous version", event="change",
          precedence=0),
    entry("deploys.log.rolled_back", CHANGE, "A version was deployed again that ran before another one",
          fields="previous version", event="change", precedence=0),
    entry("deploys.log.taken_back", CHANGE, "A version was deployed, and taken back",
          fields="previous version", event="change", precedence=0),
    entry("deploys.log.none", STATE, "Nothing was deployed"),
)  # fmt: skip
