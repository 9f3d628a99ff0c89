"""What a cell prints, kept within bounds: for jobs (the runner) and for labs (the recording of outputs).

    bounds ── what a notebook keeps of it: head, tail, a note between
    taming ── inside the kernel: printing in few messages, none huge

Only the standard library is imported: kernels of other environments load this too.
"""
