import pytest
from cryptography import x509

from incident_lib.demo import certificates
from incident_lib.demo.certificates import make_certificates


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    make_certificates(folder / "ca.pem", folder, "127.0.0.1", "localhost")
    return folder


def chain(path):
    return x509.load_pem_x509_certificates(path.read_bytes())


def test_the_good_certificate_is_signed_by_the_authority(keys):
    (leaf,) = chain(keys / certificates.GOOD)
    (authority,) = chain(keys / "ca.pem")
    leaf.verify_directly_issued_by(authority)


def test_the_incomplete_one_lacks_the_certificate_between(keys):
    (leaf,) = chain(keys / certificates.INCOMPLETE)
    (authority,) = chain(keys / "ca.pem")
    assert leaf.issuer != authority.subject


def test_the_self_signed_one_is_signed_by_itself_and_has_the_right_names(keys):
    (leaf,) = chain(keys / certificates.SELF_SIGNED)
    leaf.verify_directly_issued_by(leaf)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]


def test_nobody_else_can_read_the_keys(keys):
    for path in keys.glob("payments*.pem"):
        assert path.stat().st_mode & 0o077 == 0
