"""What the history server does: a service works inside a session (one transaction) that its caller opened."""
