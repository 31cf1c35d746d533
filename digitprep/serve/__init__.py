"""The workbench: clean and label photos in a browser, on this machine.

    python -m digitprep serve digits/

`server` says how it is reached; `app` has its addresses, `project` what it keeps on the disk, and `page` what
a browser shows. Nothing here is imported before it is asked for.
"""
