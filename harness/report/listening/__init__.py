"""The blind listening test: a session of paired comparisons, the page that asks them, and the server that keeps them.

session   which pairs, in what order, and the folder that plays them
server    the page over loopback, and the answers on disk
"""
