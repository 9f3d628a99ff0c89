"""Doors for the panel of jobs: one view of a job, whichever server it runs on."""
