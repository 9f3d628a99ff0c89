"""`python -m perijove.cli`."""

from perijove.cli import main

main()
