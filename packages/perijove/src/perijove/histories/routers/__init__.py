"""The paths of the API. A router's body is one service call."""
