"""JupyterHub's configuration and the extension points Perijove fills."""
