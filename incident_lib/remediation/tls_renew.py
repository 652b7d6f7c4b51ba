"""Renew a certificate: a checklist for people, as keys never pass through the workbench."""

from incident_lib.config import Dependency
from incident_lib.connections.change import Action, Proposal, RefusedError, Request
from incident_lib.errors import TargetError
from incident_lib.model.remediation import Affected
from incident_lib.remediation.verification import observe
from incident_lib.technologies.network.rows import TlsAnswer


def propose(request: Request) -> Proposal:
    """Return the steps, with what the target presents now. Errors: RefusedError for an unknown target."""
    names = [service.name for service in request.settings.services]
    dependency = next((each for each in request.settings.dependencies if each.name == request.target), None)
    if dependency is None and request.target not in names:
        known = ", ".join((*names, *(each.name for each in request.settings.dependencies)))
        raise RefusedError(f"nothing is named {request.target!r}; configured: {known}")
    return Proposal(
        affected=(_presented(request), *_users(request)),
        risks=(
            (
                "a certificate that does not match its key, or lacks the intermediate, breaks the service "
                "for all users"
            ),
        ),
        undo="put the old certificate and key back, and reload",
        steps=_vendor_steps(request, dependency) if dependency else _steps(request),
    )


def _presented(request: Request) -> Affected:
    try:
        evidence = observe(request.settings, request.target, "network.tls")
    except TargetError as error:
        return Affected(what="certificate now", detail=f"not seen: {error.message}")
    rows = evidence.of(TlsAnswer) if evidence else ()
    leaf = next((row.certificates[0] for row in rows if row.certificates), None)
    if leaf is None:
        reason = evidence.problem.message if evidence and evidence.problem else "no certificate was presented"
        return Affected(what="certificate now", detail=f"not seen: {reason}")
    return Affected(
        what="certificate now", detail=f"{leaf.subject}, until {leaf.not_after_at:%Y-%m-%d %H:%M} UTC"
    )


def _users(request: Request) -> tuple[Affected, ...]:
    names = [service.name for service in request.settings.services if request.target in service.depends_on]
    return (
        (Affected(what="services that need it", count=len(names), detail=", ".join(names)),) if names else ()
    )


def _steps(request: Request) -> tuple[str, ...]:
    return (
        "Copy the current certificate and key to a safe place, with their permissions.",
        "Order or renew the certificate for every name in use (certbot renew, your CA, your cloud).",
        "Check it first: openssl x509 -in new.pem -noout -subject -ext subjectAltName -dates",
        "Compare its key: openssl pkey -in new.key -pubout; openssl x509 -in new.pem -noout -pubkey",
        "Install the full chain, the leaf first, then the intermediates.",
        "Load it in the server: reload, not restart, if possible (nginx -t && nginx -s reload).",
        "Check it: openssl s_client -connect HOST:PORT -servername HOST -showcerts.",
        f"Then: {request.commands.line('triage')}",
        "Make an action item: automatic renewal, and an alert 20 days before expiry.",
    )


def _vendor_steps(request: Request, dependency: Dependency) -> tuple[str, ...]:
    whom = " at ".join(filter(None, (dependency.owner, dependency.contact))) or "its owner"
    return (
        f"Call {whom}: it is their certificate; send what `openssl s_client` shows, and since when.",
        "Read their status page, and tell your users what does not work meanwhile.",
        "Switch off or queue what needs it. Do not switch off verification: anyone could answer.",
        f"Once they have renewed it, this must show the new expiry date: {request.commands.line('triage')}",
        "Make an action item: an alert on third-party certificates 20 days before expiry.",
    )


ACTION = Action(
    id="tls.renew",
    title="Renew a certificate (a checklist)",
    targets="a service or an outside dependency with TLS",
    does="Changes nothing: it lists the steps for a person, with the details of the certificate.",
    undo="Put the old certificate and key back, and reload.",
    not_when=("The certificate is valid, and only a client's CA store or a clock is wrong.",),
    propose=propose,
)
