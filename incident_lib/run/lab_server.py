"""JupyterLab as the workbench starts it: `python -P -m incident_lib.run.lab_server FLAGS`.

Who reaches it is not left to a person's configuration of Jupyter: flags win over every file. The token is no
flag, because other users of the machine can read those. Nothing is requested from the internet.
"""

import secrets
import sys
from typing import Any

from jupyter_server.auth.identity import PasswordIdentityProvider
from traitlets import validate

from incident_lib.run import parents
from incident_lib.run.kernel_specs import WORKBENCH

ADDRESS = "127.0.0.1"
_FIXED = {
    "ServerApp.ip": ADDRESS,
    "ServerApp.sock": "",
    "ServerApp.allow_origin": "",
    "ServerApp.allow_origin_pat": "",
    "ServerApp.allow_credentials": "False",
    "ServerApp.allow_remote_access": "False",
    "ServerApp.allow_unauthenticated_access": "False",
    "ServerApp.disable_check_xsrf": "False",
    "ServerApp.identity_provider_class": "incident_lib.run.lab_server.TokenProvider",
    "ServerApp.contents_manager_class": "incident_lib.run.lab_files.LabFiles",
    "ServerApp.kernel_spec_manager_class": "incident_lib.run.kernel_specs.SafeKernelSpecManager",
    "LabApp.news_url": "None",
    "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
    "LabApp.extension_manager": "readonly",  # the other one lists what PyPI has
}
_NEWS = "@jupyterlab/apputils-extension:announcements"  # it asks whether to fetch them, over the notebook
_USUAL = (f"--MultiKernelManager.default_kernel_name={WORKBENCH}",)  # of what names no kernel
_TOKEN = secrets.token_hex(24)


class TokenProvider(PasswordIdentityProvider):  # type: ignore[misc]  # jupyter_server's traits have no types
    """Whoever has the token of this start, and no other: what is configured instead is not taken."""

    @validate("token")  # type: ignore[untyped-decorator]  # traitlets has no types
    def _validate_token(self, _proposal: Any) -> str:
        return _TOKEN

    @property
    def token_generated(self) -> bool:
        """Whether the address is printed with its token: yes, also where a token was configured."""
        return True

    @token_generated.setter
    def token_generated(self, _value: bool) -> None:
        """Take nothing else."""

    @validate("hashed_password")  # type: ignore[untyped-decorator]  # as above
    def _validate_password(self, _proposal: Any) -> str:
        return ""


def fixed_flags() -> list[str]:
    """Return the flags that decide who reaches the server and what it requests, whatever is configured."""
    return [f"--{name}={value}" for name, value in _FIXED.items()]


def without_news(_handler: Any, page: dict[str, Any]) -> dict[str, Any]:
    """Return JupyterLab's settings of its page, without the part that offers and fetches announcements.

    >>> without_news(None, {"disabledExtensions": ["a"]})
    {'disabledExtensions': ['a', '@jupyterlab/apputils-extension:announcements']}
    """
    return {**page, "disabledExtensions": [*page.get("disabledExtensions", ()), _NEWS]}


def main() -> None:
    """Run the server until it is ended."""
    from jupyterlab.labapp import LabApp

    parents.begin()
    server = LabApp.initialize_server(argv=[*_USUAL, *sys.argv[1:], *fixed_flags()])
    server.web_app.settings["page_config_hook"] = without_news
    server.start()


if __name__ == "__main__":
    main()
