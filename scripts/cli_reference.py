"""Print docs/reference/cli.md, made from the commands themselves (`make docs`)."""

from perijove.cli.reference import reference_page

print(reference_page(), end="")
