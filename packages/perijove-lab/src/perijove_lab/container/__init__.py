"""How a lab starts in a container: by itself, under a hub, under Galaxy (`perijove-start` in the image).

Only the standard library: it runs before anything else, at first as root where it was started so.
"""
