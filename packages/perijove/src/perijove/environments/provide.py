"""Everything that labs, jobs and the front door need, in one call."""

from __future__ import annotations

from perijove.environments.install import Installer
from perijove.environments.kernels import provide_notebooks, register_kernel
from perijove.environments.optional import renew_optional
from perijove.environments.proxy import ensure_proxy
from perijove.environments.stamps import Stamp

KERNEL_TITLE = "Python 3 (AI)"


def provide(installer: Installer, *, kernel: str = "ai", look_for_torch: bool = False) -> list[Stamp]:
    """The proxy, the environments of labs, their tools and the kernel, installed, registered and up to date.

    And the optional ones that an administrator has asked for.

    Takes a fraction of a second when nothing is left to do.
    """
    layout, report = installer.layout, installer.report
    ensure_proxy(layout, python=installer.python, report=report)
    stamps = [installer.ensure("lab"), installer.ensure("tools")]
    stamps.append(installer.ensure(kernel, look_for_torch=look_for_torch))
    register_kernel(layout, name=kernel, display_name=KERNEL_TITLE, report=report)
    provide_notebooks(layout)
    return [*stamps, *renew_optional(installer)]
