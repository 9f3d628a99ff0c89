print("begun")
raise ValueError("no such patient")
