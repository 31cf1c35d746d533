"""Many digits on a page: found, put in reading order, and each made the image that a network reads.

`page` puts the others together: the ink on the `paper`, without printed `rules` and `boxes`, in `pieces`,
of which `digit_pieces` are told from the rest and put into `rows`; `reading` finds which `strips` of
them, parted by `cuts`, make a digit, and `reader` has a network say so. `samples` makes files of pages a
dataset.
"""

from digitprep.segment.page import Digit, Page, segment
from digitprep.segment.reader import ReadDigit, Reading, read_page

__all__ = ["Digit", "Page", "ReadDigit", "Reading", "read_page", "segment"]
