"""How a kernel starts: the user's own packages over a shared environment, and the client's functions ready.

`python -P -m perijove_lab.kernel` with one of

    start -f FILE                     what a kernelspec runs
    run [--home HOME] -- ARGS         Python with the user's packages and ARGS (a job's runner)
    prepare                           make the place for the user's packages, print its variables
    reset [--home HOME]               set the user's packages aside
    install --env-prefix … …          write the kernelspec (for whoever installs an environment)
"""
