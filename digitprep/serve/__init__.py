"""The workbench: clean and label photos in a browser, on this machine.

    python -m digitprep serve digits/

`server` says how it is reached; `app` has its addresses, `project` what a person says of photos, `storage`
how that is kept on the disk, `digits` what is made of a photo, `look` how that is told, and `page` what a
browser shows. Nothing here is imported before it is asked for.
"""
