"""What a plugin may raise that is no `Exception`."""


class Panic(BaseException):
    """As an extension module that is written in Rust raises."""
