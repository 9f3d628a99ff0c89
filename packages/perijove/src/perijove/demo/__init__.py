"""The whole way of a new user, headless: sign up, lab, submission, closed lab, model, prediction, report.

Everything goes through what users have: the hub's pages, the lab's API and kernel websockets, the Galaxy API.
One module per step; `journey` puts them in order.
"""
