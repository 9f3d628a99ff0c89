"""Configuration of every lab's server; read inside the lab's own environment, as its user.

Nothing here protects anybody: the confinement does. It makes labs start fast, ask nothing of the internet,
and never count as idle while they work.
"""

# mypy: ignore-errors

import os
from datetime import UTC, datetime

from jupyter_core.paths import jupyter_data_dir
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager

c = get_config()  # noqa: F821


class WorkingKernelManager(AsyncMappingKernelManager):
    """A kernel that computes without printing, or a program in a terminal, is activity.

    The hub's idle culler goes by the last activity that the server reports: by itself, the last message.
    """

    @property
    def last_kernel_activity(self):
        """Now, while anything runs; else when a kernel last said something."""
        if self._kernel_is_busy() or self._terminal_is_busy():
            return datetime.now(UTC)
        return self._last_message

    @last_kernel_activity.setter
    def last_kernel_activity(self, value):
        self._last_message = value

    _last_message = datetime.now(UTC)

    def _kernel_is_busy(self):
        return any(
            getattr(kernel, "execution_state", "") in ("busy", "starting")
            for kernel in self._kernels.values()
        )

    def _terminal_is_busy(self):
        manager = self.parent.web_app.settings.get("terminal_manager")
        return any(_runs_a_program(terminal) for terminal in getattr(manager, "terminals", {}).values())


def _runs_a_program(terminal):
    process = terminal.ptyproc
    try:
        return os.tcgetpgrp(process.fd) != process.pid
    except OSError:
        return False


c.ServerApp.kernel_manager_class = WorkingKernelManager
c.ServerApp.terminals_enabled = True
c.ServerApp.open_browser = False
# Language servers are started by nobody here, and cost half a second at each start. The others are loaded by
# the first request to one of their addresses (perijove_lab.extension.on_request).
c.ServerApp.jpserver_extensions = dict.fromkeys(
    (
        *("jupyter_lsp", "notebook_shim"),
        *("jupyter_server_proxy", "jupyterlab_git", "jupyterlab_h5web", "nbdime", "nbgitpuller", "elyra"),
        "jupyterlab_nvdashboard",
    ),
    False,
)
# What cells show is kept by the server, in shared documents. They stay in it, so that whoever comes back
# after hours meets the document that they left; their history outlives a restart of the lab.
c.ServerApp.kernel_websocket_connection_class = "perijove_lab.outputs.connection.RecordingConnection"
c.YDocExtension.document_cleanup_delay = None
c.SQLiteYStore.db_path = os.path.join(jupyter_data_dir(), "documents.db")
c.SQLiteYStore.squash_after_inactivity_of = 3600
# Pipelines run here or as jobs, never on Kubeflow or Airflow; and Elyra's log holds the whole configuration.
c.PipelineProcessorRegistry.runtimes = ["local"]
c.ElyraApp.log_level = "WARN"
# These would ask GitHub and PyPI.
c.LabApp.news_url = None
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
c.LabApp.extension_manager = "readonly"
c.FileContentsManager.delete_to_trash = False
