"""Results to look at: pictures, pages and lists.

`sheet`, `dataset` and `explanation` draw pictures, `lettering` the text in them, `plots` curves.
`photos`, `evaluation` and `training` are pages, by way of `html`. `lists` are tables of photos, and
`cleaning` is all that stands beside a cleaned dataset.
"""
