"""What exactly is wrong with a certificate or a name, in one word, from the line that says so. Pure."""

_WORDS: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "tls_expired": (
        ("not_yet_valid", (" is before ", "NOT_YET_VALID", "NotYetValid", "NotValidYet")),
        ("expired", ("has expired", "HAS_EXPIRED", "Expired")),
        ("not_yet_valid", ("not yet valid",)),
    ),
    "tls_verify": (
        ("unknown_authority", ("certificate in certificate chain", "CERT_IN_CHAIN", "unknown authority")),
        ("unknown_authority", ("unknown ca", "UntrustedRoot")),
        ("self_signed", ("self-signed", "self signed", "SELF_SIGNED_CERT")),
        ("incomplete_chain", ("unable to verify the first", "UNABLE_TO_VERIFY_LEAF", "PartialChain")),
        ("unknown_issuer", ("issuer", "ISSUER", "UnknownIssuer", "PKIX path building failed")),
    ),
    "name_resolution": (
        (
            "no_answer",
            ("EAI_AGAIN", "Temporary failure", "Try again", "temporarily unavailable", "misbehaving"),
        ),
        ("no_answer", ("i/o timeout", "SERVFAIL", "ETIMEOUT", "EREFUSED", "EAI_FAIL", "timed out")),
        ("no_address", ("No address associated", "ENODATA", "EAI_NODATA")),
        (
            "no_such_name",
            ("not known", "no such host", "No such host", "ENOTFOUND", "not found", "NONAME", "11001"),
        ),
        ("no_such_name", ("does not resolve", "nodename nor servname", "UnknownHostException")),
    ),
}
_ALWAYS = {"tls_wrong_name": "wrong_name", "tls_protocol": "no_tls"}


def reason_of(error_class: str, example: str) -> str | None:
    """Return what is wrong, None where the line does not say more than its class.

    Of certificates: expired, not_yet_valid, wrong_name, self_signed, unknown_authority, incomplete_chain,
    unknown_issuer (one of the two before), no_tls. Of names: no_such_name, no_address, no_answer (of the
    resolver, so the name may well be right).

    >>> reason_of("tls_verify", "x509: certificate signed by unknown authority")
    'unknown_authority'
    >>> reason_of("name_resolution", "getaddrinfo EAI_AGAIN payments"), reason_of("disk_full", "no space")
    ('no_answer', None)
    """
    for reason, words in _WORDS.get(error_class, ()):
        if any(word in example for word in words):
            return reason
    return _ALWAYS.get(error_class)
