"""JupyterHub's configuration and the extension points Perijove fills.

How the supervisor starts the front door (`perijove.hub.run`; all functions take the `Settings` in force):

1. `run.prepare(settings, owner=(uid, gid) | None) -> Ports`, once before anything starts, as root or as the
   platform's account: makes `state/hub/` (secrets, mode 0600) and `state/ports.json` (the private ports of
   hub, proxy and history server, chosen free on loopback and kept), and gives them to `owner`. Harmless to
   repeat while nothing runs.
2. `run.proxy_process(settings)`, `run.hub_process(settings)` and `run.tls_process(settings)` (None unless
   there is a certificate, or an address that leaves loopback out): each a
   `ProcessSpec(name, argv, env, cwd, ready_url)`. Start the proxy first and keep it up while the hub
   restarts: labs stay reachable. `env` is to be laid over the environment inherited (settings given as
   `PERIJOVE_…` variables must reach the hub). `ready_url` answers below 500 when it is ready. SIGTERM ends
   each; labs go on.
3. `run.galaxy_environment(settings) -> dict[str, str]`: what the history server gets, in the names
   JupyterHub gives its services: `JUPYTERHUB_API_TOKEN`, `JUPYTERHUB_API_URL`, `JUPYTERHUB_SERVICE_NAME`
   (galaxy), `JUPYTERHUB_SERVICE_PREFIX` (/services/galaxy/), `JUPYTERHUB_SERVICE_URL`
   (http://127.0.0.1:PORT, where it is to listen), `JUPYTERHUB_CLIENT_ID`, `JUPYTERHUB_OAUTH_CALLBACK_URL`, …
   The proxy keeps the prefix in the path.

Administration from the command line: `perijove.hub.client.HubClient(settings)`, with the internal token in
`state/hub/secrets.json`: `wait_ready`, `healthy`, `people`, `approve`, `revoke`, `promote`, `sign_in_link`,
`new_token`, `user`, `running_labs`, `start_lab`, `stop_lab`. `sign_in_link(admin=True)` gives the one-time
link of the first administrator; `sign_in_link(name)` that of anybody added by name.

Administrators are the members of the group `administrators`; nobody holds JupyterHub's own `admin` role,
which would open every user's lab. `prepare` copies `PERIJOVE_HOME/notebooks`, where there is one, and the
labs' configuration to `envs/share/`, where sandboxes may see them.
"""

from __future__ import annotations
