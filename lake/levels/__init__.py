"""Support and resistance levels: how they are found, and what price does at them.

`methods/` holds one module a method, each of which proposes levels bar by bar; `tracker` keeps the
active ones of one method and says which events (touch, bounce, break, retest, role flip) a bar makes
at them; `live` pushes one bar through all of them; `batch` pushes a whole history through `live`. So the
two paths cannot differ, and nothing can look ahead: no part is ever given a later bar.
"""
