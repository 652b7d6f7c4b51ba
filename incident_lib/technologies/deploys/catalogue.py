"""What each finding about deployments means."""

from incident_lib.findings.catalogue import CHANGE, STATE, entry

FINDINGS = (
    entry("deploys.log.deployed", CHANGE, "A version was deployed", fields="previous version", event="change",
          precedence=0),
    entry("deploys.log.none", STATE, "Nothing was deployed"),
)  # fmt: skip
