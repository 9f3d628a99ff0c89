"""The client of histories and jobs; `api` holds what users call, the other modules what it is made of."""
