"""The pages in a browser, and the same acts for programs: a thin door, as the command line is.

Nothing here decides anything: each page asks the store, or tells it what somebody did, and says in
HTML what came back. Who may come to which page stands in ``access``; ``gate`` asks it of each
request.
"""
