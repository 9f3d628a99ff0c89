"""The small /etc of a sandbox: what programs need to work, and nothing about the host's accounts."""

from __future__ import annotations

from pathlib import Path

# Taken from the host, read-only, where present. All of it is readable to every account of the host.
FROM_HOST = (
    "alternatives",
    "bash.bashrc",
    "ca-certificates",
    "ca-certificates.conf",
    "fonts",
    "gai.conf",
    "host.conf",
    "inputrc",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "magic",
    "mime.types",
    "OpenCL",
    "pip.conf",
    "pki/ca-trust",
    "pki/tls/certs",
    "profile",
    "protocols",
    "python3",
    "python3.11",
    "python3.12",
    "python3.13",
    "R",
    "services",
    "ssl/certs",
    "ssl/openssl.cnf",
    "terminfo",
    "timezone",
    "vulkan",
    "xattr.conf",
)


def written_files(*, name: str, uid: int, gid: int, home: str, resolver: str | None) -> dict[str, str]:
    """The files made for one sandbox. `resolver`: its name server's address, None without a network."""
    return {
        "passwd": f"root:x:0:0:root:/root:/usr/sbin/nologin\n{name}:x:{uid}:{gid}::{home}:/bin/bash\n"
        "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
        "group": f"root:x:0:\n{name}:x:{gid}:\nnogroup:x:65534:\n",
        "hosts": "127.0.0.1 localhost perijove\n::1 localhost ip6-localhost ip6-loopback\n",
        "hostname": "perijove\n",
        "resolv.conf": f"nameserver {resolver}\n" if resolver else "",
        "nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n",
        "machine-id": "",
    }


def host_files(root: Path = Path("/etc")) -> list[tuple[Path, str]]:
    """The parts of the host's /etc that sandboxes see: (where it lies, its path inside /etc)."""
    return [(root / name, name) for name in FROM_HOST if (root / name).exists()]
