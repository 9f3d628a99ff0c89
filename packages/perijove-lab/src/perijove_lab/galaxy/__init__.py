"""What the tools of `galaxy/` run inside a Galaxy job: `job` (run_jupyter_job), `lab` (the interactive tool).

Galaxy writes the tool's parameters to a JSON file; its name is the only argument. Everything happens in the
job's working directory, where Galaxy collects the outputs by the names that the tools' XML gives.
"""
