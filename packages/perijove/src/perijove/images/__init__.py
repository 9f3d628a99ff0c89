"""The lab's container image: made from `environments/`, extended by naming packages, listed."""
