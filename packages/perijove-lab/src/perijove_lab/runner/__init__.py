"""Runs one job: stage → execute → capture → export, as `docs/reference/job-contract.md` describes it.

Started as `python -m perijove_lab.runner JOB.json`. The modules `inside`, `observe`, `capture`,
`samples`, `verify` and `export` work inside the kernel, where the objects live; all others in the
runner's own process. Nothing here assumes a sandbox: any folder with a `job.json` will do.
"""
