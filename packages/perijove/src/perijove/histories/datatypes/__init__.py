"""Types of datasets: which there are, and how a file's type is found from its content."""
