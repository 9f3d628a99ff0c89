"""`python -m perijove.hub`: as `jupyterhub`, with our application."""

from perijove.hub.application import PerijoveHub

PerijoveHub.launch_instance()
