class Refused(Exception):
    """The bytes are not what the specification takes."""
