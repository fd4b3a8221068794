"""What the pages do, for programs: JSON in and out, under one address, by token.

A token acts as somebody registered, with the rights of their role and teams. Nothing here decides
anything: each route asks the store, or tells it what was done.
"""
