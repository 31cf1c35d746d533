"""Many digits on a page: found, put in reading order, and each made the image that a network reads."""

from digitprep.segment.page import Digit, Page, segment
from digitprep.segment.reader import ReadDigit, Reading, read_page

__all__ = ["Digit", "Page", "ReadDigit", "Reading", "read_page", "segment"]
